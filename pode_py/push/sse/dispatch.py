"""Dispatcher: from events that were sent to the outboxes of those they are for.

Sending to a thousand connections one by one costs a thousand queue operations for each event. So
a send only notes the event and whom it is for, and the I/O thread carries out what has been noted:
events in a row for the same connections become one batch, joined once, of which every outbox takes
a reference; events for many audiences are sorted by connection first. A lone event takes the same
way and loses nothing, as the I/O thread has to be woken for it anyway.

Order: each connection gets its events in the order in which they were noted, from one thread at a
time. Who wants to be sure that nothing is left (before a farewell, or to see what became of an
event) calls `settle`, which does the work itself. What is noted is bounded: a sender that gets too
far ahead does the work itself, too. The I/O thread never waits for one who is at it: it leaves word
that there is more, and is called again.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence

from pode_py.exchange.batches import Deliver, queue_to_each
from pode_py.push.sse.connection import SseConnection
from pode_py.push.sse.parcels import Parcel, Sorted, batches

# Joined events of this size are a batch: as much as the engine writes to a stream in one turn.
_BATCH = 256 * 1024
# Bytes, and events times connections, that may be noted: the longest turn of the I/O thread.
_MOST_NOTED = 1024 * 1024
_MOST_DELIVERIES = 2_000_000
# So many events times connections are sorted at a time.
_SORTED_AT_ONCE = 50_000


class Dispatcher:
    """`run_soon` has a quick job run on the I/O thread; or at once, where there is none.
    `deliver` may write past empty queues on that thread."""

    def __init__(
        self,
        run_soon: Callable[[Callable[[], None]], None],
        counted: Callable[[int, int], None],
        deliver: Deliver = queue_to_each,
    ) -> None:
        self._run_soon = run_soon
        self._counted = counted
        self._deliver = deliver
        self._lock = threading.Lock()
        self._noted: deque[Parcel] = deque()
        self._size = 0
        self._deliveries = 0
        self._at_work = threading.Lock()
        self._missed = False

    def send(self, frame: bytes, found: Sequence[SseConnection]) -> Parcel:
        """Note an event. Pass the same `found` object while it is the same connections."""
        parcel = Parcel(frame, found)
        with self._lock:
            self._noted.append(parcel)
            self._size += len(frame)
            self._deliveries += len(found)
            first = len(self._noted) == 1
            too_much = self._size > _MOST_NOTED or self._deliveries > _MOST_DELIVERIES
        if too_much and not first:
            self.settle()
        elif first:
            self._run_soon(self._settle_soon)
        return parcel

    def settle(self) -> None:
        """Carry out everything that was noted before this call."""
        with self._at_work:
            self._carry_out_all()
        self._call_who_missed()

    def _settle_soon(self) -> None:
        """As `settle`, on the I/O thread: if somebody else is at work, not now."""
        if not self._at_work.acquire(blocking=False):
            self._missed = True
            # Who was at work may have looked for this just before.
            if not self._at_work.acquire(blocking=False):
                return
        try:
            self._carry_out_all()
        finally:
            self._at_work.release()
        self._call_who_missed()

    def _call_who_missed(self) -> None:
        if self._missed:
            self._missed = False
            self._run_soon(self._settle_soon)

    def _carry_out_all(self) -> None:
        with self._lock:
            noted = list(self._noted)
            self._noted.clear()
            self._size = self._deliveries = 0
        if noted:
            self._carry_out(list(batches(noted, _BATCH)))

    def _carry_out(self, all_batches: list[list[Parcel]]) -> None:
        crowd = sum(len(batch[0].found) for batch in all_batches)
        mixed: list[Parcel] = []
        size = deliveries = 0
        for batch in all_batches:
            # To write at once costs a system call for each connection. To sort first joins this
            # batch with the others for the same connection, if there are any.
            alone = 2 * len(batch[0].found) >= crowd
            if mixed and (alone or size > _BATCH or deliveries > _SORTED_AT_ONCE):
                self._carry_out_mixed(mixed)
                mixed, size, deliveries = [], 0, 0
            if alone:
                self._carry_out_batch(batch)
            else:
                mixed += batch
                size += sum(len(parcel.frame) for parcel in batch)
                deliveries += len(batch) * len(batch[0].found)
        if mixed:
            self._carry_out_mixed(mixed)

    def _carry_out_batch(self, batch: list[Parcel]) -> None:
        frames = [parcel.frame for parcel in batch]
        numbers = self._deliver(frames, [connection.outbox for connection in batch[0].found])
        for place, parcel in enumerate(batch):
            parcel.arrived(numbers, place)
        taken = len(frames) * (len(numbers) - numbers.count(0))
        for number in numbers:
            if type(number) is list:
                taken -= number.count(0)
        self._counted(len(frames), taken)

    def _carry_out_mixed(self, parcels: list[Parcel]) -> None:
        self._counted(len(parcels), Sorted(parcels).carry_out())
