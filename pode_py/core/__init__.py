"""Floor 0: what every room may use. It knows nothing of HTTP, sockets or rooms."""
