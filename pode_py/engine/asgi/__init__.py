"""The engine behind an ASGI server, and uvicorn as one of our own. It never sees the one on h11."""
