"""DueQueue: things by the time at which they are due. It has no clock and no lock of its own."""

from __future__ import annotations

import heapq
from collections.abc import Hashable
from itertools import count
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class DueQueue(Generic[T]):
    """Each thing has at most one due time. Whoever uses it holds a lock."""

    def __init__(self) -> None:
        self._due: dict[T, float] = {}
        # Entries that a later put or discard made void stay until they come up.
        self._heap: list[tuple[float, int, T]] = []
        self._order = count()

    def put(self, item: T, due: float) -> None:
        """Note `item`, or move it."""
        self._due[item] = due
        heapq.heappush(self._heap, (due, next(self._order), item))
        if len(self._heap) > 2 * len(self._due) + 16:
            self._heap = [(due, next(self._order), item) for item, due in self._due.items()]
            heapq.heapify(self._heap)

    def discard(self, item: T) -> None:
        """Forget `item`."""
        self._due.pop(item, None)

    def clear(self) -> None:
        """Forget everything."""
        self._due.clear()
        self._heap.clear()

    def next_due(self) -> float | None:
        """The earliest time; None if nothing is noted."""
        while self._heap:
            due, _, item = self._heap[0]
            if self._due.get(item) == due:
                return due
            heapq.heappop(self._heap)
        return None

    def take(self, now: float) -> list[tuple[T, float]]:
        """What is due at `now`, with its time, in that order. It is no longer noted."""
        taken = []
        while (due := self.next_due()) is not None and due <= now:
            _, _, item = heapq.heappop(self._heap)
            del self._due[item]
            taken.append((item, due))
        return taken
