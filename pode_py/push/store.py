"""Store: who is connected, by name, client id and group. Safe for many threads, does no I/O.

Names and client ids are compared exactly, groups without regard to case, as in Pode. A name or
group whose last connection leaves is gone.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from typing import Generic, Protocol, TypeVar


class Member(Protocol):
    """What the store needs to know of a connection."""

    @property
    def name(self) -> str: ...
    @property
    def group(self) -> str | None: ...
    @property
    def client_id(self) -> str: ...


C = TypeVar("C", bound=Member)


class _Name(Generic[C]):
    """The connections of one name. `everybody` is made when somebody asks for it."""

    __slots__ = ("clients", "everybody", "groups")

    def __init__(self) -> None:
        self.clients: dict[str, C] = {}
        self.groups: dict[str, dict[str, C]] = {}
        self.everybody: tuple[C, ...] | None = None


class Store(Generic[C]):
    """The connections that events can be sent to from anywhere."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: dict[str, _Name[C]] = {}

    def add(self, connection: C) -> C | None:
        """Let the connection in. Gives the one of its name and client id that it replaced."""
        with self._lock:
            entry = self._names.setdefault(connection.name, _Name())
            replaced = entry.clients.get(connection.client_id)
            if replaced is not None:
                self._take_out(entry, replaced)
            entry.clients[connection.client_id] = connection
            if connection.group is not None:
                members = entry.groups.setdefault(connection.group.casefold(), {})
                members[connection.client_id] = connection
            entry.everybody = None
        return replaced

    def remove(self, connection: C) -> bool:
        """Let this very connection out. False if it was not in, or has been replaced."""
        with self._lock:
            entry = self._names.get(connection.name)
            if entry is None or entry.clients.get(connection.client_id) is not connection:
                return False
            self._take_out(entry, connection)
            if not entry.clients:
                del self._names[connection.name]
        return True

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
                found: dict[str, C] = {}
                for group in groups:
                    found.update(entry.groups.get(group.casefold(), {}))
                return list(found.values())
            if entry.everybody is None:
                entry.everybody = tuple(entry.clients.values())
            return entry.everybody

    def everybody(self) -> list[C]:
        """All connections of all names."""
        with self._lock:
            return [
                connection
                for entry in self._names.values()
                for connection in entry.clients.values()
            ]

    def names(self) -> list[str]:
        with self._lock:
            return list(self._names)

    def groups(self, name: str) -> list[str]:
        """The groups of a name, as their first member spelled them."""
        with self._lock:
            entry = self._names.get(name)
            if entry is None:
                return []
            firsts = [next(iter(members.values())) for members in entry.groups.values()]
            return [first.group for first in firsts if first.group is not None]

    def __len__(self) -> int:
        with self._lock:
            return sum(len(entry.clients) for entry in self._names.values())

    @staticmethod
    def _by_client(
        entry: _Name[C], groups: Collection[str], client_ids: Collection[str]
    ) -> list[C]:
        wanted = {group.casefold() for group in groups}
        found = []
        for client_id in dict.fromkeys(client_ids):
            connection = entry.clients.get(client_id)
            if connection is None:
                continue
            if not wanted or (connection.group or "").casefold() in wanted:
                found.append(connection)
        return found

    @staticmethod
    def _take_out(entry: _Name[C], connection: C) -> None:
        del entry.clients[connection.client_id]
        entry.everybody = None
        if connection.group is None:
            return
        key = connection.group.casefold()
        members = entry.groups.get(key, {})
        members.pop(connection.client_id, None)
        if not members:
            entry.groups.pop(key, None)
