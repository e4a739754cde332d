"""Cursor: what a client has seen, as the id of its latest event says it. Pure.

``<epoch>-<number>`` means: everything up to this number in Redis's order of events, which is the
same on all nodes. While a node can't reach Redis it delivers events that have no number yet, and
Redis may lose numbered ones. So a cursor may go on with pairs, ``~<node>~<serial>``: and of the
events that were sent on this node, everything up to that one. As every node's events keep their
order, wherever they are delivered, this says exactly what was seen.

A pair may also name a past epoch, ``~<epoch>~<number>``: a client may have seen events of an epoch
that the node it comes to does not know who sent, and that Redis has lost. They will come again.

There may be a hole in it, ``~<node>~<serial>.<first>.<last>``: a client whose number is greater
than that of a node without Redis has seen what others sent there meanwhile; and it is not known
whether this node's latest events before the loss, from first to last, are among that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

#: A node's id, which is also what its events are counted under.
NODE_DIGITS = 8

_PAIR = r"~([0-9a-f]{8})~([0-9]{1,15})(?:\.([0-9]{1,15})\.([0-9]{1,15}))?"
_PAIRS = re.compile(_PAIR, re.ASCII)
_CURSOR = re.compile(rf"([0-9a-f]{{8}})-([0-9]{{1,15}})((?:{_PAIR})*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Up to `number`; and of the nodes in `beyond`, up to their serial, but not what is in their
    hole, from its first to its last."""

    epoch: str
    number: int
    beyond: Mapping[str, int] = field(default_factory=dict)
    holes: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @staticmethod
    def parse(text: str) -> Cursor | None:
        """None if it is not of this form.

        >>> Cursor.parse("0badcafe-12~00c0ffee~7")
        Cursor(epoch='0badcafe', number=12, beyond={'00c0ffee': 7}, holes={})
        """
        found = _CURSOR.fullmatch(text)
        if found is None:
            return None
        beyond: dict[str, int] = {}
        holes: dict[str, tuple[int, int]] = {}
        for node, serial, first, last in _PAIRS.findall(found[3]):
            beyond[node] = int(serial)
            if first:
                holes[node] = int(first), int(last)
        return Cursor(found[1], int(found[2]), beyond, holes)

    def __str__(self) -> str:
        return f"{self.epoch}-{self.number}" + "".join(
            f"~{node}~{serial}" + "".join(f".{end}" for end in self.holes.get(node, ()))
            for node, serial in sorted(self.beyond.items())
        )

    def covers(
        self,
        number: int | None,
        origin: str,
        serial: int,
        earlier: Iterable[tuple[str, int]] = (),
    ) -> bool:
        """Whether it means that this event was seen.

        `number` is None while it has none; `earlier` are epochs and numbers that it once had.
        """
        if number is not None and number <= self.number:
            return True
        if serial <= self.beyond.get(origin, 0) and not self.is_in_hole(origin, serial):
            return True
        return any(once <= self.beyond.get(epoch, 0) for epoch, once in earlier)

    def is_in_hole(self, origin: str, serial: int) -> bool:
        first, last = self.holes.get(origin, (1, 0))
        return first <= serial <= last

    def joined(self, number: int, beyond: Mapping[str, int]) -> Cursor:
        """What was seen according to this one, or up to there but for the holes."""
        both = dict(self.beyond)
        for node, serial in beyond.items():
            both[node] = max(serial, both.get(node, 0))
        return Cursor(self.epoch, max(number, self.number), both, self.holes)

    def with_hole(self, origin: str, first: int, last: int) -> Cursor:
        """The same, but nothing from first to last. No hole if last is before first."""
        holes = {node: hole for node, hole in self.holes.items() if node != origin}
        if first <= last:
            holes[origin] = first, last
        return Cursor(self.epoch, self.number, self.beyond, holes)
