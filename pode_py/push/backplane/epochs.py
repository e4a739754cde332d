"""PastEpochs: what cursors from before Redis lost events mean today. No I/O, no clock.

Redis numbers events under an epoch. When it may have lost some (it is another process than it
was: restarted, or a replica that took over), a new epoch begins that forks off from the old one:
up to the fork both mean the same events. Numbers of the old epoch beyond it were of events that
Redis does not know any more. The nodes that do remember who sent them, and so does everybody who
gets them again: that is how a cursor of the old epoch is put into terms of the new one.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from pode_py.push.backplane.cursors import Cursor

# Older ones are nobody's.
_MOST_PAST_EPOCHS = 8


@dataclass(slots=True)
class PastEpoch:
    """A past epoch. Beyond `fork` its numbers mean the events in `lost`: number, node, serial.

    `base` is where in the next epoch somebody stands who has seen the fork. `known` is the number
    up to which this node had all events. Of each name in `evicted` events up to this number were
    forgotten, and of the others up to `forgotten`.
    """

    epoch: str
    fork: int
    base: int
    following: str
    known: int = 0
    lost: list[tuple[int, str, int]] = field(default_factory=list)
    evicted: Mapping[str, int] = field(default_factory=dict)
    forgotten: int = 0

    def is_known(self, number: int, names: Iterable[str]) -> bool:
        """Whether all is known that a reader of these names may have missed after `number`."""
        if number <= self.fork:
            return True
        return all(number >= self.evicted.get(name, self.forgotten) for name in names)

    def translated(self, cursor: Cursor) -> Cursor:
        """The cursor in terms of the next epoch."""
        if cursor.number <= self.fork:
            return replace(cursor, epoch=self.following)
        present = replace(cursor, epoch=self.following, number=self.base)
        return present.joined(self.base, self.seen_by(cursor.number))

    def seen_by(self, number: int) -> dict[str, int]:
        """Pairs for the events beyond the fork up to this number."""
        beyond: dict[str, int] = {}
        for _, node, serial in self.lost[: bisect_right(self.lost, (number, "\x7f", 0))]:
            beyond[node] = max(serial, beyond.get(node, 0))
        if number > self.known:
            beyond[self.epoch] = number
        return beyond


class PastEpochs:
    """The past epochs that are remembered."""

    def __init__(self) -> None:
        self._past_epochs: OrderedDict[str, PastEpoch] = OrderedDict()

    def add(self, past: PastEpoch) -> None:
        known = self._past_epochs.pop(past.epoch, None)
        if known is not None and not past.lost:
            past.known, past.lost = known.known, known.lost
            past.evicted, past.forgotten = known.evicted, known.forgotten
        self._past_epochs[past.epoch] = past
        while len(self._past_epochs) > _MOST_PAST_EPOCHS:
            self._past_epochs.popitem(last=False)

    def rebase(self, epoch: str, base: int) -> None:
        """Who has seen the fork of this epoch stands there in the next one."""
        past = self._past_epochs.get(epoch)
        if past is not None:
            past.base = base

    def learn(self, earlier: tuple[str, int], origin: str, serial: int, following: str) -> None:
        """An event came again that had this epoch and number before it was lost."""
        epoch, number = earlier
        past = self._past_epochs.get(epoch)
        if past is None:
            # Before its first lost event that comes again nothing is known.
            past = PastEpoch(epoch, 0, 0, following, forgotten=number - 1)
            self.add(past)
        entry = (number, origin, serial)
        place = bisect_right(past.lost, entry)
        if number > past.fork and (not place or past.lost[place - 1] != entry):
            insort(past.lost, entry)

    def present(self, cursor: Cursor, epoch: str, names: Iterable[str]) -> Cursor | None:
        """The cursor in terms of the present epoch. None if that can't be known."""
        for _ in range(_MOST_PAST_EPOCHS + 1):
            if cursor.epoch == epoch:
                return self._resolved(cursor)
            past = self._past_epochs.get(cursor.epoch)
            if past is None or not past.is_known(cursor.number, names):
                return None
            cursor = past.translated(cursor)
        return None

    def _resolved(self, cursor: Cursor) -> Cursor:
        """Without pairs of past epochs whose events this node knows."""
        for node, number in cursor.beyond.items():
            past = self._past_epochs.get(node)
            if past is not None and number <= past.known:
                beyond = {key: value for key, value in cursor.beyond.items() if key != node}
                cursor = replace(cursor, beyond=beyond).joined(cursor.number, past.seen_by(number))
        return cursor
