"""Beside the floors: sockets and bytes. It never sees a Server."""
