"""MemoryExchange: an exchange whose answer stays in memory; and MemoryStream, its event stream."""

from __future__ import annotations

import threading
import time
from typing import Any

from pode_py.core.calls import Job
from pode_py.exchange.exchange import Exchange
from pode_py.exchange.outbox import Ending
from pode_py.exchange.overflow import OutboxLimits
from pode_py.exchange.stream import TURN, Keepalive, OpenStream
from pode_py.http.headers import ResponseHeaders
from pode_py.http.request import Request
from pode_py.http.response import (
    NO_DEFAULTS,
    FileBody,
    HeadDefaults,
    Response,
    SentBody,
    close_body,
    pieces,
    with_pages,
)
from pode_py.testing.messages import ClientResponse
from pode_py.testing.stream import EventStream


class MemoryExchange(Exchange):
    """Answered by the thread that handles the request; read by the test's.

    There is no engine behind it: no pings, and nothing is cut but by an overflow.
    """

    def __init__(
        self, request: Request, endpoint: Any = None, defaults: HeadDefaults = NO_DEFAULTS
    ) -> None:
        super().__init__(request, endpoint)
        self._defaults = defaults
        self.response: ClientResponse | None = None
        self.stream: MemoryOutput | None = None
        self.is_body = False  # what is on the stream is the body of a response
        self._answered = threading.Event()
        self._finished = threading.Event()
        self._left = False

    def wait_answered(self, timeout: float) -> bool:
        """Wait until there is an answer: a response, the head of a stream, or a cut."""
        return self._answered.wait(timeout)

    def wait_finished(self, timeout: float) -> bool:
        """Wait until the handler has ended, and endware after it."""
        return self._finished.wait(timeout)

    def mark_finished(self) -> None:
        self._finished.set()

    def close(self) -> None:
        """The client leaves, or has read all there is."""
        self._left = True
        if self.stream is not None:
            self.stream.mark_ended()
        else:
            self.client_left()

    def _prepare(self, response: Response) -> Response:
        return response

    def _send(self, head: Response, body: SentBody) -> None:
        try:
            if isinstance(body, FileBody):
                data = b"".join(iter(lambda: body.read(TURN), b""))
            else:
                data = body if isinstance(body, bytes) else b"".join(pieces(body))
        finally:
            close_body(body)
        self.bytes_sent = len(data)
        self.response = self._seen(head, data)
        self._answered.set()

    def _open(
        self, head: Response, limits: OutboxLimits | None, keepalive: Keepalive | None
    ) -> OpenStream:
        self.response = self._seen(head, b"")
        stream = self.stream = MemoryOutput(limits, keepalive)
        if self._left:  # its client did not wait for the head
            stream.mark_ended()
        self._answered.set()
        return stream

    def _open_body(self, head: Response) -> OpenStream:
        self.is_body = True
        return self._open(head, None, None)

    def _defer(self) -> None:
        """`close` notifies of it when the client leaves."""

    def _resume(self, job: Job) -> None:
        def go_on() -> None:
            if job():
                self.finish()
                self.mark_finished()

        threading.Thread(target=go_on, name="pode-test-resume", daemon=True).start()

    def _is_ended(self) -> bool:
        return self._left

    def _cut(self) -> None:
        self._answered.set()

    def _seen(self, response: Response, body: bytes) -> ClientResponse:
        headers = ResponseHeaders(with_pages(response, self._defaults))
        return ClientResponse(response.status_code, headers, body, response.reason or "")


class MemoryOutput(OpenStream):
    """What the server puts on a stream, until the client takes it."""

    def __init__(self, limits: OutboxLimits | None, keepalive: Keepalive | None) -> None:
        self._changed = threading.Condition()
        super().__init__(limits, keepalive)
        # Nothing takes what waits but the test: it is bounded as that of a client that is slow.
        self.outbox.stuck = True

    def notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def mark_ended(self) -> None:
        super().mark_ended()
        self.notify()

    def take(self, until: float) -> bytes | None:
        """The next frames of the stream; None at its end. TimeoutError at the monotonic `until`."""
        outbox = self.outbox
        with self._changed:
            ready = self._changed.wait_for(
                lambda: outbox.closed or outbox.has_work, max(0.0, until - time.monotonic())
            )
        if not ready:
            raise TimeoutError
        frames = [] if outbox.overflowed else outbox.take(TURN)
        if not frames:
            return None
        outbox.sent(len(frames), sum(map(len, frames)))
        return b"".join(frames)


class MemoryStream(EventStream):
    """The event stream of an exchange without sockets, as its client sees it."""

    def __init__(self, exchange: MemoryExchange, deadline: float) -> None:
        assert exchange.response is not None
        super().__init__(exchange.response, deadline)
        self._exchange = exchange
        self.ended = exchange.stream is None

    def close(self) -> None:
        self._exchange.close()

    def _read(self, until: float) -> bytes | None:
        stream = self._exchange.stream
        assert stream is not None
        data = stream.take(until)
        if data is None:
            self.ended_cleanly = stream.outbox.ending is Ending.CLEAN
            self._exchange.close()
        return data
