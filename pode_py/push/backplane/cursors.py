"""Cursor: what a client has seen, as the id of its latest event says it. Pure.

``<epoch>-<number>`` means: everything up to this number in Redis's order of events, which is the
same on all nodes. While a node can't reach Redis it delivers events that have no number yet, and
Redis may lose numbered ones. So a cursor may go on with pairs, ``~<node>~<serial>``: and of the
events that were sent on this node, everything up to its event of that serial. As every node's
events keep their order, wherever they are delivered, this says exactly what was seen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

#: A node's id, which is also what its events are counted under.
NODE_DIGITS = 8

_CURSOR = re.compile(r"([0-9a-f]{8})-([0-9]{1,15})((?:~[0-9a-f]{8}~[0-9]{1,15})*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Up to `number`; and of the nodes in `beyond`, up to their serial."""

    epoch: str
    number: int
    beyond: Mapping[str, int] = field(default_factory=dict)

    @staticmethod
    def parse(text: str) -> Cursor | None:
        """None if it is not of this form.

        >>> Cursor.parse("0badcafe-12~00c0ffee~7")
        Cursor(epoch='0badcafe', number=12, beyond={'00c0ffee': 7})
        """
        found = _CURSOR.fullmatch(text)
        if found is None:
            return None
        pairs = found[3].split("~")[1:]
        beyond: dict[str, int] = {}
        for node, serial in zip(pairs[::2], pairs[1::2], strict=True):
            beyond[node] = max(int(serial), beyond.get(node, 0))
        return Cursor(found[1], int(found[2]), beyond)

    def __str__(self) -> str:
        pairs = "".join(f"~{node}~{serial}" for node, serial in sorted(self.beyond.items()))
        return f"{self.epoch}-{self.number}{pairs}"

    def covers(self, number: int | None, origin: str, serial: int) -> bool:
        """Whether it means that this event was seen. `number` is None while it has none."""
        return (number is not None and number <= self.number) or (
            serial <= self.beyond.get(origin, 0)
        )

    def joined(self, number: int, beyond: Mapping[str, int]) -> Cursor:
        """What was seen according to this one, or up to there."""
        both = dict(self.beyond)
        for node, serial in beyond.items():
            both[node] = max(serial, both.get(node, 0))
        return Cursor(self.epoch, max(number, self.number), both)
