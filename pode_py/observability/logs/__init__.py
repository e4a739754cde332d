"""Logs: types say what is logged and how it reads, methods say where it goes."""
