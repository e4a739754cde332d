"""H11Exchange: answers a request on the connection it came from, on the worker's thread."""

from __future__ import annotations

import select
import time
from collections.abc import Iterable

from pode_py.core.calls import Job
from pode_py.engine.h11.connection import Connection
from pode_py.engine.h11.stream import H11Host, H11Stream
from pode_py.exchange.exchange import Exchange
from pode_py.exchange.overflow import OutboxLimits
from pode_py.exchange.stream import Keepalive
from pode_py.http.request import Request
from pode_py.http.response import FileBody, Response, SentBody, close_body, framing_lines, pieces
from pode_py.http.statuses import WITH_BODY

# Bodies up to this size travel in the same send as their head.
_JOIN = 64 * 1024

# Of streams, after which the connection closes.
_UNFRAMED = b"Connection: close\r\n"
_CHUNKED = b"Transfer-Encoding: chunked\r\n" + _UNFRAMED


class H11Exchange(Exchange):
    """One request on one connection of our engine."""

    def __init__(self, connection: Connection, request: Request, host: H11Host) -> None:
        self.request = request
        self.endpoint = connection.endpoint
        self.keep_alive = request.is_keep_alive
        self._connection = connection
        self._host = host

    def _prepare(self, response: Response) -> bytes:
        body = response.body
        status = response.status_code
        method = self.request.http_method
        host = self._host
        if (
            type(body) is bytes
            and self.keep_alive
            and host.accepting
            and status in WITH_BODY
            and method != "HEAD"
        ):
            return host.heads.plain(response, len(body))
        if not 200 <= status <= 999:
            raise ValueError(f"The status {status} can't end a request: use one from 200 on.")
        chunks = self._chunks
        sized = isinstance(body, (bytes, FileBody))
        self.keep_alive = self.keep_alive and host.accepting and (sized or chunks)
        framing = framing_lines(
            response, head_only=method == "HEAD", keep_alive=self.keep_alive, chunks=chunks
        )
        return host.heads.head(response, framing)

    def _send(self, head: bytes, body: SentBody) -> None:
        connection = self._connection
        if isinstance(body, bytes):
            if len(body) <= _JOIN:
                connection.send(head + body)
            else:
                connection.send(head)
                connection.send(body)
        elif isinstance(body, FileBody):
            connection.file = body
            connection.send(head)
            connection.send_leftover(_JOIN * 4)
        else:
            self._send_pieces(head, body)

    def _open(
        self, head: Response, limits: OutboxLimits | None, keepalive: Keepalive | None
    ) -> H11Stream:
        chunks = self._chunks
        framing = _CHUNKED if chunks else _UNFRAMED
        data = self._host.heads.head(head, framing)
        head_only = self.request.http_method == "HEAD"
        stream = H11Stream(
            self._connection, self._host, data, limits, keepalive, head_only=head_only
        )
        stream.chunked = chunks and not head_only
        self._connection.become_stream(stream)
        return stream

    def _open_body(self, head: bytes) -> H11Stream:
        connection = self._connection
        stream = H11Stream(connection, self._host, head, None, None, head_only=False)
        stream.chunked = self._chunks
        stream.is_body = True
        stream.keep_alive = self.keep_alive
        connection.stream = stream
        return stream

    def reply_early(self, response: Response) -> None:
        super().reply_early(response)
        # What the socket did not take would wait for the handler's end. The loop must not wait: of
        # an async handler it does.
        if self._connection.deferred is not self:
            self._wait_until_sent()

    def reply_past(self, response: Response) -> None:
        super().reply_past(response)
        # The connection is closed when its worker comes back. Whoever waits for its end need not.
        if not self._connection.has_leftover:
            self._connection.shutdown()

    def pause(self) -> None:
        self._connection.exchange = None

    def look(self) -> None:
        """Something has happened on the connection while this is deferred. A client that has only
        ended its side may still wait for the answer."""
        if self._connection.hang_up == "whole":
            self.client_left()

    def _defer(self) -> None:
        connection = self._connection
        connection.deferred = self
        self._host.rearm(connection)
        # Whoever found it claimed before that left word, and nobody else will come.
        if connection.again:
            self.look()

    def _resume(self, job: Job) -> None:
        self._host.resume(self._connection, self, job)

    def _is_ended(self) -> bool:
        return self._connection.hang_up != "none"

    def _cut(self) -> None:
        self._host.forget(self._connection)

    @property
    def _chunks(self) -> bool:
        """Whether the client knows chunked bodies."""
        return self.request.http_version == "1.1"

    def _send_pieces(self, head: bytes, body: Iterable[bytes | str]) -> None:
        connection, chunks = self._connection, self._chunks
        try:
            connection.send(head)
            for piece in pieces(body):
                connection.send(b"%x\r\n%b\r\n" % (len(piece), piece) if chunks else piece)
                self._wait_until_sent()
                self.bytes_sent += len(piece)
        finally:
            close_body(body)
        if chunks:
            connection.send(b"0\r\n\r\n")

    def _wait_until_sent(self) -> None:
        """Block until the client took what was sent: an iterator goes at the client's pace."""
        connection = self._connection
        while connection.has_leftover:
            if not connection.send_leftover(1 << 30) and not self._wait_writable():
                raise ConnectionAbortedError("The client does not read the response.")

    def _wait_writable(self) -> bool:
        deadline = time.monotonic() + self._host.write_timeout
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
