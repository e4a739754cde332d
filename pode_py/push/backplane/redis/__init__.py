"""The backplane on Redis."""
