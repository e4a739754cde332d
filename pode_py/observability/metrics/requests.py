"""RequestCounts: what the pipeline counts for every request, so it has to be cheap."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

# Upper bounds in seconds. Those of Prometheus' clients, and two below: a plain route takes less
# than a millisecond.
BOUNDS: Final = (
    *(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1),
    *(0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)


@dataclass(frozen=True, slots=True)
class Durations:
    """How many requests took at most that many seconds, for each bound, and how many all took."""

    buckets: tuple[tuple[float, int], ...]
    total: float


class RequestCounts:
    """Any thread counts, any thread reads.

    A request costs one set operation at its begin, and at its end another and one lock. Durations
    are taken only where `timed` says that somebody wants them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._active: set[object] = set()
        self._statuses: dict[int, int] = {}
        self._buckets = [0] * (len(BOUNDS) + 1)
        self._seconds = 0.0
        self.timed = False
        #: A handler is about to be looked for. No lock: to add is one step.
        self.began: Callable[[object], None] = self._active.add

    def ended(self, request: object, status: int, seconds: float | None) -> None:
        """The request was answered with this status. No seconds: not to be counted in durations."""
        self._active.discard(request)
        with self._lock:
            self._statuses[status] = self._statuses.get(status, 0) + 1
            if seconds is not None:
                self._buckets[bisect_left(BOUNDS, seconds)] += 1
                self._seconds += seconds

    @property
    def active(self) -> int:
        """Requests that are being answered at this moment."""
        return len(self._active)

    @property
    def total(self) -> int:
        """Requests that were answered."""
        with self._lock:
            return sum(self._statuses.values())

    def statuses(self) -> dict[int, int]:
        """How many requests were answered with each status, by status."""
        with self._lock:
            return dict(sorted(self._statuses.items()))

    def durations(self) -> Durations:
        with self._lock:
            buckets, seconds = list(self._buckets), self._seconds
        bounds = (*BOUNDS, float("inf"))
        return Durations(tuple(zip(bounds, accumulate(buckets), strict=True)), seconds)
