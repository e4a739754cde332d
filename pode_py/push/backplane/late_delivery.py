"""LateDelivery: what became of an event that gets its number, and goes to streams, only later."""

from __future__ import annotations

import threading
import time

from pode_py.core.arguments import Duration, seconds
from pode_py.push.connections.awaiting import Wakeup
from pode_py.push.connections.delivery import Delivery, check_may_wait

# It comes sooner: without an answer from Redis the event is delivered without it.
_LONGEST = 10.0


class LateDelivery(Delivery):
    """Its figures are of this node's streams, as those of every delivery. `arrived` is notified,
    and its lock is held, when one arrives."""

    __slots__ = ("_arrived", "_local", "_wakeups")

    def __init__(self, arrived: threading.Condition) -> None:
        self._arrived = arrived
        self._local: Delivery | None = None
        self._wakeups: tuple[Wakeup, ...] = ()

    def arrive(self, local: Delivery) -> None:
        """The event was queued to this node's streams."""
        self._local = local
        for wakeup in self._wakeups:
            wakeup()

    @property
    def matched(self) -> int:
        local = self._await(_LONGEST)
        return 0 if local is None else local.matched

    @property
    def queued(self) -> int:
        local = self._await(_LONGEST)
        return 0 if local is None else local.queued

    def wait(self, timeout: Duration | None = None) -> bool:
        """As `Delivery.wait`, with the time until the event is there."""
        limit = None if timeout is None else seconds("timeout", timeout)
        check_may_wait()
        if limit is None:
            local = self._await(_LONGEST)
            return local is not None and local.wait()
        deadline = time.monotonic() + limit
        local = self._await(max(0.0, deadline - time.monotonic()))
        return local is not None and local.wait(max(0.0, deadline - time.monotonic()))

    async def _go_out(self) -> bool:
        wakeup = Wakeup()
        with self._arrived:
            if self._local is None:
                self._wakeups += (wakeup,)
            else:
                wakeup()
        await wakeup.wait(_LONGEST)
        local = self._local
        return local is not None and await local

    def __repr__(self) -> str:
        return "Delivery(on its way)" if self._local is None else repr(self._local)

    def _await(self, timeout: float) -> Delivery | None:
        if self._local is None:
            check_may_wait()
            with self._arrived:
                self._arrived.wait_for(lambda: self._local is not None, timeout)
        return self._local
