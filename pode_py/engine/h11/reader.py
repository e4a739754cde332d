"""RequestReader: turns the bytes of one connection into requests. No socket, no thread.

One h11 connection parses one request. h11 reads; our own writer answers, because h11's writer
costs as much again as its parser (measured: 17,000 against 35,000 requests a second), and a new
h11.Connection costs 1 µs. The head goes to h11 only when it is complete and plain, so a head
that drips in byte by byte is never parsed twice.
"""

from __future__ import annotations

import h11

from pode_py.engine.h11.fast_lane import FastLane, RequestLines
from pode_py.engine.options import Limits
from pode_py.engine.replies import unread_request
from pode_py.http.headers import RequestHeaders
from pode_py.http.request import Peer, Request
from pode_py.http.strictness import (
    ChunkGuard,
    Framing,
    PlainHead,
    ProtocolError,
    begun_head,
    check_head,
    read_head,
    split_target,
    take_head,
    too_large,
)

_MALFORMED = "The request is malformed."
# A body goes to h11 in pieces, so that what is pipelined after it is not copied with it.
_PIECE = 64 * 1024


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
        "has_input",
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
        self._head: PlainHead | None = None
        self._target = ("", "", "", "")
        self._framing: Framing | None = None
        self._guard: ChunkGuard | None = None
        self._left = 0
        self._body = bytearray()
        # The client waits for "100 Continue" before it sends the body.
        self.continue_wanted = False
        # Whether `next` has anything to look at. No property: four look for each request.
        self.has_input = False

    @property
    def phase(self) -> str:
        """ "idle": no byte of a request yet; "head" or "body": within one."""
        if self._h11 is not None:
            return "body"
        return "head" if self._fresh or self._buffer else "idle"

    @property
    def begun(self) -> Request | None:
        """The request that is being read, or was refused, without its body; None if its head is
        not known."""
        head = self._head
        if head is None:
            return None
        return unread_request(head, self._peer)

    @property
    def body_received(self) -> int:
        return len(self._body)

    def feed(self, data: bytes) -> None:
        """Take what arrived."""
        self.has_input = True
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
                self.has_input = False  # nothing else waited
                return request
            self._buffer += fresh
        if self._h11 is None:
            head = self._take_head()
            self.has_input = bool(self._buffer)
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

    def _begin(self, data: bytes) -> None:
        head = self._head = read_head(data[:-4])
        framing = check_head(head.method, head.target, head.version, head.fields)
        host = next((value for name, value in head.fields if name == b"host"), b"")
        self._target = split_target(head.target, host)
        self._left = framing.length or 0
        if self._left > self._limits.body_size:
            raise too_large(self._limits.body_size)
        # h11's own limit counts for trailers from here on; ChunkGuard's is narrower.
        parser = h11.Connection(h11.SERVER, max_incomplete_event_size=self._limits.header_size)
        parser.receive_data(data)
        if not isinstance(_next_event(parser), h11.Request):
            raise ProtocolError(400, "The head is malformed.")
        self._h11, self._framing, self.has_input = parser, framing, True
        self._guard = ChunkGuard(self._limits.body_size) if framing.chunked else None
        # A client that has sent some of the body does not wait (RFC 9110, 10.1.1).
        self.continue_wanted = framing.expects_continue and framing.has_body and not self._buffer

    def _take_head(self) -> bytes | None:
        try:
            head, self._scanned = take_head(self._buffer, self._scanned, self._limits.header_size)
        except ProtocolError as error:
            if error.status == 431:
                self._head = begun_head(self._buffer, self._limits.header_size)
            raise
        return head

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
        guard = self._guard
        if guard is not None:
            used = guard.feed(piece)
            plain = guard.take()
        else:
            used = min(self._left, len(piece))
            self._left -= used
            plain = piece[:used]
        if not used:
            return False
        del self._buffer[:used]
        self.continue_wanted = False
        # h11 takes an empty piece for the end of the connection.
        if plain:
            parser.receive_data(plain)
        return True

    def _finish(self) -> Request:
        head, framing, (target, path, query, host) = self._head, self._framing, self._target
        assert head is not None
        assert framing is not None
        body = bytes(self._body)
        self._h11 = self._head = self._framing = self._guard = None
        self.has_input = bool(self._buffer)
        if body:
            self._body = bytearray()
        return Request(
            http_method=head.method.decode("ascii"),
            target=target,
            path=path,
            query_string=query,
            headers=RequestHeaders(head.fields),
            http_version=head.version.decode("ascii"),
            raw_body=body,
            host=host,
            peer=self._peer,
            is_keep_alive=framing.keep_alive,
        )


def _next_event(parser: h11.Connection) -> object:
    try:
        return parser.next_event()
    except h11.RemoteProtocolError as error:
        # Its text shows the inside of the parser, and what the client sent.
        raise ProtocolError(error.error_status_hint or 400, _MALFORMED) from error
