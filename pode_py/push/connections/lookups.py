"""Lookups: who is connected, to this node and to the others. Asks, changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from pode_py.push.connections.audience import Audience
from pode_py.push.connections.awaiting import check_may_ask
from pode_py.push.connections.nodes import Backplane, Nodes
from pode_py.push.connections.store import Member, Store


class Lookups:
    """This node is asked first: where it knows the answer, nobody else is. With a backplane, only
    on a thread that may wait: what works on the event loop must not depend on who is where."""

    def __init__(self, store: Store[Any], nodes: Nodes, kind: str) -> None:
        self._kind = kind.lower()
        self._store = store
        self._nodes = nodes

    def has(
        self, name: str, groups: Collection[str] = (), client_ids: Collection[str] = ()
    ) -> bool:
        """Whether a connection of this name is in one of the groups and has one of the ids."""
        backplane = self._nodes.backplane
        if backplane is None:
            return bool(self._store.select(name, groups, client_ids))
        client_id = "".join(f", {one!r}" for one in list(client_ids)[:1])
        check_may_ask(
            f"test_{self._kind}_{'client_id' if client_id else 'name'}, {name!r}{client_id}"
        )
        if self._store.select(name, groups, client_ids):
            return True
        return backplane.has(Audience((name,), tuple(groups), tuple(client_ids)))

    def groups_of(self, name: str, client_id: str) -> Sequence[str] | None:
        """The groups of one connection; None if there is none."""
        own: Member | None = self._store.get(name, client_id)
        if own is not None:
            return own.groups
        backplane = self._nodes.backplane
        return None if backplane is None else backplane.groups_of(name, client_id)

    def names(self) -> list[str]:
        return self._with(self._store.names(), lambda other: other.names(), "name_list")

    def groups(self, name: str) -> list[str]:
        """As their first member spelled them."""
        asked = f"group_list, {name!r}"
        found = self._with(self._store.groups(name), lambda other: other.groups(name), asked)
        return list({group.casefold(): group for group in reversed(found)}.values())[::-1]

    def client_ids(self, name: str, groups: Collection[str] = ()) -> list[str]:
        own = [one.client_id for one in self._store.select(name, groups)]
        asked = f"client_id_list, {name!r}"
        return self._with(own, lambda other: other.client_ids(name, groups), asked)

    def _with(
        self, own: list[str], ask: Callable[[Backplane], Collection[str]], asked: str
    ) -> list[str]:
        backplane = self._nodes.backplane
        if backplane is None:
            return own
        check_may_ask(f"get_{self._kind}_{asked}")
        return list(dict.fromkeys([*own, *ask(backplane)]))
