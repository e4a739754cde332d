"""Admission: how many connections there may be, by name, by address and in all."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass

from pode_py.core.errors import StatusError
from pode_py.push.connections.connection import PushConnection


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """None means no limit."""

    per_name: int | None = None
    per_address: int | None = None
    total: int | None = None
    retry_after: int = 10


class Admission:
    """Counts connections in and out. Counting and checking are one step, so no limit is overrun.
    `noun` is what the connections are called."""

    def __init__(self, noun: str) -> None:
        self._noun = noun
        self._lock = threading.Lock()
        self._names: Counter[str] = Counter()
        self._addresses: Counter[str] = Counter()
        self._total = 0
        self.limits = ConnectionLimits()

    def enter(self, names: tuple[str, ...], address: str) -> int:
        """Count a connection in. Returns how many its address has now. StatusError 503 if it is
        one too many."""
        with self._lock:
            what = self._exceeded(names, address)
            if what is None:
                for name in names:
                    self._names[name] += 1
                self._addresses[address] += 1
                self._total += 1
                return self._addresses[address]
        raise StatusError(
            503,
            f"There are too many {self._noun} {what} already.",
            headers={"Retry-After": str(self.limits.retry_after)},
        )

    def leave(self, names: tuple[str, ...], address: str) -> None:
        with self._lock:
            self._total -= 1
            self._addresses[address] -= 1
            if self._addresses[address] <= 0:
                del self._addresses[address]
            for name in names:
                self._names[name] -= 1
                if self._names[name] <= 0:
                    del self._names[name]

    def rename(self, connection: PushConnection, before: tuple[str, ...]) -> None:
        """The connection has other names now."""
        with self._lock:
            self._names.subtract(before)
            self._names.update(connection.names)
            for name in before:
                if self._names[name] <= 0:
                    del self._names[name]

    @property
    def total(self) -> int:
        return self._total

    def _exceeded(self, names: tuple[str, ...], address: str) -> str | None:
        limits = self.limits
        if limits.total is not None and self._total >= limits.total:
            return "here"
        if limits.per_address is not None and self._addresses[address] >= limits.per_address:
            return "from this address"
        if limits.per_name is not None:
            for name in names:
                if self._names[name] >= limits.per_name:
                    return "of this name"
        return None
