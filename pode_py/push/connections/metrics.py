"""SseCounters: what is counted of all event streams, local ones included, for the metrics."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from pode_py.observability.metrics.metric import Metric
from pode_py.push.sse.connection import SseConnection


class Written(NamedTuple):
    """What became of the frames of some streams."""

    frames: int = 0
    size: int = 0
    dropped: int = 0

    def plus(self, connection: SseConnection) -> Written:
        outbox = connection.outbox
        return Written(
            self.frames + outbox.sent_frames,
            self.size + outbox.bytes_sent,
            self.dropped + outbox.dropped,
        )


class SseCounters:
    """Any thread counts, any thread reads. A batch of events costs one lock, however many get it.

    What outboxes count themselves is added up when somebody reads. A stream that ends leaves its
    numbers here under the lock that readers hold, so that no sum ever goes back.
    """

    def __init__(self) -> None:
        self._sending = threading.Lock()
        self._lock = threading.Lock()
        self._open: set[SseConnection] = set()
        self._ended = Written()
        self._events = 0
        self._deliveries = 0
        self._opened = 0

    def enter(self, connection: SseConnection) -> None:
        """A stream has opened."""
        with self._lock:
            self._opened += 1
            self._open.add(connection)

    def leave(self, connection: SseConnection) -> None:
        """A stream is gone, and so is what waited for it."""
        with self._lock:
            if connection in self._open:
                self._open.remove(connection)
                self._ended = self._ended.plus(connection)

    def sent(self, events: int, deliveries: int) -> None:
        """So many events were queued, to so many streams in all."""
        with self._sending:
            self._events += events
            self._deliveries += deliveries

    @property
    def waiting(self) -> int:
        """Events that were queued and not written yet."""
        return sum(one.outbox.pending for one in self._streams())

    def metrics(self) -> Iterable[Metric]:
        """All of it, as it stands."""
        with self._lock:
            streams, written, opened = list(self._open), self._ended, self._opened
            for one in streams:
                written = written.plus(one)
        with self._sending:
            events, deliveries = self._events, self._deliveries
        names = Counter(name for one in streams for name in one.names)
        frames = sum(one.outbox.pending for one in streams)
        size = sum(one.outbox.pending_bytes for one in streams)
        return (
            Metric("gauge", "pode_sse_connections", "Open event streams.", len(streams)),
            Metric("gauge", "pode_sse_name_connections", "Of each name.", names, "name"),
            Metric("counter", "pode_sse_opened", "Streams that were opened.", opened),
            Metric("counter", "pode_sse_closed", "Streams that ended.", opened - len(streams)),
            Metric("counter", "pode_sse_events", "Events that were sent.", events),
            Metric("counter", "pode_sse_deliveries", "Events queued to a stream.", deliveries),
            Metric("counter", "pode_sse_dropped", "Events that met a full queue.", written.dropped),
            Metric("counter", "pode_sse_frames", "Frames that were written.", written.frames),
            Metric("counter", "pode_sse_bytes", "Bytes of those frames.", written.size),
            Metric("gauge", "pode_sse_queue_events", "Events that wait.", frames),
            Metric("gauge", "pode_sse_queue_bytes", "Bytes of those events.", size),
        )

    def _streams(self) -> list[SseConnection]:
        with self._lock:
            return list(self._open)
