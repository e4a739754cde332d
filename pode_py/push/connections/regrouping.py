"""Regrouping: other names and groups for connections that are open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pode_py.push.connections.audience import Audience
from pode_py.push.connections.connection import PushConnection
from pode_py.push.connections.hub import PushHub

Kind = Literal["join group", "leave group", "join name"]


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of a connection's names or groups. Groups are left whatever their case."""

    kind: Kind
    items: tuple[str, ...]

    def names_of(self, connection: PushConnection) -> tuple[str, ...]:
        more = self.items if self.kind == "join name" else ()
        return tuple(dict.fromkeys([*connection.names, *more]))

    def groups_of(self, connection: PushConnection) -> tuple[str, ...]:
        if self.kind == "leave group":
            gone = {item.casefold() for item in self.items}
            return tuple(one for one in connection.groups if one.casefold() not in gone)
        more = self.items if self.kind == "join group" else ()
        return tuple(dict.fromkeys([*connection.groups, *more]))


def regroup(hub: PushHub[Any, Any], audience: Audience, change: Change) -> int:
    """Change the connections that are meant, on all nodes. Returns how many there were."""
    elsewhere = 0
    if hub.nodes.backplane is not None:
        request = {"do": change.kind, "items": change.items}
        elsewhere = hub.nodes.backplane.ask(audience, request)
    here = regroup_here(hub, audience, change)
    if not here:
        hub.near_misses.reached_nobody(audience)
    return elsewhere + here


def regroup_here(hub: PushHub[Any, Any], audience: Audience, change: Change) -> int:
    """Change the connections of this node that are meant."""
    return sum(
        hub.change(one, change.names_of(one), change.groups_of(one)) for one in hub.find(audience)
    )
