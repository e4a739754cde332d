"""ReplicatedHistory: this node's copy of the history that all nodes share.

Numbers and epoch come from Redis, and on every node an event has the same ones. Beside what is
numbered there are events that are
`unacknowledged`: this node's streams have got them, and Redis's order does not
have them, because it could not be reached or has lost them. They are sent to it when it is there
again, come back with a number, and then are ahead no more.

The invariant: this node has delivered exactly what its position covers. The position is a cursor
like those of clients, so to say what a client has missed is to compare two cursors.

Not safe for threads: whoever uses it holds the hub's order lock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pode_py.push.backplane.cursors import Cursor
from pode_py.push.backplane.epochs import PastEpoch, PastEpochs
from pode_py.push.backplane.unacknowledged import Key, ReplicatedEvent, Unacknowledged
from pode_py.push.connections.store import Member
from pode_py.push.sse import frames
from pode_py.push.sse.history import MAX_CURSOR, History, NameHistory, Replay, StoredEvent

# Of more nodes that have been there nothing is remembered but a number.
_MOST_ORIGINS = 64
_MOST_SEEN = 4096
# For more clients at a time it is not remembered what they have seen elsewhere.
_MOST_READERS_AHEAD = 1000
_LONGEST_AHEAD = 600.0
_NOTHING_SEEN = Cursor("", 0)


@dataclass(slots=True, eq=False)
class ReaderAhead:
    """A client that has seen, on another node, what has not come to this one yet. It gets nothing
    that its cursor covers.

    From the serial `held_from` on (0: none) it does not get this node's events that Redis does
    not have, as it may have seen the first of them: Redis will tell.
    """

    reader: Member
    cursor: Cursor
    # When it came, by the monotonic clock.
    since: float
    held_from: int = 0

    def after(self, here: Cursor, node: str) -> Cursor:
        """What the client has seen once it has got all that came here but for what is held."""
        beyond = here.beyond
        if self.held_from:
            beyond = {origin: serial for origin, serial in beyond.items() if origin != node}
        return self.cursor.joined(here.number, beyond)


class ReplicatedHistory(History):
    """Events are filed with their number, or ahead. `most_events` and `most_bytes` bound what is
    ahead."""

    def __init__(self, node: str, epoch: str, *, most_events: int, most_bytes: int) -> None:
        super().__init__(epoch)
        self.node = node
        self._first_epoch = epoch
        self.unacknowledged = Unacknowledged(most_events, most_bytes)
        # Up to which serial each node's events were delivered here beyond what is numbered.
        self._beyond: dict[str, int] = {}
        self._seen: dict[str, int] = {}
        self._past_epochs = PastEpochs()
        self.readers_ahead: list[ReaderAhead] = []
        # Own ids of events that were sent ahead: what their clients had seen.
        self._positions: dict[str, str] = {}
        #: Until this monotonic time it is worth waiting for what Redis will say of them.
        self.doubt_until = 0.0
        #: Numbers up to this one are given, as far as is known. Nobody can have seen later ones.
        self.known_number: float = 0
        #: Whether Redis has ever given a number.
        self.joined = False

    @property
    def epoch(self) -> str:
        return self._epoch

    @property
    def number(self) -> int:
        """The latest number."""
        return self._number

    @property
    def cursor(self) -> Cursor:
        """What this node has delivered."""
        return Cursor(self._epoch, self._number, self._beyond)

    @property
    def is_ahead(self) -> bool:
        """Whether it has delivered more than its number says."""
        return bool(self._beyond)

    @property
    def position(self) -> str:
        if not self._beyond:
            return f"{self._epoch}-{self._number}"
        return str(self.cursor)

    def keeps_any(self, names: Iterable[str]) -> bool:
        return any(map(self.keeps, names))

    # Events come.

    def was_delivered(self, origin: str, serial: int) -> bool:
        """Whether an event was delivered here before it had a number."""
        return serial <= self._beyond.get(origin, 0)

    def file(self, event: ReplicatedEvent) -> None:
        """An event with the next number has come."""
        self.unacknowledged.numbered(event.key, event.number)
        self._beyond_no_more(event.origin, event.serial)
        for epoch_and_number in event.earlier:
            self._past_epochs.learn(epoch_and_number, event.origin, event.serial, self._epoch)
        if event.position is not None and event.own_id is not None:
            self._positions[event.own_id] = event.position
        self.saw(event.origin, event.serial)
        self.store(event.audience.names, event)

    def pass_by(self, events: Iterable[Key]) -> None:
        """Redis has these events, or later ones of their nodes, and all that it has was filed:
        those that are still ahead will get no number, and are as good as dropped."""
        for origin, serial in events:
            if self.unacknowledged.drop((origin, serial)):
                self._beyond_no_more(origin, serial)

    def file_unacknowledged(self, event: ReplicatedEvent) -> bool:
        """An event is delivered without a number. False if others had to be dropped for it."""
        self._beyond[event.origin] = max(event.serial, self._beyond.get(event.origin, 0))
        if event.own_id is not None:
            event = replace(event, position=self.position)
            self._positions[event.own_id or ""] = self.position
        return self.unacknowledged.put(event)

    def _beyond_no_more(self, origin: str, serial: int) -> None:
        """If this was the last that was delivered of the node, its pair is not needed now."""
        if serial >= self._beyond.get(origin, serial + 1):
            del self._beyond[origin]

    def saw(self, origin: str, serial: int) -> bool:
        """Note an event of a node. False if it, or a later one of that node, came before."""
        if serial <= self._seen.get(origin, 0):
            return False
        if len(self._seen) > _MOST_SEEN:
            self._seen = dict(list(self._seen.items())[_MOST_SEEN // 2 :])
        self._seen[origin] = serial
        return True

    def skip(self, number: int) -> None:
        """Events up to this number were forgotten before this node could get them."""
        self._number = number
        self._forgotten = max(self._forgotten, number)
        for history in self._names.values():
            self._let_go(history, history.events)
        self._names.clear()
        ahead: dict[str, int] = {}
        for event in self.unacknowledged:
            ahead[event.origin] = max(event.serial, ahead.get(event.origin, 0))
        self._beyond = ahead

    # Epochs change.

    def enter(self, epoch: str, forks: Sequence[tuple[str, int]]) -> None:
        """Go on under this epoch. `forks` are the latest ones, newest first: the epoch before,
        and its number at which the next one began."""
        following = epoch
        for before, fork in forks:
            if before != self._epoch:
                self._past_epochs.add(PastEpoch(before, fork, fork, following))
            following = before
        if epoch == self._epoch:
            return
        known = dict(forks)
        after = epoch
        for before, _ in forks:
            if before == self._epoch:
                break
            after = before
        if not self.joined:
            self._fork(PastEpoch(self._epoch, -1, 0, epoch))
        elif self._epoch in known:
            self._fork(PastEpoch(self._epoch, known[self._epoch], known[self._epoch], after))
        else:
            self._fork(PastEpoch(self._epoch, 0, 0, epoch))
        self._epoch = epoch
        for one in self.readers_ahead:
            one.cursor = (
                self._past_epochs.present(one.cursor, epoch, one.reader.names) or one.cursor
            )

    def begin_after(self, number: int) -> None:
        """Before this node first met the others its clients had missed only what comes after it."""
        self._past_epochs.rebase(self._first_epoch, number)

    def _fork(self, past: PastEpoch) -> None:
        """Put what Redis does not know any more ahead of everything else."""
        past.evicted = {name: history.evicted for name, history in self._names.items()}
        past.forgotten, past.known = self._forgotten, self._number
        lost = self._take_lost(past.fork)
        past.lost = [(event.number, event.origin, event.serial) for event in lost]
        self._past_epochs.add(past)
        self._number = max(0, min(self._number, past.fork))
        self._forgotten = min(self._forgotten, max(0, past.fork))
        self._own_ids = {key: no for key, no in self._own_ids.items() if no <= past.fork}
        for event in lost:
            self._beyond[event.origin] = max(event.serial, self._beyond.get(event.origin, 0))
        self.unacknowledged.put_first(
            replace(event, number=0, earlier=(*event.earlier, (past.epoch, event.number))[-3:])
            for event in lost
        )

    def _take_lost(self, fork: int) -> list[ReplicatedEvent]:
        found: dict[int, ReplicatedEvent] = {}
        for history in self._names.values():
            while history.events and history.events[-1].number > fork:
                event = history.events.pop()
                history.size -= len(event.frame)
                assert isinstance(event, ReplicatedEvent)
                found[event.number] = event
            if history.evicted > fork:
                history.evicted = max(0, fork)
                history.floor = history.evicted
                history.marks.clear()
        return [found[number] for number in sorted(found)]

    # Clients come.

    def locate(self, text: str, names: Iterable[str]) -> Cursor | None:
        """A client's cursor in terms of the present epoch. None if it says nothing here."""
        if len(text) > MAX_CURSOR:
            return None
        if text in self._positions:
            text = self._positions[text]
        elif text in self._own_ids:
            return Cursor(self._epoch, self._own_ids[text])
        cursor = Cursor.parse(text)
        return None if cursor is None else self._past_epochs.present(cursor, self._epoch, names)

    def is_behind(self, cursor: Cursor) -> bool:
        """Whether the cursor covers events that have not come here yet."""
        return cursor.number > self._number or any(
            serial > max(self._seen.get(node, 0), self._beyond.get(node, 0))
            for node, serial in cursor.beyond.items()
        )

    def replay(self, cursor: str | None, reader: Member, now: float, backlog: int = 0) -> Replay:
        if cursor is None or self._begins(cursor, reader):
            return self.begin(reader, now, backlog)
        seen = self.locate(cursor, reader.names)
        missed = None if seen is None else self._missed_since(seen, reader, now)
        if seen is None or missed is None:
            return Replay.unknown(self.position, self.begin(reader, now, backlog).frames)
        if self.is_behind(seen):
            known = max(self._number, self.known_number)
            if seen.number > known or len(self.readers_ahead) >= _MOST_READERS_AHEAD:
                return Replay.unknown(self.position, self.begin(reader, now, backlog).frames)
            ahead = ReaderAhead(reader, seen, now)
            if seen.number > self._number:
                missed = self._without_doubtful(ahead, missed, now)
            self.readers_ahead.append(ahead)
            return Replay(None, self._frames_of(ahead.cursor, missed))
        if not missed:
            return Replay(self.position)
        return Replay(None, self._frames_of(seen, missed))

    def _begins(self, cursor: str, reader: Member) -> bool:
        return super()._begins(cursor, reader) and not any(
            name in event.audience.names for event in self.unacknowledged for name in reader.names
        )

    def _latest(self, reader: Member, now: float, most: int) -> list[StoredEvent]:
        numbered = super()._latest(reader, now, most)
        return [*numbered, *self._ahead_of(_NOTHING_SEEN, reader)][-most:]

    def _as_frames(self, events: Sequence[StoredEvent]) -> list[bytes]:
        # Who gets them counts as having seen what came before them.
        replicated = [event for event in events if isinstance(event, ReplicatedEvent)]
        first = replicated[0].number
        before = Cursor(self._epoch, first - 1 if first else self._number)
        return self._frames_of(before, replicated)

    def _without_doubtful(
        self, reader: ReaderAhead, missed: list[ReplicatedEvent], now: float
    ) -> list[ReplicatedEvent]:
        """Redis may have given a number to events that are ahead here, and this client may have
        seen them: it gets them only when their number is known; and so, for a while, those that
        come after them, for the sake of the order."""
        serials = [event.serial for event in missed if event.key in self.unacknowledged.doubtful]
        if not serials:
            return missed
        if now < self.doubt_until:
            reader.held_from = min(serials)
            return [
                event
                for event in missed
                if event.number or event.origin != self.node or event.serial < reader.held_from
            ]
        reader.cursor = reader.cursor.with_hole(self.node, min(serials), max(serials))
        return [event for event in missed if event.key not in self.unacknowledged.doubtful]

    def held(self, reader: ReaderAhead) -> list[ReplicatedEvent]:
        """What is held back from this client. From now on that is only what is in doubt."""
        held = [
            event
            for event in self.unacknowledged
            if event.origin == self.node and event.serial >= reader.held_from
        ]
        serials = [event.serial for event in held if event.key in self.unacknowledged.doubtful]
        reader.held_from = 0
        if serials:
            reader.cursor = reader.cursor.with_hole(self.node, min(serials), max(serials))
        return [event for event in held if event.key not in self.unacknowledged.doubtful]

    def _frames_of(self, seen: Cursor, missed: Sequence[ReplicatedEvent]) -> list[bytes]:
        if not seen.beyond and not self._beyond:
            return [event.frame for event in missed]
        replayed = []
        for event in missed:
            beyond = {} if event.number else {event.origin: event.serial}
            seen = seen.joined(event.number or self._number, beyond)
            replayed.append(frames.with_id(event.own_id or str(seen), event.bare))
        return replayed

    def _missed_since(
        self, seen: Cursor, reader: Member, now: float
    ) -> list[ReplicatedEvent] | None:
        folded = {group.casefold() for group in reader.groups}
        found: dict[int, ReplicatedEvent] = {}
        if not self.unacknowledged.covers_dropped(seen):
            return None
        for name in reader.names:
            history = self._names.get(name)
            if history is None:
                if seen.number < self._forgotten:
                    return None
                continue
            self._let_go(history, history.trim(now))
            if seen.number < history.evicted and not _covers_evicted(seen, history):
                return None
            for event in reversed(history.events):
                if event.number <= seen.number:
                    break
                assert isinstance(event, ReplicatedEvent)
                if event.was_for(folded, reader.client_id) and not seen.covers(
                    None, event.origin, event.serial, event.earlier
                ):
                    found[event.number] = event
        return [*(found[number] for number in sorted(found)), *self._ahead_of(seen, reader)]

    def _ahead_of(self, seen: Cursor, reader: Member) -> list[ReplicatedEvent]:
        """Events without a number that the client has not seen."""
        folded = {group.casefold() for group in reader.groups}
        return [
            event
            for event in self.unacknowledged
            if not set(event.audience.names).isdisjoint(reader.names)
            and event.was_for(folded, reader.client_id)
            and not seen.covers(None, event.origin, event.serial, event.earlier)
        ]

    def forget_reader_ahead(self, reader: Member) -> None:
        """The client has gone."""
        if self.readers_ahead:
            self.readers_ahead = [one for one in self.readers_ahead if one.reader is not reader]

    def check_readers_ahead(self, now: float) -> None:
        """Forget those who have seen nothing any more that has not come here."""
        if self.readers_ahead:
            self.readers_ahead = [
                one for one in self.readers_ahead if self._is_still_ahead(one, now)
            ]

    def _is_still_ahead(self, reader: ReaderAhead, now: float) -> bool:
        if reader.cursor.number > self._number:
            return True
        if (reader.held_from or reader.cursor.holes) and self.node in self._beyond:
            return True
        # What its pairs mean has been sent again by now, or is lost.
        return now < reader.since + _LONGEST_AHEAD and self.is_behind(reader.cursor)

    def _let_go(self, history: NameHistory, gone: Iterable[StoredEvent]) -> None:
        """Remember of each node what was evicted last: cursors with pairs may still cover it."""
        gone = list(gone)
        if not gone:
            return
        super()._let_go(history, gone)
        marks = history.marks
        for event in gone:
            assert isinstance(event, ReplicatedEvent)
            self._positions.pop(event.own_id or "", None)
            marks[event.origin] = (event.serial, event.number)
        while len(marks) > _MOST_ORIGINS:
            oldest = min(marks, key=lambda origin: marks[origin][1])
            history.floor = max(history.floor, marks.pop(oldest)[1])


def _covers_evicted(seen: Cursor, history: NameHistory) -> bool:
    return seen.number >= history.floor and all(
        seen.covers(number, origin, serial) for origin, (serial, number) in history.marks.items()
    )
