"""Lookups: who is connected, to this node and to the others. Asks, changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from pode_py.push.connections.audience import Audience
from pode_py.push.connections.nodes import Backplane, Nodes
from pode_py.push.connections.store import Member, Store


class Lookups:
    """This node is asked first: where it knows the answer, nobody else is."""

    def __init__(self, store: Store[Any], nodes: Nodes) -> None:
        self._store = store
        self._nodes = nodes

    def has(
        self, name: str, groups: Collection[str] = (), client_ids: Collection[str] = ()
    ) -> bool:
        """Whether a connection of this name is in one of the groups and has one of the ids."""
        if self._store.select(name, groups, client_ids):
            return True
        backplane = self._nodes.backplane
        if backplane is None:
            return False
        return backplane.has(Audience((name,), tuple(groups), tuple(client_ids)))

    def groups_of(self, name: str, client_id: str) -> Sequence[str] | None:
        """The groups of one connection; None if there is none."""
        own: Member | None = self._store.get(name, client_id)
        if own is not None:
            return own.groups
        backplane = self._nodes.backplane
        return None if backplane is None else backplane.groups_of(name, client_id)

    def names(self) -> list[str]:
        return self._with(self._store.names(), lambda other: other.names())

    def groups(self, name: str) -> list[str]:
        """As their first member spelled them."""
        found = self._with(self._store.groups(name), lambda other: other.groups(name))
        return list({group.casefold(): group for group in reversed(found)}.values())[::-1]

    def client_ids(self, name: str, groups: Collection[str] = ()) -> list[str]:
        own = [one.client_id for one in self._store.select(name, groups)]
        return self._with(own, lambda other: other.client_ids(name, groups))

    def _with(self, own: list[str], ask: Callable[[Backplane], Collection[str]]) -> list[str]:
        backplane = self._nodes.backplane
        if backplane is None:
            return own
        return list(dict.fromkeys([*own, *ask(backplane)]))
