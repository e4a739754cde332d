"""Floor 6: connections that stay open."""
