"""The engine of our own: threads, sockets and h11. It never sees the one on ASGI."""
