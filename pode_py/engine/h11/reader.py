"""RequestReader: turns the bytes of one connection into requests. No socket, no thread.

One h11 connection parses one request. h11 reads; our own writer answers, because h11's writer
costs as much again as its parser (measured: 17,000 against 35,000 requests a second), and a new
h11.Connection costs 1 µs. The head goes to h11 only when it is complete and plain, so a head
that drips in byte by byte is never parsed twice.
"""

from __future__ import annotations

import re

import h11

from pode_py.engine.h11.fast_lane import FastLane, RequestLines
from pode_py.engine.options import Limits
from pode_py.http.headers import RequestHeaders
from pode_py.http.request import Peer, Request
from pode_py.http.strictness import (
    ChunkGuard,
    Framing,
    ProtocolError,
    check_head,
    check_head_bytes,
    split_target,
    too_large,
)

_BARE_LF = re.compile(rb"(?<!\r)\n|\x00")
# A body goes to h11 in pieces, so that what is pipelined after it is not copied with it.
_PIECE = 64 * 1024
_METHOD_START = frozenset(
    b"!#$%&'*+.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-abcdefghijklmnopqrstuvwxyz\r\n"
)


class RequestReader:
    """Feed it what arrives; ask for the next whole request until it has none."""

    __slots__ = (
        "_body",
        "_buffer",
        "_framing",
        "_fresh",
        "_guard",
        "_h11",
        "_head",
        "_lane",
        "_left",
        "_limits",
        "_peer",
        "_scanned",
        "_target",
        "continue_wanted",
    )

    def __init__(self, limits: Limits, peer: Peer, lines: RequestLines | None = None) -> None:
        self._limits = limits
        self._peer = peer
        self._lane = FastLane(peer, lines) if limits.fast_lane else None
        # What arrived while nothing else waited. Most requests are one such piece, and then
        # nothing of them is ever copied into the buffer.
        self._fresh = b""
        self._buffer = bytearray()
        self._scanned = 0
        # Of the request whose body is being read:
        self._h11: h11.Connection | None = None
        self._head: h11.Request | None = None
        self._target = ("", "", "", "")
        self._framing: Framing | None = None
        self._guard: ChunkGuard | None = None
        self._left = 0
        self._body = bytearray()
        # The client waits for "100 Continue" before it sends the body.
        self.continue_wanted = False

    @property
    def phase(self) -> str:
        """ "idle": no byte of a request yet; "head" or "body": within one."""
        if self._h11 is not None:
            return "body"
        return "head" if self._fresh or self._buffer else "idle"

    @property
    def has_input(self) -> bool:
        """Whether `next` has anything to look at."""
        return bool(self._fresh or self._buffer) or self._h11 is not None

    @property
    def body_received(self) -> int:
        return len(self._body)

    def feed(self, data: bytes) -> None:
        """Take what arrived."""
        if not self._fresh and not self._buffer:
            self._fresh = data
            return
        self._buffer += self._fresh + data
        self._fresh = b""

    def next(self) -> Request | None:
        """The next whole request; None if more bytes are needed. Raises ProtocolError."""
        fresh = self._fresh
        if fresh:
            self._fresh = b""
            if self._h11 is None and (request := self._read_fresh(fresh)) is not None:
                return request
            self._buffer += fresh
        if self._h11 is None:
            head = self._take_head()
            if head is None:
                return None
            if self._lane is not None and (request := self._lane.read(head)) is not None:
                return request
            self._begin(head)
        return self._read_body()

    def _read_fresh(self, data: bytes) -> Request | None:
        if self._lane is None or len(data) > self._limits.header_size:
            return None
        return self._lane.read(data)

    def _begin(self, head: bytes) -> None:
        check_head_bytes(head[:-4])
        # h11's own limit counts for trailers from here on; ChunkGuard's is narrower.
        parser = h11.Connection(h11.SERVER, max_incomplete_event_size=self._limits.header_size)
        parser.receive_data(head)
        event = _next_event(parser)
        if not isinstance(event, h11.Request):
            raise ProtocolError(400, "The head is malformed.")
        headers = list(event.headers)
        framing = check_head(event.method, event.target, event.http_version, headers)
        host = next((value for name, value in headers if name == b"host"), b"")
        self._target = split_target(event.target, host)
        self._left = framing.length or 0
        if self._left > self._limits.body_size:
            raise too_large(self._limits.body_size)
        self._h11, self._head, self._framing = parser, event, framing
        self._guard = ChunkGuard(self._limits.body_size) if framing.chunked else None
        # A client that has sent some of the body does not wait (RFC 9110, 10.1.1).
        self.continue_wanted = framing.expects_continue and framing.has_body and not self._buffer

    def _take_head(self) -> bytes | None:
        buffer = self._buffer
        while buffer.startswith(b"\r\n"):  # RFC 9112, 2.2: ignore an empty line before a request
            del buffer[:2]
            self._scanned = 0
        if not buffer:
            return None
        if buffer[0] not in _METHOD_START:
            raise ProtocolError(400, "This is not an HTTP request.")
        end = buffer.find(b"\r\n\r\n", max(0, self._scanned - 3))
        if end < 0 or end + 4 > self._limits.header_size:
            self._check_incomplete(end)
            return None
        head = bytes(buffer[: end + 4])
        del buffer[: end + 4]
        self._scanned = 0
        return head

    def _check_incomplete(self, end: int) -> None:
        buffer = self._buffer
        if end >= 0 or len(buffer) > self._limits.header_size:
            if buffer.find(b"\r\n", 0, self._limits.header_size) < 0:
                raise ProtocolError(414, "The request line is too long.")
            raise ProtocolError(431, "The header fields are too large.")
        if _BARE_LF.search(buffer, max(0, self._scanned - 1)):
            raise ProtocolError(400, "The head has a bare LF or a NUL.")
        self._scanned = len(buffer)

    def _read_body(self) -> Request | None:
        parser = self._h11
        assert parser is not None
        while True:
            event = _next_event(parser)
            if isinstance(event, h11.Data):
                self._body += event.data
            elif isinstance(event, h11.EndOfMessage):
                return self._finish()
            elif not self._pass_on(parser):
                return None

    def _pass_on(self, parser: h11.Connection) -> bool:
        """Give h11 the next bytes of the body, and none of what follows it."""
        piece = bytes(self._buffer[:_PIECE])
        if self._guard is not None:
            used = self._guard.feed(piece)
        else:
            used = min(self._left, len(piece))
            self._left -= used
        if not used:
            return False
        del self._buffer[:used]
        self.continue_wanted = False
        parser.receive_data(piece[:used])
        return True

    def _finish(self) -> Request:
        head, framing, (target, path, query, host) = self._head, self._framing, self._target
        assert head is not None
        assert framing is not None
        body = bytes(self._body)
        self._h11 = self._head = self._framing = self._guard = None
        if body:
            self._body = bytearray()
        return Request(
            http_method=head.method.decode("ascii"),
            target=target,
            path=path,
            query_string=query,
            headers=RequestHeaders(list(head.headers)),
            http_version=head.http_version.decode("ascii"),
            raw_body=body,
            host=host,
            peer=self._peer,
            is_keep_alive=framing.keep_alive,
        )


def _next_event(parser: h11.Connection) -> object:
    try:
        return parser.next_event()
    except h11.RemoteProtocolError as error:
        raise ProtocolError(error.error_status_hint or 400, str(error)) from error
