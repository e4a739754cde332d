"""MemoryExchange: an exchange whose answer stays in memory; and MemoryStream, its event stream."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from pode_py.exchange.exchange import Exchange, Keepalive
from pode_py.exchange.outbox import Ending, Outbox
from pode_py.exchange.overflow import OutboxLimits
from pode_py.http.headers import ResponseHeaders
from pode_py.http.request import Request
from pode_py.http.response import FileBody, Response, close_body, pieces
from pode_py.http.statuses import has_body
from pode_py.testing.messages import ClientResponse
from pode_py.testing.stream import EventStream

_TURN = 256 * 1024


class MemoryExchange(Exchange):
    """Answered by the thread that handles the request; read by the test's.

    There is no engine behind it: no pings, and nothing is cut but by an overflow.
    """

    def __init__(self, request: Request, endpoint: Any = None) -> None:
        super().__init__(request, endpoint)
        self.response: ClientResponse | None = None
        self.outbox: Outbox | None = None
        self.aborted = False
        self._answered = threading.Event()
        self._changed = threading.Condition()
        self._at_end: list[Callable[[], None]] | None = []

    def reply(self, response: Response) -> None:
        if self.replied or self.upgraded:
            raise RuntimeError("This request has been answered already.")
        self.replied = True
        body = self._body_of(response)
        self.bytes_sent = len(body)
        self.response = _seen(response, body)
        self._answered.set()

    def upgrade(
        self,
        head: Response,
        *,
        limits: OutboxLimits | None = None,
        keepalive: Keepalive | None = None,
    ) -> Outbox:
        if self.replied or self.upgraded:
            raise RuntimeError("This request has been answered already.")
        del keepalive  # there is no engine to send it
        self.upgraded = True
        self.response = _seen(head, b"")
        self.outbox = Outbox(self._tell, limits, held=True)
        # Nothing takes what waits but the test: it is bounded as that of a client that is slow.
        self.outbox.stuck = True
        self._answered.set()
        return self.outbox

    def on_close(self, callback: Callable[[], None]) -> None:
        with self._changed:
            if self._at_end is not None:
                self._at_end.append(callback)
                return
        callback()

    def abort(self) -> None:
        self.aborted = True
        self._answered.set()

    def wait_answered(self, timeout: float) -> bool:
        """Wait until there is an answer: a response, the head of a stream, or a cut."""
        return self._answered.wait(timeout)

    def close(self) -> None:
        """The client leaves, or has read all there is."""
        with self._changed:
            callbacks, self._at_end = self._at_end or [], None
        if self.outbox is not None:
            self.outbox.mark_closed()
        self._tell()
        for callback in callbacks:
            callback()

    def take(self, until: float) -> bytes | None:
        """The next frames of the stream; None at its end. TimeoutError at the monotonic `until`."""
        outbox = self.outbox
        assert outbox is not None
        with self._changed:
            ready = self._changed.wait_for(
                lambda: outbox.closed or outbox.has_work, max(0.0, until - time.monotonic())
            )
        if not ready:
            raise TimeoutError
        frames = [] if outbox.overflowed else outbox.take(_TURN)
        if not frames:
            return None
        outbox.sent(len(frames), sum(map(len, frames)))
        return b"".join(frames)

    def _tell(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _body_of(self, response: Response) -> bytes:
        body = response.body
        try:
            if self.request.http_method == "HEAD" or not has_body(response.status_code):
                return b""
            if isinstance(body, bytes):
                return body
            if isinstance(body, FileBody):
                return b"".join(iter(lambda: body.read(_TURN), b""))
            return b"".join(pieces(body))
        except BaseException:
            self.abort()
            raise
        finally:
            close_body(body)


class MemoryStream(EventStream):
    """The event stream of an exchange."""

    def __init__(self, exchange: MemoryExchange, deadline: float) -> None:
        assert exchange.response is not None
        super().__init__(exchange.response, deadline)
        self._exchange = exchange
        self.ended = not exchange.upgraded

    def close(self) -> None:
        self._exchange.close()

    def _read(self, until: float) -> bytes | None:
        data = self._exchange.take(until)
        if data is None:
            outbox = self._exchange.outbox
            assert outbox is not None
            self.ended_cleanly = outbox.ending is Ending.CLEAN
            self._exchange.close()
        return data


def _seen(response: Response, body: bytes) -> ClientResponse:
    headers = ResponseHeaders(response.headers.fields())
    return ClientResponse(response.status_code, headers, body, response.reason or "")
