"""LoopTimer: the deadlines of an engine that lives on an asyncio loop.

As for our own engine they go by the server's clock, which a test may move by hand.

Most of what is expected happens at once: each send to each client. So `expect` and `happened` must
cost next to nothing and leave nothing behind. All who expect something for the same number of
seconds stand in one queue, in the order of the deadlines, and leave it at no cost.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Iterator
from contextlib import suppress
from typing import Final, Protocol
from weakref import ref

from pode_py.core.clock import Clock

NEVER: Final = float("inf")


class Watched(Protocol):
    """Has something to do when its time has come. `watched_until` is the time at which it will be
    looked at next; NEVER if none is planned."""

    watched_until: float

    def look(self, now: float) -> None: ...


class LoopTimer:
    """Belongs to the loop's thread, but for `wake`."""

    def __init__(self, clock: Clock, loop: asyncio.AbstractEventLoop) -> None:
        self._clock = clock
        self._loop = loop
        # A heap with one live entry for each owner: one whose deadline moves later is looked at
        # when its old entry comes up, and then again. Entries hold owners weakly, so that what has
        # ended long before its deadline frees its memory at once.
        self._due: list[tuple[float, int, ref[Watched]]] = []
        self._counter = 0
        # By seconds: who looks again when they are over. A dict keeps the order.
        self._queues: dict[float, dict[Watched, float]] = {}
        self._handle: asyncio.TimerHandle | None = None
        self._planned = NEVER
        clock.watch(self.wake)

    def now(self) -> float:
        return self._clock.monotonic()

    def look_at(self, owner: Watched, seconds: float) -> None:
        """Call `owner.look` in that many seconds, unless an earlier look is planned."""
        deadline = self._clock.monotonic() + seconds
        if deadline < owner.watched_until:
            owner.watched_until = deadline
            self._counter += 1
            heapq.heappush(self._due, (deadline, self._counter, ref(owner)))
            self._plan()

    def expect(self, owner: Watched, seconds: float) -> None:
        """Call `owner.look` in that many seconds, unless `happened` is called before."""
        queue = self._queues.setdefault(seconds, {})
        queue.pop(owner, None)
        queue[owner] = self._clock.monotonic() + seconds
        if len(queue) == 1:
            self._plan()

    def happened(self, owner: Watched, seconds: float) -> None:
        """What was expected for that many seconds has happened."""
        self._queues[seconds].pop(owner, None)

    def wake(self) -> None:
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
        # None: whoever moves the clock wakes it.
        self._handle = None if timeout is None else self._loop.call_later(timeout, self._turn)

    def _turn(self) -> None:
        if self._planned == -NEVER:  # it has stopped
            return
        now = self._clock.monotonic()
        for owner in [*self._take_due(now), *self._take_over(now)]:
            owner.look(now)
        self._planned = NEVER
        self._plan()

    def _first(self) -> float:
        heads = [next(iter(queue.values())) for queue in self._queues.values() if queue]
        return min([self._due[0][0], *heads] if self._due else heads, default=NEVER)

    def _take_due(self, now: float) -> Iterator[Watched]:
        """The owners that are to be looked at."""
        while self._due and self._due[0][0] <= now:
            deadline, _, reach = heapq.heappop(self._due)
            owner = reach()
            # One with another time was given an earlier look, which took this one's place.
            if owner is not None and owner.watched_until == deadline:
                owner.watched_until = NEVER
                yield owner

    def _take_over(self, now: float) -> Iterator[Watched]:
        """Those whose seconds are over; they leave their queues."""
        for queue in self._queues.values():
            while queue:
                owner, deadline = next(iter(queue.items()))
                if deadline > now:
                    break
                del queue[owner]
                yield owner
