"""H11Stream: an open stream as the pusher sees it: a connection, and the bytes in flight."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Protocol

from pode_py.core.calls import Job
from pode_py.engine.h11.connection import NOTHING_LEFT, Connection
from pode_py.engine.h11.head_writer import HeadWriter
from pode_py.engine.h11.registrations import READ
from pode_py.exchange.outbox import Ending
from pode_py.exchange.overflow import OutboxLimits
from pode_py.exchange.stream import TURN, Keepalive, OpenStream

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


class H11Host(Protocol):
    """What streams and exchanges need of their engine."""

    heads: HeadWriter
    write_timeout: float
    outbox_lock: threading.Lock  # of all its outboxes
    monotonic: Callable[[], float]

    @property
    def accepting(self) -> bool: ...
    def forget(self, connection: Connection) -> None: ...
    def notify(self, stream: H11Stream) -> None: ...
    def begin(self, stream: H11Stream) -> None: ...
    def rearm(self, connection: Connection) -> None: ...
    def resume(self, connection: Connection, exchange: Any, job: Job) -> None: ...


class H11Stream(OpenStream):
    """Belongs to whoever released its outbox while it begins, then to the pusher; for the moment of
    a direct write to the thread that sends (exchange/outbox.py)."""

    __slots__ = (
        "_begun",
        "_host",
        "_in_flight",
        "chunked",
        "connection",
        "ends_soon",
        "framer",
        "head",
        "is_body",
        "is_pushers",
        "keep_alive",
        "sock",
        "wants_write",
        "written",
    )

    def __init__(
        self,
        connection: Connection,
        host: H11Host,
        head: bytes,
        limits: OutboxLimits | None,
        keepalive: Keepalive | None,
        *,
        head_only: bool,
    ) -> None:
        super().__init__(limits, keepalive, head_only=head_only, lock=host.outbox_lock)
        self._host = host
        self._begun = False
        self.is_pushers = False  # from when it has begun until it ends
        self.ends_soon = False  # when nobody writes to it directly any more
        self.connection = connection
        self.sock = connection.sock
        self.head = head
        self.chunked = False
        # The body of a response: its client may send the next request meanwhile, which is not
        # read, and the connection goes on afterwards if it is kept alive.
        self.is_body = False
        self.keep_alive = False
        self.framer: Framer  # the pusher's
        self.wants_write = False
        self.written = 0
        self._in_flight = _NONE_IN_FLIGHT  # frames and bytes taken from the outbox, not yet written

    def notify(self) -> None:
        """For the first time when the outbox is released: then it begins, on this thread."""
        if self._begun or not self._begin_once():
            self._host.notify(self)
        else:
            self._host.begin(self)

    def _begin_once(self) -> bool:
        with self._host.outbox_lock:
            first, self._begun = not self._begun, True
        return first

    @property
    def interest(self) -> int:
        """What the pusher waits for while it has nothing to write."""
        return 0 if self.is_body else READ

    @property
    def can_be_direct(self) -> bool:
        """Whether, while it is idle, a whole body can be given to the socket as it is."""
        return not (self.connection.is_tls or self.head_only)

    def keep_rest(self, body: bytes, sent: int, frames: int, size: int) -> None:
        """A direct write was short: `flush` goes on with it when there is room."""
        self.connection.leftover = memoryview(body)[sent:]
        self._in_flight = (frames, size)
        self.written += sent

    def monotonic(self) -> float:
        return self._host.monotonic()

    def write_directly(self, frame: bytes, now: float) -> None:
        """On the thread that sends, which has set the outbox busy."""
        body = chunk_of(frame) if self.chunked else frame
        try:
            sent = self.sock.send(body)
        except OSError:  # if the connection is broken, the pusher finds it so
            sent = 0
        if sent == len(body):
            self.outbox.free(len(frame), now)
            return
        self.keep_rest(body, sent, 1, len(frame))
        self.outbox.free(0, now)

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
