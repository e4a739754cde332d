"""The exceptions pode_py raises on purpose."""

from __future__ import annotations

__all__ = [
    "ClientDisconnected",
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


class ServerStopping(StatusError):
    """An `async def` handler was cancelled, as it did not end within the grace time of a stop."""

    def __init__(self) -> None:
        super().__init__(503, "The server is stopping.", headers={"Retry-After": "1"})
        self.args = ("The async handler was cancelled: the server stops.",)


class ClientDisconnected(BaseException):
    """The client has left, and with it the reason to go on with its request.

    It ends the handler and is not logged. No `Exception`, so that the `except Exception` of a
    loop that sends does not keep the loop alive; catch it where something has to be cleaned up,
    and raise it again.
    """

    def __init__(self) -> None:
        super().__init__("The client has left.")
