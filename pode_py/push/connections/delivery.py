"""Delivery: what became of one sent event."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

from pode_py.core.arguments import Duration, seconds
from pode_py.core.errors import PodeError
from pode_py.exchange.outbox import Outbox
from pode_py.push.connections.awaiting import Wakeup, is_on_loop
from pode_py.push.connections.broadcast import Broadcaster, PendingEvent, at_once

# How long the route of a local stream waits for a client that does not read.
LOCAL_GRACE = 30.0


class Delivery:
    """What became of a sent event: how many connections got it. Not in Pode.

    `matched` says how many connections the event was meant for, `queued` how many took it,
    `dropped` how many could not, because they were full or just closed. A send does not wait until
    the event is queued; reading these numbers does. In an async handler, `await` a delivery instead
    of calling `wait`. `event_id` is the id of the event, its own or that of the history; None if it
    has none.
    """

    __slots__ = ("_broadcaster", "_event", "_event_id", "_goes_at_pace", "_known")

    def __init__(
        self,
        event: PendingEvent,
        broadcaster: Broadcaster,
        event_id: str | None = None,
        *,
        goes_at_pace: bool = False,
    ) -> None:
        self._event = event
        self._broadcaster = broadcaster
        self._event_id = event_id
        self._goes_at_pace = goes_at_pace
        self._known: list[tuple[Outbox, int]] | None = None

    @classmethod
    def to_nobody(cls) -> Delivery:
        """For what is sent when there is no server any more."""
        event = PendingEvent(b"", ())
        event.arrived([])
        return cls(event, at_once())

    @property
    def event_id(self) -> str | None:
        return self._event_id

    @property
    def matched(self) -> int:
        return len(self._event.found)

    @property
    def queued(self) -> int:
        return len(self._tickets())

    @property
    def dropped(self) -> int:
        return self.matched - self.queued

    def wait(self, timeout: Duration | None = None) -> bool:
        """Wait until the event was written to every connection that took it.

        False if that did not happen within `timeout` seconds, or one of them closed before.
        Written means handed to the operating system, not read by the client. Raises PodeError on
        the event loop, which must not wait.
        """
        deadline = None
        if timeout is not None:
            deadline = time.monotonic() + seconds("timeout", timeout)
        check_may_wait(self._broadcaster.example)
        written = True
        for outbox, number in self._tickets():
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            written = outbox.wait(number, left) and written
        return written

    def __await__(self) -> Generator[Any, None, bool]:
        """Let the event go out. True if it was written to every connection that took it.

        It waits for our own threads, not for clients: to one that does not read the event is
        queued, and the answer is False. A local stream goes at the pace of its client.
        """
        return self._go_out().__await__()

    async def _go_out(self) -> bool:
        if not self._event.is_carried_out:
            await self._broadcaster.take_turn()
        tickets = self._tickets()
        for outbox, number in tickets:
            while outbox.is_on_its_way(number):
                await self._broadcaster.take_turn()
            if self._goes_at_pace and is_half_full(outbox):
                wakeup = Wakeup()
                if outbox.call_when_settled(number, wakeup):
                    await wakeup.wait(LOCAL_GRACE)
                    outbox.call_no_more(wakeup)
        return all(outbox.was_written(number) for outbox, number in tickets)

    def _tickets(self) -> list[tuple[Outbox, int]]:
        if self._known is None:
            if not self._event.is_carried_out:
                self._broadcaster.flush()
            if not self._event.is_carried_out:  # the I/O thread is stuck, or has failed with it
                return []
            self._known = list(self._event.tickets())
        return self._known

    def __repr__(self) -> str:
        return f"Delivery(matched={self.matched}, queued={self.queued}, dropped={self.dropped})"


def is_half_full(outbox: Outbox, more: int = 0) -> bool:
    """Whether more than half of what may wait for a client does, with so many bytes more."""
    return outbox.pending_bytes + more > outbox.limits.size // 2


def check_may_wait(example: str) -> None:
    """Raise PodeError on a thread that runs an event loop. `example` is how to await instead."""
    if is_on_loop():
        raise PodeError(
            "To wait for a delivery here would hold up the event loop, and everything else on it. "
            f"Await the delivery: `{example}`."
        )
