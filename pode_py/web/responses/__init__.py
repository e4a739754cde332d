"""What handlers answer with."""
