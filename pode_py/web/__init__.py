"""Floor 5: one request, from its event to its response."""
