"""LoopTimer: the deadlines of an engine that lives on an asyncio loop.

As for our own engine they go by the server's clock, which a test may move by hand.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Protocol

from pode_py.core.clock import Clock
from pode_py.engine.deadlines import NEVER, Deadlines, Owner


class Watched(Owner, Protocol):
    """Has something to do when its time has come."""

    def look(self, now: float) -> None: ...


class LoopTimer:
    """Belongs to the loop's thread, but for `poke`."""

    def __init__(self, clock: Clock, loop: asyncio.AbstractEventLoop) -> None:
        self._clock = clock
        self._loop = loop
        self._deadlines = Deadlines()
        self._handle: asyncio.TimerHandle | None = None
        self._planned = NEVER
        clock.watch(self.poke)

    def now(self) -> float:
        return self._clock.monotonic()

    def look_at(self, owner: Watched, seconds: float) -> None:
        """Call `owner.look` in so many seconds, unless an earlier look is planned."""
        deadline = self._clock.monotonic() + seconds
        if deadline < owner.watched_until:
            self._deadlines.look_at(owner, deadline)
            self._plan()

    def poke(self) -> None:
        """The time was moved by hand."""
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._turn)

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self._planned = -NEVER

    def _plan(self) -> None:
        first = self._deadlines.first
        if first is None or first >= self._planned:
            return
        if self._handle is not None:
            self._handle.cancel()
        timeout = self._clock.timeout_until(first)
        self._planned = first
        # None: whoever moves the clock pokes.
        self._handle = None if timeout is None else self._loop.call_later(timeout, self._turn)

    def _turn(self) -> None:
        if self._planned == -NEVER:  # it has stopped
            return
        now = self._clock.monotonic()
        for owner in self._deadlines.due(now):
            owner.look(now)
        self._planned = NEVER
        self._plan()
