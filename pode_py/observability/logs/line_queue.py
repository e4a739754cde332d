"""LineQueue: the bounded queue between all threads and the log thread. It knows nothing of logs.

Any thread puts and never waits; one thread takes. Full means that the newest line is dropped
and counted. What was taken counts until `done`, so a method that hangs can't double the bound.
"""

from __future__ import annotations

import threading
from typing import Final, Generic, TypeVar

T = TypeVar("T")

LINES: Final = 50_000
BYTES: Final = 64 * 1024 * 1024
# Lines wait this long for company. A wake-up per line would make every worker share the
# interpreter lock with the log thread at each request.
LINGER: Final = 0.02


class LineQueue(Generic[T]):
    """At most `lines` lines that weigh at most `weight` bytes together."""

    def __init__(self, lines: int = LINES, weight: int = BYTES) -> None:
        self._limit = lines
        self._weight_limit = weight
        self._lock = threading.Lock()
        self._ready = threading.Condition(self._lock)
        self._hurry = threading.Event()
        self._lines: list[T] = []
        self._weight = 0
        self._taken = 0
        self._taken_weight = 0
        self._dropped = 0
        self._asleep = False
        self._woken = False
        self._closed = False

    def put(self, line: T, weight: int) -> bool:
        """False if the line was dropped, because the queue is full or closed."""
        with self._lock:
            if self._closed:
                return False
            if (
                len(self._lines) + self._taken >= self._limit
                or self._weight + self._taken_weight + weight > self._weight_limit
            ):
                self._dropped += 1
                return False
            self._lines.append(line)
            self._weight += weight
            self._wake()
        return True

    def put_now(self, line: T) -> bool:
        """Put a line that is never dropped and waits for no company. False if closed."""
        with self._lock:
            if self._closed:
                return False
            self._lines.append(line)
            self._hurry.set()
            self._wake()
        return True

    def take(self, timeout: float | None) -> tuple[list[T], int]:
        """All lines there are, after `timeout` seconds at most; and how many were dropped."""
        with self._lock:
            if not self._lines and not self._closed and not self._woken:
                self._asleep = True
                self._ready.wait(timeout)
                self._asleep = False
            self._woken = False
            linger = bool(self._lines) and not self._closed
        if linger:
            self._hurry.wait(LINGER)
        with self._lock:
            return self._take()

    def done(self) -> None:
        """What `take` returned is written and takes no room any more."""
        with self._lock:
            self._taken = self._taken_weight = 0

    def wake(self) -> None:
        """End a running `take` now, or the next one at once."""
        with self._lock:
            self._woken = True
            self._ready.notify()

    def close(self) -> None:
        """Take no more lines; what is there can still be taken."""
        with self._lock:
            self._closed = True
            self._hurry.set()
            self._ready.notify()

    @property
    def exhausted(self) -> bool:
        """Closed, and nothing left to take."""
        with self._lock:
            return self._closed and not self._lines

    @property
    def waiting(self) -> int:
        """Lines that are not written yet."""
        with self._lock:
            return len(self._lines) + self._taken

    def _wake(self) -> None:
        if self._asleep:
            self._asleep = False
            self._ready.notify()

    def _take(self) -> tuple[list[T], int]:
        lines, self._lines = self._lines, []
        self._taken, self._taken_weight = len(lines), self._weight
        self._weight = 0
        dropped, self._dropped = self._dropped, 0
        if not self._closed:
            self._hurry.clear()
        return lines, dropped
