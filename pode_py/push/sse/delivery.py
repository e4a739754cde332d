"""Delivery: what became of one sent event."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property

from pode_py.core.arguments import Duration, seconds
from pode_py.exchange.outbox import Outbox
from pode_py.push.sse.parcels import Parcel


class Delivery:
    """What became of a sent event: how many connections got it. Not in Pode.

    `matched` says how many connections the event was meant for, `queued` how many took it,
    `dropped` how many could not, because they were full or just closed. A send does not wait until
    the event is queued; reading these figures does.
    """

    def __init__(self, parcel: Parcel, settle: Callable[[], None]) -> None:
        self._parcel = parcel
        self._settle = settle

    @property
    def matched(self) -> int:
        return len(self._parcel.found)

    @property
    def queued(self) -> int:
        return len(self._tickets)

    @property
    def dropped(self) -> int:
        return self.matched - self.queued

    def wait(self, timeout: Duration | None = None) -> bool:
        """Wait until the event was written to every connection that took it.

        False if that did not happen within `timeout` seconds, or one of them closed before.
        Written means handed to the operating system, not read by the client.
        """
        deadline = None
        if timeout is not None:
            deadline = time.monotonic() + seconds("timeout", timeout)
        written = True
        for outbox, number in self._tickets:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            written = outbox.wait(number, left) and written
        return written

    @cached_property
    def _tickets(self) -> list[tuple[Outbox, int]]:
        if not self._parcel.is_settled:
            self._settle()
        return list(self._parcel.tickets())

    def __repr__(self) -> str:
        return f"Delivery(matched={self.matched}, queued={self.queued}, dropped={self.dropped})"
