"""Admission: how many streams there may be, by name, by address and in all."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from pode_py.core.errors import StatusError
from pode_py.push.sse.connection import SseConnection

# A browser opens no more connections than this to one host over HTTP/1.1 (Chromium and Firefox);
# the next one waits for ever, and so does every plain request of that page.
BROWSER_LIMIT = 6
# Of so many addresses it is remembered that they were warned of; then nobody is any more.
_MOST_WARNINGS = 1000


@dataclass(frozen=True, slots=True)
class SseLimits:
    """None means no limit."""

    per_name: int | None = None
    per_address: int | None = None
    total: int | None = None
    retry_after: int = 10


class Admission:
    """Counts streams in and out. Counting and checking are one step, so no limit is overrun.

    `warn` hears once of each address that has as many streams as a browser can have over HTTP/1.1.
    """

    def __init__(self, warn: Callable[[str, str], None]) -> None:
        self._warn = warn
        self._warned: set[str] = set()
        self._lock = threading.Lock()
        self._names: Counter[str] = Counter()
        self._addresses: Counter[str] = Counter()
        self._total = 0
        self.limits = SseLimits()

    def enter(self, names: tuple[str, ...], address: str, http_version: str = "1.1") -> None:
        """Count a stream in. StatusError 503 if it is one too many."""
        with self._lock:
            what = self._exceeded(names, address)
            if what is None:
                for name in names:
                    self._names[name] += 1
                self._addresses[address] += 1
                self._total += 1
                streams = self._addresses[address]
        if what is not None:
            raise StatusError(
                503,
                f"There are too many event streams {what} already.",
                headers={"Retry-After": str(self.limits.retry_after)},
            )
        # HTTP/2 carries many streams over one connection.
        if streams == BROWSER_LIMIT and http_version.startswith("1"):
            self._warn_of(address)

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

    def rename(self, connection: SseConnection, before: tuple[str, ...]) -> None:
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

    def _warn_of(self, address: str) -> None:
        if address in self._warned or len(self._warned) >= _MOST_WARNINGS:
            return
        self._warned.add(address)
        self._warn(
            f"{address} has {BROWSER_LIMIT} event streams open. A browser opens no more "
            "connections than that to one host over HTTP/1.1: give one stream several names, or "
            "share it among tabs with /pode/sse-shared.js.",
            "SSE",
        )

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
