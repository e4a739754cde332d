"""Floor 4: what runs without a request."""
