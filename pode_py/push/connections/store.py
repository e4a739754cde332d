"""Store: who is connected, by name, client id and group. Safe for many threads, does no I/O.

Names and client ids are compared exactly, groups without regard to case, as in Pode. A connection
may have several names and groups. A name or group whose last connection leaves is gone.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Sequence
from typing import Generic, Protocol, TypeVar


class Member(Protocol):
    """What the store needs to know of a connection. Only the store changes names and groups."""

    names: tuple[str, ...]
    groups: tuple[str, ...]

    @property
    def client_id(self) -> str: ...


C = TypeVar("C", bound=Member)


class _Name(Generic[C]):
    """The connections of one name. `everybody` is made when somebody asks for it."""

    __slots__ = ("clients", "everybody", "groups")

    def __init__(self) -> None:
        self.clients: dict[str, C] = {}
        # By the group's folded name: how its first member spelled it, and the members.
        self.groups: dict[str, tuple[str, dict[str, C]]] = {}
        self.everybody: tuple[C, ...] | None = None

    def add(self, connection: C) -> C | None:
        replaced = self.clients.get(connection.client_id)
        if replaced is connection:
            replaced = None
        if replaced is not None:
            self.remove(replaced)
        self.clients[connection.client_id] = connection
        for group in connection.groups:
            _, members = self.groups.setdefault(group.casefold(), (group, {}))
            members[connection.client_id] = connection
        self.everybody = None
        return replaced

    def remove(self, connection: C) -> None:
        self.everybody = None
        self.clients.pop(connection.client_id, None)
        for group in connection.groups:
            key = group.casefold()
            if key in self.groups:
                _, members = self.groups[key]
                members.pop(connection.client_id, None)
                if not members:
                    del self.groups[key]

    def in_groups(self, groups: Iterable[str]) -> dict[str, C]:
        found: dict[str, C] = {}
        for group in groups:
            entry = self.groups.get(group.casefold())
            if entry is not None:
                found.update(entry[1])
        return found


class Store(Generic[C]):
    """The connections that events can be sent to from anywhere."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: dict[str, _Name[C]] = {}
        # Another number after each change.
        self.version = 0

    def add(self, connection: C) -> list[C]:
        """Let the connection in. Returns those of its names with its client id, now replaced."""
        replaced: dict[int, C] = {}
        with self._lock:
            self.version += 1
            for name in connection.names:
                entry = self._names.get(name)
                if entry is None:
                    entry = self._names[name] = _Name()
                old = entry.add(connection)
                if old is not None:
                    replaced[id(old)] = old
            for old in replaced.values():
                self._take_out(old)
        return list(replaced.values())

    def change(self, connection: C, names: Sequence[str], groups: Sequence[str]) -> list[C] | None:
        """Give a connection other names and groups. Returns what it replaced; None if gone."""
        replaced: list[C] = []
        with self._lock:
            if not self._take_out(connection):
                return None
            connection.names, connection.groups = tuple(names), tuple(groups)
            for name in connection.names:
                old = self._names.setdefault(name, _Name()).add(connection)
                if old is not None:
                    self._take_out(old)
                    replaced.append(old)
        return replaced

    def remove(self, connection: C) -> bool:
        """Let this very connection out. False if it was not in, or has been replaced."""
        with self._lock:
            return self._take_out(connection)

    def get(self, name: str, client_id: str) -> C | None:
        with self._lock:
            entry = self._names.get(name)
            return None if entry is None else entry.clients.get(client_id)

    def select(
        self,
        name: str,
        groups: Collection[str] = (),
        client_ids: Collection[str] = (),
    ) -> Sequence[C]:
        """The connections in any of the groups and with one of the client ids.

        No group, or no client id, means that it does not matter.
        """
        with self._lock:
            entry = self._names.get(name)
            if entry is None:
                return ()
            if client_ids:
                return self._by_client(entry, groups, client_ids)
            if groups:
                return list(entry.in_groups(groups).values())
            if entry.everybody is None:
                entry.everybody = tuple(entry.clients.values())
            return entry.everybody

    def everybody(self) -> list[C]:
        """All connections, each once."""
        with self._lock:
            entries = list(self._names.values())
            found = {id(one): one for entry in entries for one in entry.clients.values()}
        return list(found.values())

    def names(self) -> list[str]:
        with self._lock:
            return list(self._names)

    def groups(self, name: str) -> list[str]:
        """The groups of a name, as their first member spelled them."""
        with self._lock:
            entry = self._names.get(name)
            return [] if entry is None else [spelled for spelled, _ in entry.groups.values()]

    def __len__(self) -> int:
        return len(self.everybody())

    @staticmethod
    def _by_client(
        entry: _Name[C], groups: Collection[str], client_ids: Collection[str]
    ) -> list[C]:
        members = entry.in_groups(groups) if groups else entry.clients
        wanted = dict.fromkeys(client_ids)
        return [members[client_id] for client_id in wanted if client_id in members]

    def _take_out(self, connection: C) -> bool:
        self.version += 1
        found = False
        for name in connection.names:
            entry = self._names.get(name)
            if entry is None or entry.clients.get(connection.client_id) is not connection:
                continue
            entry.remove(connection)
            found = True
            if not entry.clients:
                del self._names[name]
        return found
