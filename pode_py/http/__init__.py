"""Floor 1: what HTTP says. Values and parsers: no sockets, no threads, no clock."""
