"""Audience: whom an event is for. And whom the audiences of recent events mean, while nobody
comes, leaves or changes: an event costs as much to look up as to send, and the broadcaster knows
the same connections by their being the same object.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, NamedTuple, TypeVar

from pode_py.push.connections.store import Member, Store

# Of all remembered audiences together. Beyond that all are forgotten.
_MOST_CONNECTIONS = 200_000
_MOST_AUDIENCES = 20_000

A = TypeVar("A", bound=Hashable)
C = TypeVar("C", bound=Member)


class Audience(NamedTuple):
    """Whom an event is for: these names, any of the groups, one of the client ids."""

    names: tuple[str, ...]
    groups: tuple[str, ...] = ()
    client_ids: tuple[str, ...] = ()


class RecentAudiences(Generic[A, C]):
    """Any thread may ask. `find` looks an audience up in the store."""

    def __init__(self, store: Store[C], find: Callable[[A], Sequence[C]]) -> None:
        self._store = store
        self._find = find
        # With the version of the store that it holds for.
        self._known: tuple[int, dict[A, Sequence[C]]] = (-1, {})
        self._room = 0

    def find(self, audience: A) -> Sequence[C]:
        version, known = self._known
        if version != self._store.version:
            known = self._forget()
        found = known.get(audience)
        return self._look_up(audience, known) if found is None else found

    def _look_up(self, audience: A, known: dict[A, Sequence[C]]) -> Sequence[C]:
        found = self._find(audience)
        self._room -= len(found)
        if self._room < 0 or len(known) >= _MOST_AUDIENCES:
            known = self._forget()
        known[audience] = found
        return found

    def _forget(self) -> dict[A, Sequence[C]]:
        """Begin anew."""
        known: dict[A, Sequence[C]] = {}
        self._room = _MOST_CONNECTIONS
        # The version is read before anything is looked up: what is found in a store that has
        # changed since is kept where nobody looks any more.
        self._known = (self._store.version, known)
        return known
