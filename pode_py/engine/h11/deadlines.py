"""Deadlines: which connection is to be looked at when. Belongs to the pusher's thread.

A heap with one live entry per connection: one whose deadline moves later is looked at when its
old entry comes up, and then again. An entry is a time and a descriptor: it keeps nothing alive
that has closed long before its deadline, and costs 80 bytes.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator

from pode_py.engine.h11.connection import Connection

NEVER = float("inf")


class Deadlines:
    """The planned looks and jobs, by monotonic time. `find` gives a descriptor's connection."""

    def __init__(self, find: Callable[[int], Connection | None]) -> None:
        self._find = find
        self._heap: list[tuple[float, int] | tuple[float, int, Callable[[], None]]] = []
        self._jobs = 0

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def first(self) -> float | None:
        return self._heap[0][0] if self._heap else None

    def look_at(self, connection: Connection, deadline: float) -> None:
        """Come back to it at `deadline`, unless an earlier look is planned."""
        if deadline < connection.watched_until:
            connection.watched_until = deadline
            self.plan(deadline, connection.fd)

    def plan(self, deadline: float, fd: int) -> None:
        """As `look_at`, for the descriptor of one whose `watched_until` is set already."""
        heapq.heappush(self._heap, (deadline, fd))

    def call_at(self, job: Callable[[], None], deadline: float) -> None:
        self._jobs += 1
        # No descriptor is negative, so no entry is ever compared beyond its number.
        heapq.heappush(self._heap, (deadline, -self._jobs, job))

    def due(self, now: float) -> Iterator[Connection]:
        """The connections that are to be looked at. Runs the jobs that are due."""
        while self._heap and self._heap[0][0] <= now:
            entry = heapq.heappop(self._heap)
            if len(entry) == 3:
                entry[2]()
                continue
            deadline, fd = entry
            connection = self._find(fd)
            # One with another time was given an earlier look, which took this one's place; or it
            # is another connection that has the descriptor now.
            if connection is not None and connection.watched_until == deadline:
                connection.watched_until = NEVER
                yield connection
