"""The exceptions pode_py raises on purpose."""

from __future__ import annotations

from typing import Any

__all__ = [
    "ClientDisconnected",
    "PodeError",
    "StartError",
    "StatusError",
]


class PodeError(Exception):
    """Something in the use of pode_py is wrong; the message says what to do. Not in Pode."""


class StartError(PodeError):
    """The server cannot start: a port in use, a bad certificate, a handler that is missing. Not in
    Pode.
    """


class StatusError(PodeError):
    """Ends the current request with an HTTP status, through the error pages. Not in Pode.

    Works anywhere in a request: in middleware, in a handler, and in functions that they call.

    status: 400 to 599.
    description: shown to the client.
    headers: further headers of the response.
    data: what else the client gets to know, in error pages that are JSON.

    Raises ValueError for another status.

        @add_route("get", "/users/:id")
        def user():
            raise StatusError(404, "No such user")
    """

    def __init__(
        self,
        status: int,
        description: str | None = None,
        *,
        headers: dict[str, str] | None = None,
        data: Any = None,
    ) -> None:
        if not isinstance(status, int) or not 400 <= status <= 599:
            raise ValueError(
                f"StatusError takes a status from 400 to 599, not {status!r}. The text comes after "
                'it, as in StatusError(404, "No such user").'
            )
        super().__init__(description or f"HTTP {status}")
        self.status = status
        self.description = description
        self.headers = headers or {}
        self.data = data


class ServerStopped(PodeError):
    """There was a server, and there is none any more."""


class Interrupted(StatusError):
    """The server has ended a handler, and answers 503. Unlike other statuses it is logged."""


class ServerStopping(Interrupted):
    """An `async def` handler was cancelled, as it did not end within the grace time of a stop."""

    def __init__(self) -> None:
        super().__init__(503, "The server is stopping.", headers={"Retry-After": "1"})
        self.args = ("The async handler was cancelled: the server stops.",)


class HandlerTimeout(Interrupted):
    """What a handler awaited was cancelled, as its request had no answer in time."""

    def __init__(self, subject: str) -> None:
        super().__init__(503)
        self.args = (f"{subject} What it awaited was cancelled, and the client got 503.",)


class ClientDisconnected(BaseException):
    """The client has left, and with it the reason to go on with its request. Not in Pode.

    It ends the handler and is not logged. It is no `Exception`, so that the `except Exception` of a
    loop that sends does not keep the loop alive. Catch it where something has to be cleaned up, and
    raise it again.

        @add_route("get", "/events")
        def events():
            convert_to_sse_connection("Events", scope="local")
            try:
                while True:
                    send_sse_event("tick", from_event=True)
            except ClientDisconnected:
                print("gone")
                raise
    """

    def __init__(self) -> None:
        super().__init__("The client has left.")
