"""ConnectionMetrics: what is counted of all connections of a kind, local ones included."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from typing import Literal, NamedTuple

from pode_py.observability.metrics.metric import Metric
from pode_py.push.connections.connection import PushConnection

Row = tuple[Literal["counter", "gauge"], str, str, int]


class Written(NamedTuple):
    """What became of the frames of some connections."""

    frames: int = 0
    size: int = 0
    dropped: int = 0

    def plus(self, connection: PushConnection) -> Written:
        outbox = connection.outbox
        return Written(
            self.frames + outbox.sent_frames,
            self.size + outbox.bytes_sent,
            self.dropped + outbox.dropped,
        )


class ConnectionMetrics:
    """Any thread counts, any thread reads. A batch of events costs one lock, however many get it.

    What outboxes count themselves is added up when somebody reads. A connection that ends leaves
    its numbers here under the lock that readers hold, so that no sum ever goes back. `prefix` is
    what the names of the metrics begin with, `noun` what the connections are called.
    """

    def __init__(self, prefix: str, noun: str) -> None:
        self._prefix = prefix
        self._noun = noun
        self._sending = threading.Lock()
        self._lock = threading.Lock()
        self._open: set[PushConnection] = set()
        self._ended = Written()
        self._events = 0
        self._deliveries = 0
        self._opened = 0

    def enter(self, connection: PushConnection) -> None:
        """A connection has opened."""
        with self._lock:
            self._opened += 1
            self._open.add(connection)

    def leave(self, connection: PushConnection) -> None:
        """A connection is gone, and so is what waited for it."""
        with self._lock:
            if connection in self._open:
                self._open.remove(connection)
                self._ended = self._ended.plus(connection)

    def sent(self, events: int, deliveries: int) -> None:
        """So many events were queued, to so many connections in all."""
        with self._sending:
            self._events += events
            self._deliveries += deliveries

    @property
    def waiting(self) -> int:
        """Events that were queued and not written yet."""
        return sum(one.outbox.pending for one in self._connections())

    def metrics(self) -> Iterable[Metric]:
        """All of it, as it stands."""
        with self._lock:
            connections, written, opened = list(self._open), self._ended, self._opened
            for one in connections:
                written = written.plus(one)
        with self._sending:
            events, deliveries = self._events, self._deliveries
        names = Counter(name for one in connections for name in one.names)
        frames = sum(one.outbox.pending for one in connections)
        size = sum(one.outbox.pending_bytes for one in connections)
        noun, short = self._noun, self._noun.rpartition(" ")[2]
        rows: tuple[Row, ...] = (
            ("gauge", "connections", f"Open {noun}.", len(connections)),
            ("counter", "opened", f"{short.capitalize()} that were opened.", opened),
            ("counter", "closed", f"{short.capitalize()} that ended.", opened - len(connections)),
            ("counter", "events", "Events that were sent.", events),
            ("counter", "deliveries", f"Events queued to a {short.removesuffix('s')}.", deliveries),
            ("counter", "dropped", "Events that met a full queue.", written.dropped),
            ("counter", "frames", "Frames that were written.", written.frames),
            ("counter", "bytes", "Bytes of those frames.", written.size),
            ("gauge", "queue_events", "Events that wait.", frames),
            ("gauge", "queue_bytes", "Bytes of those events.", size),
        )
        first, *others = [
            Metric(kind, f"{self._prefix}_{name}", about, value)
            for kind, name, about, value in rows
        ]
        by_name = f"{self._prefix}_name_connections"
        return (first, Metric("gauge", by_name, "Of each name.", names, "name"), *others)

    def _connections(self) -> list[PushConnection]:
        with self._lock:
            return list(self._open)
