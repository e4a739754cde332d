"""What a request's body means."""
