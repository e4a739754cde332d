"""Regrouping: other names and groups for streams that are open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pode_py.push.connections.messages import Audience
from pode_py.push.sse.connection import SseConnection
from pode_py.push.sse.hub import SseHub

Kind = Literal["join group", "leave group", "join name"]


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of a stream's names or groups. Groups are left whatever their case."""

    kind: Kind
    items: tuple[str, ...]

    def names_of(self, connection: SseConnection) -> tuple[str, ...]:
        more = self.items if self.kind == "join name" else ()
        return tuple(dict.fromkeys([*connection.names, *more]))

    def groups_of(self, connection: SseConnection) -> tuple[str, ...]:
        if self.kind == "leave group":
            gone = {item.casefold() for item in self.items}
            return tuple(one for one in connection.groups if one.casefold() not in gone)
        more = self.items if self.kind == "join group" else ()
        return tuple(dict.fromkeys([*connection.groups, *more]))


def regroup(hub: SseHub, audience: Audience, change: Change) -> int:
    """Change the streams that are meant, on all nodes. Gives how many there were."""
    elsewhere = 0
    if hub.backplane is not None:
        request = {"do": change.kind, "items": change.items}
        elsewhere = hub.backplane.ask(audience, request)
    return elsewhere + regroup_here(hub, audience, change)


def regroup_here(hub: SseHub, audience: Audience, change: Change) -> int:
    """Change the streams of this node that are meant."""
    return sum(
        hub.change(one, change.names_of(one), change.groups_of(one)) for one in hub.find(audience)
    )
