"""Deadlines: who is to be looked at when. Belongs to the pusher's thread.

A heap with one live entry per owner: an owner whose deadline moves later is looked at when its
old entry comes up, and then again. Entries hold owners weakly, so that a connection that has
closed long before its deadline frees its memory at once.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from typing import Any, Protocol
from weakref import ref

NEVER = float("inf")


class Owner(Protocol):
    """Has a time at which it will be looked at next; NEVER if none is planned."""

    watched_until: float


class Deadlines:
    """The planned looks and jobs, by monotonic time."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Callable[[], Any], bool]] = []
        self._counter = 0

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def first(self) -> float | None:
        return self._heap[0][0] if self._heap else None

    def look_at(self, owner: Owner, deadline: float) -> None:
        """Come back to `owner` at `deadline`, unless an earlier look is planned."""
        if deadline < owner.watched_until:
            owner.watched_until = deadline
            self.plan(deadline, ref(owner))

    def plan(self, deadline: float, owner: Callable[[], Any]) -> None:
        """As `look_at`, for a weak reference to one whose `watched_until` is set already."""
        self._push(deadline, owner, is_job=False)

    def call_at(self, job: Callable[[], None], deadline: float) -> None:
        self._push(deadline, job, is_job=True)

    def due(self, now: float) -> Iterator[Any]:
        """The owners that are to be looked at. Runs the jobs that are due."""
        while self._heap and self._heap[0][0] <= now:
            deadline, _, reach, is_job = heapq.heappop(self._heap)
            if is_job:
                reach()
                continue
            owner = reach()
            # One with another time was given an earlier look, which took this one's place.
            if owner is not None and owner.watched_until == deadline:
                owner.watched_until = NEVER
                yield owner

    def _push(self, deadline: float, reach: Callable[[], Any], *, is_job: bool) -> None:
        self._counter += 1
        heapq.heappush(self._heap, (deadline, self._counter, reach, is_job))
