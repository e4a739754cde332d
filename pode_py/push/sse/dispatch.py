"""Dispatcher: from events that were sent to the outboxes of those they are for.

Sending to a thousand connections one by one costs a thousand queue operations for each event. So
a send only notes the event and whom it is for, and the I/O thread carries out what has been noted:
events in a row for the same connections become one batch, joined once, of which every outbox takes
a reference. A lone event takes the same way and loses nothing, as the I/O thread has to be woken
for it anyway.

Order: events are carried out in the order in which they were noted, by one thread at a time. Who
wants to be sure that nothing is left (before a farewell, or to see what became of an event) calls
`settle`, which does the work itself. What is noted is bounded: a sender that gets too far ahead
does the work itself, too.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from pode_py.exchange.fan_out import Deliver, Numbers, queue_to_each
from pode_py.exchange.outbox import Outbox
from pode_py.push.sse.connection import SseConnection

# Joined events of this size are a batch: as much as the engine writes to a stream in one turn.
_BATCH = 256 * 1024
_MOST_NOTED = 1024 * 1024


class Parcel:
    """One event on its way to `found`; afterwards, what number it got in each outbox."""

    __slots__ = ("_numbers", "_place", "found", "frame")

    def __init__(self, frame: bytes, found: Sequence[SseConnection]) -> None:
        self.frame = frame
        self.found = found
        self._numbers: Numbers | None = None
        self._place = 0

    def arrived(self, numbers: Numbers, place: int) -> None:
        """It was the event at `place` of a batch, which got these numbers."""
        self._numbers, self._place = numbers, place

    @property
    def is_settled(self) -> bool:
        return self._numbers is not None

    def tickets(self) -> Iterator[tuple[Outbox, int]]:
        """The outboxes that took it, and its number there. None if carrying it out failed."""
        if self._numbers is None:
            return
        for connection, number in zip(self.found, self._numbers, strict=True):
            if isinstance(number, list):
                own = number[self._place]
            else:
                own = number and number + self._place
            if own:
                yield connection.outbox, own


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
        self._at_work = threading.Lock()

    def send(self, frame: bytes, found: Sequence[SseConnection]) -> Parcel:
        """Note an event. Pass the same `found` object while it is the same connections."""
        parcel = Parcel(frame, found)
        with self._lock:
            self._noted.append(parcel)
            self._size += len(frame)
            first, too_much = len(self._noted) == 1, self._size > _MOST_NOTED
        if too_much:
            self.settle()
        elif first:
            self._run_soon(self.settle)
        return parcel

    def settle(self) -> None:
        """Carry out everything that was noted before this call."""
        with self._at_work:
            with self._lock:
                noted = list(self._noted)
                self._noted.clear()
                self._size = 0
            batches = list(_batches(noted))
            crowd = sum(len(batch[0].found) for batch in batches)
            for batch in batches:
                # To write at once costs a system call for each connection; to queue first joins
                # this batch with the others for the same connection, if there are any.
                alone = 2 * len(batch[0].found) >= crowd
                self._carry_out(batch, self._deliver if alone else queue_to_each)

    def _carry_out(self, batch: list[Parcel], deliver: Deliver) -> None:
        frames = [parcel.frame for parcel in batch]
        numbers = deliver(frames, [connection.outbox for connection in batch[0].found])
        for place, parcel in enumerate(batch):
            parcel.arrived(numbers, place)
        taken = sum(
            sum(map(bool, one)) if isinstance(one, list) else len(frames) * bool(one)
            for one in numbers
        )
        self._counted(len(frames), taken)


def _batches(noted: list[Parcel]) -> Iterator[list[Parcel]]:
    """Events in a row for the same connections, up to the size of a batch."""
    batch: list[Parcel] = []
    size = 0
    for parcel in noted:
        if batch and (parcel.found is not batch[0].found or size + len(parcel.frame) > _BATCH):
            yield batch
            batch, size = [], 0
        batch.append(parcel)
        size += len(parcel.frame)
    if batch:
        yield batch
