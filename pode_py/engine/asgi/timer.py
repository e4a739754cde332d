"""LoopTimer: the deadlines of an engine that lives on an asyncio loop.

As for our own engine they go by the server's clock, which a test may move by hand.

Most of what is expected happens at once: each send to each client. So `expect` and `happened` must
cost next to nothing and leave nothing behind. Who expects something for the same number of seconds
stands in one line, in the order of the deadlines, and leaves it at no cost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Protocol

from pode_py.core.clock import Clock
from pode_py.engine.asgi.looks import Looks, Owner
from pode_py.engine.h11.deadlines import NEVER


class Watched(Owner, Protocol):
    """Has something to do when its time has come."""

    def look(self, now: float) -> None: ...


class LoopTimer:
    """Belongs to the loop's thread, but for `poke`."""

    def __init__(self, clock: Clock, loop: asyncio.AbstractEventLoop) -> None:
        self._clock = clock
        self._loop = loop
        self._looks: Looks[Watched] = Looks()
        # By seconds: who looks again when they are over. A dict keeps the order.
        self._lines: dict[float, dict[Watched, float]] = {}
        self._handle: asyncio.TimerHandle | None = None
        self._planned = NEVER
        clock.watch(self.poke)

    def now(self) -> float:
        return self._clock.monotonic()

    def look_at(self, owner: Watched, seconds: float) -> None:
        """Call `owner.look` in so many seconds, unless an earlier look is planned."""
        deadline = self._clock.monotonic() + seconds
        if deadline < owner.watched_until:
            self._looks.look_at(owner, deadline)
            self._plan()

    def expect(self, owner: Watched, seconds: float) -> None:
        """Call `owner.look` in so many seconds, unless `happened` is called before."""
        line = self._lines.setdefault(seconds, {})
        line.pop(owner, None)
        line[owner] = self._clock.monotonic() + seconds
        if len(line) == 1:
            self._plan()

    def happened(self, owner: Watched, seconds: float) -> None:
        """What was expected for so many seconds has happened."""
        self._lines[seconds].pop(owner, None)

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
        first = self._first()
        if first >= self._planned:
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
        for owner in [*self._looks.due(now), *self._over(now)]:
            owner.look(now)
        self._planned = NEVER
        self._plan()

    def _first(self) -> float:
        planned = self._looks.first
        heads = [next(iter(line.values())) for line in self._lines.values() if line]
        return min(heads if planned is None else [planned, *heads], default=NEVER)

    def _over(self, now: float) -> Iterator[Watched]:
        """Those whose seconds are over; they leave their lines."""
        for line in self._lines.values():
            while line:
                owner, deadline = next(iter(line.items()))
                if deadline > now:
                    break
                del line[owner]
                yield owner
