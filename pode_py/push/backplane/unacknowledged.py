"""Unacknowledged: the events that this node's streams have got and Redis's order does not have.

Either Redis could not be reached when they were sent, or it has lost them. They wait here, oldest
first, to be sent to it; bounded, for that may take long.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pode_py.push.backplane.cursors import Cursor
from pode_py.push.connections.audience import Audience
from pode_py.push.sse.history import StoredEvent

_NOBODY = Audience(())

Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class ReplicatedEvent(StoredEvent):
    """The `serial`-th event of node `origin`. While Redis does not have it, its
    `number` is 0.

    `earlier` are the epochs and numbers that it had before Redis lost it; `position` is what the
    origin's streams had seen, if it was sent ahead with an id of its own.
    """

    audience: Audience = _NOBODY
    origin: str = ""
    serial: int = 0
    own_id: str | None = None
    earlier: tuple[tuple[str, int], ...] = ()
    position: str | None = None

    @property
    def key(self) -> Key:
        return self.origin, self.serial

    @property
    def bare(self) -> bytes:
        """The frame without its first line, the id."""
        return self.frame.partition(b"\n")[2]


class Unacknowledged:
    """Not safe for threads, as the history it belongs to."""

    def __init__(self, most_events: int, most_bytes: int) -> None:
        self._most_events = most_events
        self._most_bytes = most_bytes
        self._events: OrderedDict[Key, ReplicatedEvent] = OrderedDict()
        self._size = 0
        # Of each node up to which serial events were dropped, and the first number that was given
        # afterwards: for who has seen that, what was dropped is past.
        self._dropped: dict[str, tuple[int, int | None]] = {}
        #: Those that Redis may have taken: its answer did not come.
        self.doubtful: set[Key] = set()

    def __iter__(self) -> Iterator[ReplicatedEvent]:
        return iter(self._events.values())

    def __len__(self) -> int:
        return len(self._events)

    def put(self, event: ReplicatedEvent) -> bool:
        """False if others had to be dropped for it."""
        self._events[event.key] = event
        self._size += len(event.frame)
        return self._bound()

    def put_first(self, events: Iterable[ReplicatedEvent]) -> None:
        """Before all that is here already."""
        known = self._events
        self._events = OrderedDict((event.key, event) for event in events)
        self._size += sum(len(event.frame) for event in self)
        self._events.update(known)
        self._bound()

    def numbered(self, key: Key, number: int) -> None:
        """This event, or any other, has come with this number."""
        event = self._events.pop(key, None)
        if event is not None:
            self._size -= len(event.frame)
        self.doubtful.discard(key)
        if self._dropped:
            self._place_dropped(number)

    def drop(self, key: Key) -> bool:
        """This event will get no number. False if it is not here any more."""
        event = self._events.pop(key, None)
        if event is None:
            return False
        self._size -= len(event.frame)
        self.doubtful.discard(key)
        serial, _ = self._dropped.get(event.origin, (0, None))
        self._dropped[event.origin] = (max(serial, event.serial), None)
        return True

    def covers_dropped(self, seen: Cursor) -> bool:
        """Whether a client that has seen this has missed nothing of what was dropped."""
        return all(
            seen.covers(number, origin, serial)
            for origin, (serial, number) in self._dropped.items()
        )

    def _bound(self) -> bool:
        whole = True
        while len(self._events) > self._most_events or (
            self._size > self._most_bytes and len(self._events) > 1
        ):
            whole = False
            self.drop(next(iter(self._events)))
        return whole

    def _place_dropped(self, number: int) -> None:
        for origin, (serial, placed) in list(self._dropped.items()):
            if placed is None:
                self._dropped[origin] = (serial, number)
            elif placed < number - self._most_events:  # nobody's cursor is that old
                del self._dropped[origin]
