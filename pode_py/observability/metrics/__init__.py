"""What the server counts, and how others may read it."""
