"""Delivery: what became of one sent event."""

from __future__ import annotations

import time
from collections.abc import Sequence

from pode_py.core.arguments import Duration, seconds
from pode_py.exchange.outbox import Outbox


class Delivery:
    """How many connections an event was meant for (`matched`), how many took it (`queued`), and
    how many could not (`dropped`: full or just closed)."""

    __slots__ = ("_tickets", "dropped", "matched", "queued")

    def __init__(self, matched: int, tickets: Sequence[tuple[Outbox, int]]) -> None:
        self.matched = matched
        self._tickets = tickets
        self.queued = len(tickets)
        self.dropped = matched - self.queued

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

    def __repr__(self) -> str:
        return f"Delivery(matched={self.matched}, queued={self.queued}, dropped={self.dropped})"
