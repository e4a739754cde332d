"""WireExchange: answers a request on the connection it came from, on the worker's thread."""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Callable, Iterable
from typing import Protocol

from pode_py.engine.h11.connection import Connection
from pode_py.engine.h11.head_writer import HeadWriter
from pode_py.engine.h11.stream import Stream
from pode_py.exchange.exchange import Exchange, Keepalive
from pode_py.exchange.outbox import Ending, Outbox
from pode_py.exchange.overflow import OutboxLimits
from pode_py.http.request import Request
from pode_py.http.response import (
    Body,
    FileBody,
    Response,
    close_body,
    framing_lines,
    pieces,
)
from pode_py.http.statuses import has_body

# Bodies up to this size travel in the same send as their head.
_JOIN = 64 * 1024


class Wire(Protocol):
    """What an exchange needs of its engine."""

    heads: HeadWriter
    write_timeout: float
    outbox_lock: threading.Lock  # of all its outboxes

    @property
    def accepting(self) -> bool: ...
    def notify(self, stream: Stream) -> None: ...
    def begin(self, stream: Stream) -> None: ...


class WireExchange(Exchange):
    """One request on one connection of our engine."""

    aborted = False
    _stream: Stream | None = None

    def __init__(self, connection: Connection, request: Request, wire: Wire) -> None:
        self.request = request
        self.endpoint = connection.endpoint
        self._connection = connection
        self._wire = wire
        self.keep_alive = request.is_keep_alive

    def reply(self, response: Response) -> None:
        if self.replied or self.upgraded:
            raise RuntimeError("This request has been answered already.")
        if not isinstance(response.body, (bytes, FileBody)):
            response.body = plain_body(response.body)
        body = response.body
        if type(body) is bytes and len(body) <= _JOIN and self._is_plain(response.status_code):
            data = self._wire.heads.with_body(response, body)
            self.replied = True
            self._connection.send(data)
            self.bytes_sent = len(body)
            return
        self._reply_with_care(response, body)

    def _is_plain(self, status: int) -> bool:
        """Whether nothing is special about the answer: it has a body, and the client stays."""
        return (
            self.keep_alive
            and self._wire.accepting
            and 200 <= status <= 999
            and status not in (204, 304)
            and self.request.http_method != "HEAD"
        )

    def _reply_with_care(self, response: Response, body: Body) -> None:
        chunks = self.request.http_version == "1.1"
        sized = isinstance(body, (bytes, FileBody))
        self.keep_alive = self.keep_alive and self._wire.accepting and (sized or chunks)
        head = self._head(response, chunks)
        # What is wrong with the head has been raised by now: another response may still be sent.
        self.replied = True
        if self.request.http_method == "HEAD" or not has_body(response.status_code):
            close_body(body)
            self._send(head)
        elif isinstance(body, bytes):
            self._send_bytes(head, body)
        elif isinstance(body, FileBody):
            self._connection.file = body
            self._send(head)
            self._connection.send_leftover(_JOIN * 4)
            self.bytes_sent += body.length
        else:
            self._send_pieces(head, body, chunks)

    def upgrade(
        self,
        head: Response,
        *,
        limits: OutboxLimits | None = None,
        keepalive: Keepalive | None = None,
    ) -> Outbox:
        if self.replied or self.upgraded:
            raise RuntimeError("This request has been answered already.")
        chunked = self.request.http_version == "1.1"
        framing = b"Transfer-Encoding: chunked\r\n" if chunked else b""
        data = self._wire.heads.head(head, framing + b"Connection: close\r\n")
        stream = Stream(self._connection, self._wire, data, keepalive, chunked=chunked)
        stream.outbox = Outbox(stream.tell, limits, held=True, lock=self._wire.outbox_lock)
        self.upgraded = True
        self._stream = stream
        self._connection.become_stream(stream)
        if self.request.http_method == "HEAD":
            stream.head_only, stream.chunked = True, False
            stream.outbox.end()
        return stream.outbox

    def on_close(self, callback: Callable[[], None]) -> None:
        assert self._stream is not None
        self._stream.call_at_end(callback)

    def abort(self) -> None:
        self.aborted = True
        self.keep_alive = False
        if self._stream is not None:  # the connection is the pusher's
            self._stream.outbox.end(ending=Ending.CUT)

    def _head(self, response: Response, chunks: bool) -> bytes:
        if not 200 <= response.status_code <= 999:
            raise ValueError(
                f"The status {response.status_code} can't end a request: use one from 200 on."
            )
        framing = framing_lines(
            response,
            head_only=self.request.http_method == "HEAD",
            keep_alive=self.keep_alive,
            chunks=chunks,
        )
        return self._wire.heads.head(response, framing)

    def _send_bytes(self, head: bytes, body: bytes) -> None:
        if len(body) <= _JOIN:
            self._send(head + body)
        else:
            self._send(head)
            self._send(body)
        self.bytes_sent += len(body)

    def _send_pieces(self, head: bytes, body: Iterable[bytes | str], chunks: bool) -> None:
        try:
            self._send(head)
            for piece in pieces(body):
                self._send(b"%x\r\n%b\r\n" % (len(piece), piece) if chunks else piece)
                self._wait_until_sent()
                self.bytes_sent += len(piece)
        except BaseException:
            # The head has gone, so no status can tell: a missing last chunk does.
            self.abort()
            raise
        finally:
            close_body(body)
        if chunks:
            self._send(b"0\r\n\r\n")

    def _send(self, data: bytes) -> None:
        self._connection.send(data)

    def _wait_until_sent(self) -> None:
        """Block until the client took what was sent: an iterator goes at the client's pace."""
        connection = self._connection
        while connection.has_leftover:
            if not connection.send_leftover(1 << 30) and not self._wait_writable():
                raise ConnectionAbortedError("The client does not read the response.")

    def _wait_writable(self) -> bool:
        deadline = time.monotonic() + self._wire.write_timeout
        while not self._connection.closed:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            poll = select.poll()
            poll.register(self._connection.fd, select.POLLOUT)
            # Not longer than a second, because the engine may close the connection meanwhile.
            if poll.poll(min(left, 1.0) * 1000):
                return True
        return False


def plain_body(body: Body) -> Body:
    """Text and other kinds of bytes are one piece, not an iterator of theirs."""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, (bytearray, memoryview)):
        return bytes(body)
    return body


def simple_response(status: int, message: str) -> Response:
    """The answer to a request that no handler will see."""
    response = Response(status, f"{message}\n".encode())
    response.headers["Content-Type"] = "text/plain; charset=utf-8"
    return response
