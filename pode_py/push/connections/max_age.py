"""MaxAges: ends connections that have lived long enough, each at a moment of its own.

Behind a load balancer, connections that never end stay where they once were. With an age they move
on, and with jitter they do not all come back at once. The ticker asks when the next one is due.
"""

from __future__ import annotations

import heapq
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from pode_py.core.clock import Clock
from pode_py.push.connections.connection import PushConnection

C = TypeVar("C", bound=PushConnection)


@dataclass(frozen=True, slots=True)
class MaxAge:
    """In seconds; `jitter` is the part of the age by which a connection may end earlier."""

    duration: float
    jitter: float


class MaxAges(Generic[C]):
    """A source of the ticker."""

    def __init__(self, clock: Clock, end: Callable[[C], None], changed: Callable[[], None]) -> None:
        self._clock = clock
        self._end = end
        self._changed = changed
        self._lock = threading.Lock()
        self._limits: dict[str, MaxAge] = {}
        self._due: list[tuple[float, int, C]] = []
        self._counter = 0

    def set(self, name: str, limit: MaxAge) -> None:
        """For connections of this name, or "*" for all others, opened from now on."""
        self._limits[name] = limit

    def begin(self, connection: C) -> None:
        """Plan the connection's end, if it has an age."""
        if not self._limits:
            return
        limit = next(
            (self._limits[name] for name in (*connection.names, "*") if name in self._limits), None
        )
        if limit is None or not limit.duration:
            return
        lives = limit.duration * (1 - random.random() * limit.jitter)
        with self._lock:
            self._counter += 1
            heapq.heappush(self._due, (self._clock.monotonic() + lives, self._counter, connection))
            first = self._due[0][2] is connection
            if self._counter % 1000 == 0:  # those that left long before their age
                self._due = [entry for entry in self._due if entry[2].is_open]
                heapq.heapify(self._due)
        if first:
            self._changed()

    def next_due(self) -> float | None:
        with self._lock:
            return self._due[0][0] if self._due else None

    def run_due(self) -> None:
        """End what is due. Ending does not wait, so the ticker may do it."""
        now = self._clock.monotonic()
        while True:
            with self._lock:
                if not self._due or self._due[0][0] > now:
                    return
                connection = heapq.heappop(self._due)[2]
            self._end(connection)

    def wait_idle(self, timeout: float) -> bool:
        """Nothing runs on after `run_due`."""
        del timeout
        return True
