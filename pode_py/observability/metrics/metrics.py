"""Metrics: the room that knows how the server has been doing. It counts; it shows nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pode_py.core.clock import Clock
from pode_py.observability.metrics.metric import Metric, Source
from pode_py.observability.metrics.requests import RequestCounts


class Metrics:
    """`before` are those of the server that this one takes the place of: its requests and its
    time go on counting. Any thread may read.
    """

    def __init__(self, clock: Clock, *, before: Metrics | None = None) -> None:
        self._clock = clock
        now = clock.monotonic()
        self._started: float = now
        self._loaded: float = now if before is None else before._loaded
        self._sources: list[Source] = []
        self.restarts: int = 0 if before is None else before.restarts + 1
        self.requests: RequestCounts = RequestCounts() if before is None else before.requests
        # How many requests wait for a thread: whoever has them says so.
        self.queued: Callable[[], int] = lambda: 0

    def mark_started(self) -> None:
        """The server serves from now on."""
        self._started = self._clock.monotonic()

    def uptime(self, *, total: bool = False) -> float:
        """Seconds since this server started; in `total` since the first did."""
        return self._clock.monotonic() - (self._loaded if total else self._started)

    def add_source(self, source: Source) -> None:
        """Let a room show what it counts, too."""
        self._sources.append(source)

    def collect(self) -> Iterator[Metric]:
        """All that is counted but the durations of requests."""
        yield Metric("gauge", "pode_uptime_seconds", "Since the last start.", self.uptime())
        yield Metric("counter", "pode_restarts", "Restarts within the process.", self.restarts)
        statuses = {str(status): count for status, count in self.requests.statuses().items()}
        yield Metric("counter", "pode_requests", "Answered requests.", statuses, "status")
        active = {"processing": self.requests.active, "queued": self.queued()}
        yield Metric("gauge", "pode_requests_active", "Requests at this moment.", active, "state")
        for source in self._sources:
            yield from source()
