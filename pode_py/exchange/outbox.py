"""Outbox: the bounded queue to one client. Any thread puts, one engine takes.

Invariant: a frame is either queued whole or not at all, and frames leave in the order in which
they were put. `put` costs one lock and an append; the engine is told only when the outbox turns
from empty to not empty.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from enum import Enum


class Ending(Enum):
    """How a stream ends once its queue is empty."""

    OPEN = "open"
    CLEAN = "clean"  # the body is ended as its framing asks, then the connection closes
    CUT = "cut"  # the connection closes as it is: the client can tell that something is missing


class Outbox:
    """The frames one client still has to get.

    `limit` bounds the queued bytes; a frame that does not fit overflows the outbox, and an
    overflowed outbox is cut. One frame larger than the limit passes when nothing is queued.
    """

    __slots__ = (
        "_bytes",
        "_frames",
        "_held",
        "_lock",
        "_notify",
        "_waiters",
        "bytes_sent",
        "closed",
        "dropped",
        "ending",
        "flushed",
        "limit",
        "overflowed",
        "queued",
    )

    def __init__(self, notify: Callable[[], None], limit: int = 1 << 20, *, held: bool = False):
        self._notify = notify
        self._lock = threading.Lock()
        self._frames: deque[bytes] = deque()
        self._bytes = 0
        self._held = held
        self._waiters: list[tuple[int, threading.Event]] | None = None
        self.limit = limit
        self.queued = 0
        self.flushed = 0
        self.dropped = 0
        self.bytes_sent = 0
        self.ending = Ending.OPEN
        self.overflowed = False
        self.closed = False

    def put(self, frame: bytes) -> int:
        """Queue one whole frame. Gives its number, for `wait`; 0 if it was not queued."""
        with self._lock:
            if self.closed or self.ending is not Ending.OPEN:
                return 0
            if self._bytes + len(frame) > self.limit and self._frames:
                self.dropped += 1
                self.overflowed = True
                self.ending = Ending.CUT
                number, tell = 0, True
            else:
                tell = not self._frames and not self._held
                self._frames.append(frame)
                self._bytes += len(frame)
                self.queued += 1
                number = self.queued
        if tell:
            self._notify()
        return number

    def release(self) -> None:
        """Let the engine take what was queued while the outbox was held."""
        with self._lock:
            self._held = False
            tell = bool(self._frames) or self.ending is not Ending.OPEN
        if tell:
            self._notify()

    def end(self, *frames: bytes, ending: Ending = Ending.CLEAN) -> bool:
        """Queue the last frames and take no more. False if it had ended before.

        These frames pass the limit: a farewell must not be what overflows the queue.
        """
        with self._lock:
            if self.closed or self.ending is not Ending.OPEN:
                return False
            self._frames.extend(frames)
            self._bytes += sum(map(len, frames))
            self.queued += len(frames)
            self.ending = ending
            self._held = False
        self._notify()
        return True

    def take(self, at_most: int) -> list[bytes]:
        """The next frames, about `at_most` bytes of them. Only the engine calls this."""
        with self._lock:
            if self._held or not self._frames:
                return []
            if self._bytes <= at_most:
                frames = list(self._frames)
                self._frames.clear()
                self._bytes = 0
                return frames
            frames = []
            size = 0
            while self._frames and size < at_most:
                frame = self._frames.popleft()
                frames.append(frame)
                size += len(frame)
            self._bytes -= size
            return frames

    def sent(self, frames: int, size: int) -> None:
        """The engine wrote `frames` whole frames, `size` bytes, to the socket."""
        with self._lock:
            self.flushed += frames
            self.bytes_sent += size
            waiters = self._due_waiters()
        for event in waiters:
            event.set()

    def mark_closed(self) -> None:
        """The connection is gone: nothing more goes out."""
        with self._lock:
            self.closed = True
            self._frames.clear()
            self._bytes = 0
            waiters = self._due_waiters()
        for event in waiters:
            event.set()

    def wait(self, number: int, timeout: float | None) -> bool:
        """Wait until frame `number` was written. False if it never will be, or not in time."""
        with self._lock:
            if self.flushed >= number:
                return True
            if self.closed:
                return False
            event = threading.Event()
            self._waiters = [*(self._waiters or ()), (number, event)]
        event.wait(timeout)
        return self.flushed >= number

    @property
    def pending(self) -> int:
        """Queued frames."""
        return len(self._frames)

    @property
    def pending_bytes(self) -> int:
        return self._bytes

    @property
    def has_work(self) -> bool:
        """Whether the engine has something to do for it."""
        with self._lock:
            return not self._held and (bool(self._frames) or self.ending is not Ending.OPEN)

    def _due_waiters(self) -> list[threading.Event]:
        if not self._waiters:
            return []
        due = [event for number, event in self._waiters if self.closed or number <= self.flushed]
        rest = [
            (number, event)
            for number, event in self._waiters
            if not (self.closed or number <= self.flushed)
        ]
        self._waiters = rest or None
        return due
