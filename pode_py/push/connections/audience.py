"""Recent: whom the audiences of recent events mean, while nobody comes, leaves or changes.

An event costs as much to look up as to send. And the dispatcher knows the same connections by
their being the same object.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

from pode_py.push.connections.store import Store
from pode_py.push.sse.connection import SseConnection

# Of all remembered audiences together. Beyond that all are forgotten.
_MOST_CONNECTIONS = 200_000
_MOST_AUDIENCES = 20_000

A = TypeVar("A", bound=Hashable)


class Recent(Generic[A]):
    """Any thread may ask. `find` looks an audience up in the store."""

    def __init__(
        self, store: Store[SseConnection], find: Callable[[A], Sequence[SseConnection]]
    ) -> None:
        self._store = store
        self._find = find
        # With the version of the store that it holds for.
        self._known: tuple[int, dict[A, Sequence[SseConnection]]] = (-1, {})
        self._room = 0

    def find(self, audience: A) -> Sequence[SseConnection]:
        version, known = self._known
        if version != self._store.version:
            known = self._forget()
        found = known.get(audience)
        return self._look_up(audience, known) if found is None else found

    def _look_up(
        self, audience: A, known: dict[A, Sequence[SseConnection]]
    ) -> Sequence[SseConnection]:
        found = self._find(audience)
        self._room -= len(found)
        if self._room < 0 or len(known) >= _MOST_AUDIENCES:
            known = self._forget()
        known[audience] = found
        return found

    def _forget(self) -> dict[A, Sequence[SseConnection]]:
        """Begin anew."""
        known: dict[A, Sequence[SseConnection]] = {}
        self._room = _MOST_CONNECTIONS
        # The version is read before anything is looked up: what is found in a store that has
        # changed since is kept where nobody looks any more.
        self._known = (self._store.version, known)
        return known
