"""Eras: what cursors from before Redis lost events mean today. No I/O, no clock.

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
_MOST_ERAS = 8


@dataclass(slots=True)
class Era:
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


class Eras:
    """The past epochs that are remembered."""

    def __init__(self) -> None:
        self._eras: OrderedDict[str, Era] = OrderedDict()

    def add(self, era: Era) -> None:
        known = self._eras.pop(era.epoch, None)
        if known is not None and not era.lost:
            era.known, era.lost = known.known, known.lost
            era.evicted, era.forgotten = known.evicted, known.forgotten
        self._eras[era.epoch] = era
        while len(self._eras) > _MOST_ERAS:
            self._eras.popitem(last=False)

    def rebase(self, epoch: str, base: int) -> None:
        """Who has seen the fork of this epoch stands there in the next one."""
        era = self._eras.get(epoch)
        if era is not None:
            era.base = base

    def learn(self, earlier: tuple[str, int], origin: str, serial: int, following: str) -> None:
        """An event came again that had this epoch and number before it was lost."""
        epoch, number = earlier
        era = self._eras.get(epoch)
        if era is None:
            # Before its first lost event that comes again nothing is known.
            era = Era(epoch, 0, 0, following, forgotten=number - 1)
            self.add(era)
        entry = (number, origin, serial)
        place = bisect_right(era.lost, entry)
        if number > era.fork and (not place or era.lost[place - 1] != entry):
            insort(era.lost, entry)

    def present(self, cursor: Cursor, epoch: str, names: Iterable[str]) -> Cursor | None:
        """The cursor in terms of the present epoch. None if that can't be known."""
        for _ in range(_MOST_ERAS + 1):
            if cursor.epoch == epoch:
                return self._resolved(cursor)
            era = self._eras.get(cursor.epoch)
            if era is None or not era.is_known(cursor.number, names):
                return None
            cursor = era.translated(cursor)
        return None

    def _resolved(self, cursor: Cursor) -> Cursor:
        """Without pairs of past epochs whose events this node knows."""
        for node, number in cursor.beyond.items():
            era = self._eras.get(node)
            if era is not None and number <= era.known:
                beyond = {key: value for key, value in cursor.beyond.items() if key != node}
                cursor = replace(cursor, beyond=beyond).joined(cursor.number, era.seen_by(number))
        return cursor
