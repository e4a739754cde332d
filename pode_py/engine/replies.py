"""Replies: what an engine answers without asking anybody."""

from __future__ import annotations

from pode_py.http.response import Response


def simple_response(status: int, message: str) -> Response:
    """The answer to a request that no handler will see."""
    response = Response(status, f"{message}\n".encode())
    response.headers["Content-Type"] = "text/plain; charset=utf-8"
    return response
