"""History: the past events that a returning client may have missed. Knows no connection.

Every event that is kept gets a number from one counter for all names, and the id
``<epoch>-<number>``; the epoch is new for every server. A cursor is the id of the last event that
a client saw. So one cursor serves a connection with several names, and a cursor from before a
restart is recognised as unknown.

Whether a cursor is good: nothing that the client could have missed may have been evicted. Each
name remembers the number of its last evicted event; names that were forgotten as a whole leave
theirs to all.

Not safe for threads: the hub holds its lock over number, store and queue, so that events reach
every connection in the order of their numbers.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from pode_py.push.connections.store import Member
from pode_py.push.sse import frames

# Names nobody needs any more must not fill the memory: the longest unused go first.
_MAX_NAMES = 10_000
#: A longer Last-Event-ID is nobody's.
MAX_CURSOR = 1024
# What a client sends that has seen nothing, and counts ids of its own.
_START = "0"


@dataclass(frozen=True, slots=True)
class HistoryLimits:
    """How much is kept for one name: events, seconds, bytes. A limit of 0 events keeps none."""

    events: int = 1000
    duration: float | None = None
    size: int = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One past event and whom it was for. No group, or no client id, means everybody."""

    number: int
    event_id: str
    frame: bytes
    groups: frozenset[str]
    client_ids: frozenset[str]
    at: float

    def was_for(self, groups: Collection[str], client_id: str) -> bool:
        """Whether a connection with these folded groups and this id would have got it."""
        if self.client_ids and client_id not in self.client_ids:
            return False
        return not self.groups or not self.groups.isdisjoint(groups)


@dataclass(frozen=True, slots=True)
class Replay:
    """What a client gets first: `cursor` is the id of its `pode.open`, `frames` come after it.

    Without a cursor it keeps the one that it came with: cut before the first of the frames, it
    must come back with the same. `reset`: nobody knows what it missed, and this `pode.reset`,
    before the frames, says so.
    """

    cursor: str | None
    frames: Sequence[bytes] = ()
    reset: bytes | None = None

    @classmethod
    def unknown(cls, position: str, backlog: Sequence[bytes] = ()) -> Replay:
        """Its cursor says nothing here: it begins anew. Cut before the backlog, it must come back
        with the cursor that it has, so only a reset alone has an id."""
        return cls(None, backlog, frames.reset_frame(None if backlog else position))


class NameHistory:
    """The events of one name, oldest first.

    `marks` and `floor` are for who must know more of what was evicted than the last number: of
    each sender the last event, and that nothing is known of what came up to the floor.
    """

    __slots__ = ("events", "evicted", "floor", "limits", "marks", "size")

    def __init__(self, limits: HistoryLimits, evicted: int) -> None:
        self.limits = limits
        self.events: deque[StoredEvent] = deque()
        self.size = 0
        self.evicted = evicted
        self.floor = evicted
        self.marks: dict[str, tuple[int, int]] = {}

    def add(self, event: StoredEvent) -> list[StoredEvent]:
        """Keep an event; returns those that had to go."""
        self.events.append(event)
        self.size += len(event.frame)
        return self.trim(event.at)

    def trim(self, now: float) -> list[StoredEvent]:
        limits, gone = self.limits, []
        while self.events and (
            len(self.events) > limits.events
            or self.size > limits.size
            or (limits.duration is not None and self.events[0].at < now - limits.duration)
        ):
            first = self.events.popleft()
            self.size -= len(first.frame)
            self.evicted = first.number
            gone.append(first)
        return gone


class History:
    """The past events of all names that keep one."""

    def __init__(self, epoch: str) -> None:
        self._epoch = epoch
        self._limits: dict[str, HistoryLimits] = {}
        self._names: OrderedDict[str, NameHistory] = OrderedDict()
        self._number = 0
        # The highest number among the events of names that were forgotten.
        self._forgotten = 0
        self._own_ids: dict[str, int] = {}
        self._sweep: list[str] = []

    def take_limits(self, other: History) -> None:
        """Keep as much as `other` does."""
        for name, limits in other._limits.items():
            self.set_limits(name, limits)

    @property
    def active(self) -> bool:
        """Whether any name keeps a history."""
        return bool(self._limits) and any(limits.events for limits in self._limits.values())

    def set_limits(self, name: str, limits: HistoryLimits) -> None:
        """For one name, or "*" for all that have none of their own."""
        self._limits[name] = limits
        for known, history in self._names.items():
            history.limits = self._limits_of(known)

    def keeps(self, name: str) -> bool:
        return self._limits_of(name).events > 0

    def next_id(self) -> str:
        """The id for the next event, which `store` will file under it."""
        return f"{self._epoch}-{self._number + 1}"

    @property
    def position(self) -> str:
        """The id of the latest event: the cursor of somebody who has missed nothing."""
        return f"{self._epoch}-{self._number}"

    def store(self, names: Iterable[str], event: StoredEvent) -> None:
        """File an event under the names that keep a history. Counts it in any case."""
        self._number = event.number
        for name in names:
            if not self.keeps(name):
                continue
            history = self._names.get(name)
            if history is None:
                history = self._names[name] = NameHistory(self._limits_of(name), self._forgotten)
            self._names.move_to_end(name)
            if event.event_id != f"{self._epoch}-{event.number}":
                self._own_ids[event.event_id] = event.number
            self._let_go(history, history.add(event))
        while len(self._names) > _MAX_NAMES:
            self._forget_name()
        self._sweep_one(event.at)

    @property
    def next_number(self) -> int:
        return self._number + 1

    def replay(self, cursor: str | None, reader: Member, now: float, backlog: int = 0) -> Replay:
        """What this connection gets first, if it comes with this cursor. A client that has none,
        or one that says nothing here, gets the latest events, `backlog` at most."""
        if cursor is None or self._begins(cursor, reader):
            return self.begin(reader, now, backlog)
        missed = self.missed(cursor, reader, now)
        if missed is None:
            return Replay.unknown(self.position, self.begin(reader, now, backlog).frames)
        if not missed:  # else others' events would push its cursor out of the history
            return Replay(self.position)
        return Replay(None, [event.frame for event in missed])

    def begin(self, reader: Member, now: float, backlog: int) -> Replay:
        """What a client gets first that has seen nothing."""
        latest = self._latest(reader, now, backlog) if backlog else []
        return Replay(None, self._as_frames(latest)) if latest else Replay(self.position)

    def _begins(self, cursor: str, reader: Member) -> bool:
        """Whether it says that its client has seen nothing, and nothing was there to be seen."""
        return (
            cursor == _START
            and not self._forgotten
            and not any(name in self._names for name in reader.names)
        )

    def _latest(self, reader: Member, now: float, most: int) -> list[StoredEvent]:
        """The latest events that this connection would have got, oldest first."""
        folded = {group.casefold() for group in reader.groups}
        found: dict[int, StoredEvent] = {}
        for name in reader.names:
            history = self._names.get(name)
            if history is None:
                continue
            self._let_go(history, history.trim(now))
            meant = (
                one for one in reversed(history.events) if one.was_for(folded, reader.client_id)
            )
            found |= {event.number: event for event in islice(meant, most)}
        return [found[number] for number in sorted(found)[-most:]]

    def _as_frames(self, events: Sequence[StoredEvent]) -> list[bytes]:
        """The frames of events in a row."""
        return [event.frame for event in events]

    def missed(self, cursor: str, reader: Member, now: float) -> list[StoredEvent] | None:
        """What this connection has not seen since `cursor`, oldest first.

        None if that can't be known: the cursor is not ours, or too old.
        """
        number = self._number_of(cursor)
        if number is None:
            return None
        folded = {group.casefold() for group in reader.groups}
        found: dict[int, StoredEvent] = {}
        for name in reader.names:
            history = self._names.get(name)
            if history is None:
                if number < self._forgotten:
                    return None
                continue
            self._let_go(history, history.trim(now))
            if number < history.evicted:
                return None
            for event in reversed(history.events):
                if event.number <= number:
                    break
                if event.was_for(folded, reader.client_id):
                    found[event.number] = event
        return [found[number] for number in sorted(found)]

    def _limits_of(self, name: str) -> HistoryLimits:
        return self._limits.get(name) or self._limits.get("*") or _NOTHING

    def _number_of(self, cursor: str) -> int | None:
        if len(cursor) > MAX_CURSOR:
            return None
        if cursor in self._own_ids:
            return self._own_ids[cursor]
        epoch, _, text = cursor.rpartition("-")
        if epoch != self._epoch or not text.isascii() or not text.isdigit() or len(text) > 18:
            return None
        number = int(text)
        return number if number <= self._number else None

    def _let_go(self, history: NameHistory, gone: Iterable[StoredEvent]) -> None:
        del history
        for event in gone:
            if self._own_ids.get(event.event_id) == event.number:
                del self._own_ids[event.event_id]

    def _sweep_one(self, now: float) -> None:
        """Free what is too old of one name, each time another: a name that fell silent would
        keep its last events for ever."""
        if not self._sweep:
            self._sweep = list(self._names)
        history = self._names.get(self._sweep.pop()) if self._sweep else None
        if history is not None:
            self._let_go(history, history.trim(now))

    def _forget_name(self) -> None:
        _, history = self._names.popitem(last=False)
        last = history.events[-1].number if history.events else history.evicted
        self._forgotten = max(self._forgotten, last)
        self._let_go(history, history.events)


_NOTHING = HistoryLimits(events=0)
