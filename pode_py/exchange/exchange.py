"""Exchange: one request and whatever answers it. Engines make them, the pipeline finishes them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from pode_py.exchange.outbox import Ending, Outbox
from pode_py.exchange.overflow import OutboxLimits
from pode_py.exchange.stream import Keepalive, OpenStream
from pode_py.http.request import Request
from pode_py.http.response import Body, FileBody, Response, close_body, plain_body
from pode_py.http.statuses import BODILESS


class Exchange(ABC):
    """Answered exactly once, by `reply`, `upgrade` or `abort`. That is decided here; an engine
    says how heads are made (`_prepare`), sent (`_send`, `_open`), and connections cut (`_cut`).

    `endpoint` is what the listener was made for; engines pass it on without looking. `route` is
    what the request is for, from when somebody has looked for it.
    """

    # What most exchanges never change costs them nothing.
    replied = False
    upgraded = False
    aborted = False
    bytes_sent = 0
    route: object = None
    _stream: OpenStream | None = None

    def __init__(self, request: Request, endpoint: Any = None) -> None:
        self.request = request
        self.endpoint = endpoint

    def reply(self, response: Response) -> None:
        """Send a whole response. An iterator body is sent piece by piece on this thread.

        What the iterator raises comes out of here after the connection was cut.
        """
        if self.replied or self.upgraded or self.aborted:
            raise RuntimeError("This request has been answered already.")
        body = response.body
        if type(body) is not bytes:
            body = response.body = plain_body(body)
        head = self._prepare(response)
        # What is wrong with the head has been raised by now: another response may still be sent.
        self.replied = True
        if self.request.http_method == "HEAD" or response.status_code in BODILESS:
            close_body(body)
            body = b""
        elif type(body) is bytes:
            self.bytes_sent = len(body)
        elif type(body) is FileBody:
            self.bytes_sent = body.length
        try:
            self._send(head, body)
        except BaseException:
            # The head has gone, so no status can tell: a missing end of the body does.
            self.abort()
            raise

    def upgrade(
        self,
        head: Response,
        *,
        limits: OutboxLimits | None = None,
        keepalive: Keepalive | None = None,
    ) -> Outbox:
        """Send a head and keep the connection open. The outbox is held until released."""
        if self.replied or self.upgraded or self.aborted:
            raise RuntimeError("This request has been answered already.")
        stream = self._stream = self._open(head, limits, keepalive)
        self.upgraded = True
        if stream.head_only:
            stream.outbox.end()
        return stream.outbox

    def on_close(self, callback: Callable[[], None]) -> None:
        """Call `callback` once, soon, when an upgraded connection is gone. It must be quick."""
        assert self._stream is not None
        self._stream.call_at_end(callback)

    def abort(self) -> None:
        """Have the connection cut: a stream at once, anything else when the handler has ended."""
        self.aborted = True
        if self._stream is not None:
            self._stream.outbox.end(ending=Ending.CUT)

    def finish(self) -> None:
        """The handler has ended: cut what it aborted, or left without an answer."""
        if not self.upgraded and (self.aborted or not self.replied):
            self.aborted = True
            self._cut()

    @abstractmethod
    def _prepare(self, response: Response) -> Any:
        """The head of a whole response, as `_send` takes it. Raises ValueError for one that can't
        be sent."""

    @abstractmethod
    def _send(self, head: Any, body: Body) -> None:
        """Send the head and what follows it. Whoever sends a file closes it."""

    @abstractmethod
    def _open(
        self, head: Response, limits: OutboxLimits | None, keepalive: Keepalive | None
    ) -> OpenStream:
        """Make the connection a stream. Raises ValueError for a head that can't be sent."""

    @abstractmethod
    def _cut(self) -> None:
        """Cut a connection that is no stream."""
