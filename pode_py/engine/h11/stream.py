"""Stream: an upgraded connection, as the pusher sees it: its outbox and the bytes in flight."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from pode_py.engine.h11.connection import NOTHING_LEFT, Connection
from pode_py.exchange.exchange import Keepalive
from pode_py.exchange.outbox import Ending, Outbox

# A burst to one stream is written in turns of this size, so that others get theirs.
TURN = 256 * 1024

_NONE_IN_FLIGHT = (0, 0)


def chunk_of(body: bytes) -> bytes:
    """A chunk of a chunked body (RFC 9112, 7.1)."""
    return b"%x\r\n%b\r\n" % (len(body), body)


class Framer:
    """Chunks of a chunked body. The pusher writes one body to many streams in a row."""

    __slots__ = ("_body", "_chunk")

    def __init__(self) -> None:
        self._body = b""
        self._chunk = b""

    def chunk(self, body: bytes) -> bytes:
        if body is not self._body:
            self._body = body
            self._chunk = chunk_of(body)
        return self._chunk


class Wire(Protocol):
    """What a stream needs of its engine."""

    outbox_lock: threading.Lock  # of all its outboxes

    def notify(self, stream: Stream) -> None: ...
    def begin(self, stream: Stream) -> None: ...


class Stream:
    """Belongs to whoever released its outbox while it begins, then to the pusher."""

    __slots__ = (
        "_at_end",
        "_begun",
        "_in_flight",
        "_wire",
        "chunked",
        "connection",
        "framer",
        "head",
        "head_only",
        "is_pushers",
        "keepalive",
        "outbox",
        "sock",
        "wants_write",
        "written",
    )

    def __init__(
        self,
        connection: Connection,
        wire: Wire,
        head: bytes,
        keepalive: Keepalive | None,
        *,
        chunked: bool,
    ) -> None:
        self._wire = wire
        self._begun = False
        self.is_pushers = False  # from when it has begun until it ends
        self.connection = connection
        self.sock = connection.sock
        self.head = head
        self.keepalive = keepalive
        self.chunked = chunked
        # The answer to HEAD: nothing follows the head, whatever is put.
        self.head_only = False
        self.outbox: Outbox
        self.framer: Framer  # the pusher's
        self.wants_write = False
        self.written = 0
        self._at_end: tuple[Callable[[], None], ...] | None = ()
        self._in_flight = _NONE_IN_FLIGHT  # frames and bytes taken from the outbox, not yet written

    def tell(self) -> None:
        """The outbox has something to do; for the first time, when it is released."""
        if self._begun or not self._begin_once():
            self._wire.notify(self)
        else:
            self._wire.begin(self)

    def _begin_once(self) -> bool:
        with self._wire.outbox_lock:
            first, self._begun = not self._begun, True
        return first

    def call_at_end(self, callback: Callable[[], None]) -> None:
        """Call `callback` when the connection is gone; at once if it is."""
        with self._wire.outbox_lock:
            if self._at_end is not None:
                self._at_end += (callback,)
                return
        callback()

    def mark_ended(self) -> None:
        """The connection is gone. Only the pusher calls this."""
        with self._wire.outbox_lock:
            callbacks, self._at_end = self._at_end or (), None
        self.outbox.mark_closed()
        self.connection.stream = None  # no circle: see Outbox.mark_closed
        for callback in callbacks:
            callback()

    @property
    def can_be_direct(self) -> bool:
        """Whether, while it is idle, a whole body can be given to the socket as it is."""
        return not (self.connection.is_tls or self.head_only)

    def keep_rest(self, body: bytes, sent: int, frames: int, size: int) -> None:
        """A direct write was short: `flush` goes on with it when there is room."""
        self.connection.leftover = memoryview(body)[sent:]
        self._in_flight = (frames, size)
        self.written += sent
        self.wants_write = True

    def flush(self) -> bool:
        """Write one turn. True if more can be written at once. Raises OSError when broken.

        When the socket takes no more, `wants_write` is set and the poller must watch for it.
        """
        connection = self.connection
        if not connection.leftover:
            self._fill()
        self.wants_write = False
        while connection.leftover:
            sent = connection.try_send(connection.leftover)
            if not sent:
                self.wants_write = True
                return False
            self.written += sent
            connection.leftover = connection.leftover[sent:] or NOTHING_LEFT
        frames, size = self._in_flight
        if frames:
            self._in_flight = _NONE_IN_FLIGHT
            self.outbox.sent(frames, size)
        return self.outbox.has_work and not self.finished

    @property
    def finished(self) -> bool:
        """Whether everything went out and nothing will come."""
        outbox = self.outbox
        return (
            outbox.ending is not Ending.OPEN
            and not self.connection.leftover
            and (self.head_only or not outbox.pending)
            and not self.head
            and not self._needs_last_chunk
        )

    @property
    def _needs_last_chunk(self) -> bool:
        return self.chunked and self.outbox.ending is Ending.CLEAN

    def _fill(self) -> None:
        frames = [] if self.head_only else self.outbox.take(TURN)
        if not frames and not self.head and not self._ends_now():
            return
        body = frames[0] if len(frames) == 1 else b"".join(frames)
        if body:
            self._in_flight = (len(frames), len(body))
            if self.chunked:
                body = self.framer.chunk(body)
        if self.head:
            body = self.head + body
            self.head = b""
        if self._ends_now():
            body += b"0\r\n\r\n"
            self.chunked = False  # the last chunk is on its way: it is needed no more
        self.connection.leftover = memoryview(body)

    def _ends_now(self) -> bool:
        return self._needs_last_chunk and not self.outbox.pending
