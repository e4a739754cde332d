"""Registry: named things in the order they were added, safe for many threads.

Names are compared without regard to case, as Pode's hashtables do, and kept as written.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Generic, TypeVar

from pode_py.core.arguments import meant, names_listed
from pode_py.core.errors import PodeError

T = TypeVar("T")


class Registry(Generic[T]):
    """Named, ordered, locked. `noun` names one entry in messages: "Timer", "Schedule". `source`
    says where names come from, if users do not choose them."""

    def __init__(self, noun: str, source: str = "") -> None:
        self._noun = noun
        self._source = f" {source}" if source else ""
        self._lock = threading.Lock()
        self._items: dict[str, tuple[str, T]] = {}

    def add(self, name: str, item: T) -> None:
        """Raises PodeError if the name is taken."""
        key = name.casefold()
        with self._lock:
            if key not in self._items:
                self._items[key] = (name, item)
                return
        raise PodeError(
            f"{self._noun} {name!r} already exists. Remove it first, or choose another name."
        )

    def put(self, name: str, item: T) -> None:
        """Add, or replace what has this name."""
        with self._lock:
            self._items[name.casefold()] = (name, item)

    def get(self, name: str) -> T | None:
        with self._lock:
            entry = self._items.get(name.casefold())
        return None if entry is None else entry[1]

    def need(self, name: str) -> T:
        """Like `get`, but raises PodeError that lists what there is."""
        item = self.get(name)
        if item is not None:
            return item
        known = names_listed(self.names())
        near = meant(name, self.names())
        raise PodeError(
            f"{self._noun} {name!r} does not exist.{near} There are: {known}.{self._source}"
        )

    def remove(self, name: str) -> T | None:
        """Take the entry out and return it; None if there was none."""
        with self._lock:
            entry = self._items.pop(name.casefold(), None)
        return None if entry is None else entry[1]

    def clear(self) -> list[T]:
        """Take all entries out and return them."""
        with self._lock:
            items = [item for _, item in self._items.values()]
            self._items.clear()
        return items

    def select(self, names: Iterable[str] = ()) -> list[T]:
        """The entries with these names, in order; all if no name is given."""
        wanted = {name.casefold() for name in names}
        with self._lock:
            return [item for key, (_, item) in self._items.items() if not wanted or key in wanted]

    def names(self) -> list[str]:
        with self._lock:
            return [name for name, _ in self._items.values()]

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def __len__(self) -> int:
        return len(self._items)
