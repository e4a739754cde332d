"""Cookies: what clients send, what is set for them, and the secrets that sign both."""
