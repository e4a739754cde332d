"""Which handler a request is for."""
