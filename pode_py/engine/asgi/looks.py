"""Looks: whom an engine on an asyncio loop looks at when. Belongs to the loop's thread.

A heap with one live entry for each owner: one whose deadline moves later is looked at when its
old entry comes up, and then again. Entries hold owners weakly, so that what has ended long before
its deadline frees its memory at once.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar
from weakref import ref

from pode_py.engine.h11.deadlines import NEVER


class Owner(Protocol):
    """Has a time at which it will be looked at next; NEVER if none is planned."""

    watched_until: float


Watched = TypeVar("Watched", bound=Owner)


class Looks(Generic[Watched]):
    """The planned looks, by monotonic time."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, ref[Watched]]] = []
        self._counter = 0

    @property
    def first(self) -> float | None:
        return self._heap[0][0] if self._heap else None

    def look_at(self, owner: Watched, deadline: float) -> None:
        """Come back to `owner` at `deadline`, unless an earlier look is planned."""
        if deadline < owner.watched_until:
            owner.watched_until = deadline
            self._counter += 1
            heapq.heappush(self._heap, (deadline, self._counter, ref(owner)))

    def due(self, now: float) -> Iterator[Watched]:
        """The owners that are to be looked at."""
        while self._heap and self._heap[0][0] <= now:
            deadline, _, reach = heapq.heappop(self._heap)
            owner = reach()
            # One with another time was given an earlier look, which took this one's place.
            if owner is not None and owner.watched_until == deadline:
                owner.watched_until = NEVER
                yield owner
