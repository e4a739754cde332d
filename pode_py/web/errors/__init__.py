"""Pages for statuses from 400 up."""
