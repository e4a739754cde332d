"""Early: a client that has seen, on another node, what has not come to this one yet."""

from __future__ import annotations

from dataclasses import dataclass

from pode_py.push.backplane.cursors import Cursor
from pode_py.push.connections.store import Member


@dataclass(slots=True, eq=False)
class Early:
    """It gets nothing that its cursor covers.

    From the serial `held_from` on (0: none) it does not get this node's events that are ahead, as
    it may have seen the first of them: Redis will tell.
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
