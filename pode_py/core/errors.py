"""The exceptions pode_py raises on purpose."""

from __future__ import annotations

__all__ = [
    "PodeError",
    "StartError",
    "StatusError",
]


class PodeError(Exception):
    """Something in the use of pode_py is wrong; the message says what to do about it."""


class StartError(PodeError):
    """The server cannot start: a port in use, a bad certificate, a forgotten handler."""


class StatusError(PodeError):
    """Ends the current request with an HTTP status, through the error pages.

    ``raise StatusError(404, "no such user")`` works anywhere in a request: middleware,
    handler, or a function they call. `description` is shown to the client.
    """

    def __init__(
        self, status: int, description: str | None = None, *, headers: dict[str, str] | None = None
    ) -> None:
        if not 400 <= status <= 599:
            raise ValueError(f"StatusError takes a status from 400 to 599, not {status!r}.")
        super().__init__(description or f"HTTP {status}")
        self.status = status
        self.description = description
        self.headers = headers or {}
