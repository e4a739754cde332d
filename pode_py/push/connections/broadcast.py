"""Broadcaster: from events that were sent to the outboxes of those they are for.

Sending to a thousand connections one by one costs a thousand queue operations for each event. So
a send only notes the event and whom it is for, and the I/O thread carries out what has been noted:
events in a row for the same connections become one batch, joined once, of which every outbox takes
a reference; events for many audiences are sorted by connection first. A lone event takes the same
way and loses nothing, as the I/O thread has to be woken for it anyway. Only one for a single
connection is written at once, by the thread that sends it (see exchange/outbox.py).

Order: what is noted is carried out in the order in which it was noted, the ends of connections
included, and by the I/O thread alone. It does so in slices, and has itself called again for the
next: between two of them it looks at its sockets and flushes its streams. So it knows of every
client whether it reads before more is queued for it than a slice, and a burst of ours makes nobody
slow.

What is noted is bounded by `make_room`, where a sender waits before it takes any lock: for our own
I/O thread, never for a client. A thread that runs an event loop can't wait, so it may note more;
beyond that it has to await what it sends.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

from pode_py.core.errors import PodeError
from pode_py.exchange.batch import Batch
from pode_py.exchange.batches import Deliver, Numbers, queue_to_each
from pode_py.exchange.outbox import Ending, Outbox
from pode_py.push.connections.awaiting import Wakeup, is_on_loop
from pode_py.push.connections.connection import PushConnection

# A slice: bytes, as much as the engine writes to a stream in one turn; and operations, where
# events in a row for the same connections are one for each.
_SLICE = 256 * 1024
_SLICE_OPERATIONS = 50_000
# Beyond so many bytes, or events times connections, a sender waits until half is carried out.
_MOST_NOTED = 1024 * 1024
_MOST_DELIVERIES = 2_000_000
_GRACE = 5.0
# Seconds after an event to a single connection in which the next one is noted: in a burst to
# many of them, it is cheaper to sort and join them.
_PAUSE = 0.001
#: What may wait for the I/O thread, where a sender can't.
MOST_UNAWAITED = 64 * 1024 * 1024


class PendingEvent:
    """One event on its way to `found`; afterwards, what number it got in each outbox."""

    __slots__ = ("_numbers", "_place", "found", "frame")

    def __init__(self, frame: bytes, found: Sequence[PushConnection]) -> None:
        self.frame = frame
        self.found = found
        self._numbers: Numbers | ClientBatches | None = None
        self._place = 0

    def arrived(self, numbers: Numbers | ClientBatches, place: int = 0) -> None:
        """It was the event at `place` of a batch, which got these numbers."""
        self._numbers, self._place = numbers, place

    @property
    def is_carried_out(self) -> bool:
        return self._numbers is not None

    def tickets(self) -> Iterator[tuple[Outbox, int]]:
        """The outboxes that took it, and its number there. None if carrying it out failed."""
        if self._numbers is None:
            return
        if isinstance(self._numbers, ClientBatches):
            own = self._numbers.numbers_of(self)
        else:
            own = [_at(number, self._place) for number in self._numbers]
        for connection, number in zip(self.found, own, strict=True):
            if number:
                yield connection.outbox, number


class ClientBatches:
    """Events for many audiences, sorted by connection: each gets all of its events at once.

    To put them one by one costs a lock for each event and connection. Which number an event got
    where is worked out when somebody asks.
    """

    __slots__ = ("_events", "_numbers", "_places")

    def __init__(self, events: Sequence[PendingEvent]) -> None:
        self._events = events
        self._numbers: dict[PushConnection, int | list[int]] = {}
        self._places: dict[PendingEvent, list[int]] | None = None

    def carry_out(self) -> int:
        """Put them into the outboxes. Returns how many were taken."""
        mail: dict[PushConnection, list[bytes]] = {}
        for event in self._events:
            frame = event.frame
            for connection in event.found:
                if connection in mail:
                    mail[connection].append(frame)
                else:
                    mail[connection] = [frame]
        taken = 0
        for connection, frames in mail.items():
            number: int | list[int]
            if len(frames) == 1:
                number = connection.outbox.put(frames[0])
            else:
                number = connection.outbox.put_all(frames, Batch.of(frames))
            self._numbers[connection] = number
            taken += count_taken(number, len(frames))
        for event in self._events:
            event.arrived(self)
        return taken

    def numbers_of(self, event: PendingEvent) -> list[int]:
        if self._places is None:
            self._places = self._find_places()
        places = zip(event.found, self._places[event], strict=True)
        return [_at(self._numbers[connection], place) for connection, place in places]

    def _find_places(self) -> dict[PendingEvent, list[int]]:
        """At which place of its connection's events each event stands, for each connection."""
        counts: dict[PushConnection, int] = {}
        found: dict[PendingEvent, list[int]] = {}
        for event in self._events:
            places = found[event] = []
            for connection in event.found:
                place = counts.get(connection, 0)
                counts[connection] = place + 1
                places.append(place)
        return found


class PendingEnd:
    """The end of a connection, in its place among the events."""

    __slots__ = ("connection", "ending", "frames")

    def __init__(self, connection: PushConnection, frames: Sequence[bytes], ending: Ending) -> None:
        self.connection = connection
        self.frames = frames
        self.ending = ending


class PendingMark:
    """A place among the events: `reached` is called there, on the I/O thread."""

    __slots__ = ("reached",)

    def __init__(self, reached: Callable[[], object]) -> None:
        self.reached = reached


Noted = PendingEvent | PendingEnd | PendingMark


class Broadcaster:
    """`run_soon` has a quick job run on the I/O thread; or at once, where there is none.
    `deliver` may write past empty queues on that thread. `is_io_thread` knows it. `example` is how
    a user awaits a delivery."""

    def __init__(
        self,
        run_soon: Callable[[Callable[[], None]], None],
        counted: Callable[[int, int], None],
        deliver: Deliver = queue_to_each,
        is_io_thread: Callable[[], bool] = lambda: False,
        example: str = "await delivery",
    ) -> None:
        self.example = example
        self._run_soon = run_soon
        self._counted = counted
        self._deliver = deliver
        self._is_io_thread = is_io_thread
        self._lock = threading.Lock()
        self._less = threading.Condition(self._lock)
        self._waiting = 0  # senders
        self._noted: deque[Noted] = deque()
        # Bytes, and events times connections, that are noted or being carried out.
        self._size = 0
        self._deliveries = 0
        self._planned = False
        self._sent_at_once = 0.0
        # What the I/O thread has taken over, of which it carries out a slice at a time.
        self._taken: deque[Noted] = deque()

    def send(self, frame: bytes, found: Sequence[PushConnection]) -> PendingEvent:
        """Note an event. Pass the same `found` object while it is the same connections."""
        event = PendingEvent(frame, found)
        with self._lock:  # as `_note`, without the call: it is as long as the rest
            self._noted.append(event)
            self._size += len(frame)
            self._deliveries += len(found)
            planned, self._planned = self._planned, True
        if not planned:
            self._run_soon(self._turn)
        return event

    def send_at_once(self, frame: bytes, found: Sequence[PushConnection]) -> PendingEvent:
        """As `send`; but this thread writes a lone event to a single idle connection itself. Not
        under a lock."""
        # What was noted before has to come before. If nothing is, it is in the outboxes.
        if len(found) == 1 and not self._planned:
            stream = found[0].outbox.direct
            if stream is not None:
                before, self._sent_at_once = self._sent_at_once, stream.monotonic()
                if self._sent_at_once - before >= _PAUSE:
                    return self._send_to(found, frame)
        return self.send(frame, found)

    def _send_to(self, found: Sequence[PushConnection], frame: bytes) -> PendingEvent:
        event = PendingEvent(frame, found)
        connection = found[0]
        number = 0 if connection.is_ending else connection.outbox.send(frame)
        event.arrived([number])
        self._counted(1, 1 if number else 0)
        return event

    def claim_end(self, connection: PushConnection) -> bool:
        """Whoever gets True has to note the connection's end: it has not ended before."""
        with self._lock:
            was_open, connection.is_ending = connection.is_open, True
        return was_open

    def end(self, connection: PushConnection, frames: Sequence[bytes], ending: Ending) -> None:
        """Note the end of a connection."""
        self._note(PendingEnd(connection, frames, ending), sum(map(len, frames)), 1)

    async def take_turn(self) -> None:
        """Wait until everything that was noted before this call is in the outboxes, and the
        engine has had its turn to write it."""
        wakeup = Wakeup()
        self._note(PendingMark(wakeup), 0, 0)
        await wakeup.wait()

    def make_room(self) -> None:
        """Before an event is sent, and before any lock is taken: wait while too much is noted.

        Raises PodeError where this thread must not wait, and far too much is.
        """
        if self._size <= _MOST_NOTED and self._deliveries <= _MOST_DELIVERIES:
            return
        if is_on_loop() or self._is_io_thread():
            if self._size > MOST_UNAWAITED:
                raise self.too_much()
            return
        with self._less:
            self._waiting += 1
            self._less.wait_for(lambda: self._is_half_done, _GRACE)
            self._waiting -= 1

    def too_much(self) -> PodeError:
        """What is wrong, and what to do."""
        return PodeError(
            f"More than {MOST_UNAWAITED >> 20} MiB of events wait to be written, because this "
            "handler sends on the event loop without letting go of it. Await each delivery: "
            f"`{self.example}`."
        )

    def flush(self, timeout: float = _GRACE) -> bool:
        """Have everything that was noted before this call in the outboxes. False if it took longer.

        It waits for the I/O thread's turn; on that thread it does the work.
        """
        if not self._planned:
            return True
        if self._is_io_thread():
            while self._carry_out_slice():
                pass
            return True
        reached = threading.Event()
        self._note(PendingMark(reached.set), 0, 0)
        return reached.wait(timeout)

    def _note(self, what: Noted, size: int, deliveries: int) -> None:
        with self._lock:
            self._noted.append(what)
            self._size += size
            self._deliveries += deliveries
            planned, self._planned = self._planned, True
        if not planned:
            self._run_soon(self._turn)

    @property
    def _is_half_done(self) -> bool:
        return 2 * self._size <= _MOST_NOTED and 2 * self._deliveries <= _MOST_DELIVERIES

    # On the I/O thread.

    def _turn(self) -> None:
        """Carry out a slice, and come again if there is more."""
        more = True
        while more:
            try:
                self._carry_out_slice()
            finally:
                with self._lock:
                    self._planned = more = bool(self._taken or self._noted)
            if more and self._is_io_thread():
                self._run_soon(self._turn)
                return
            # Else there is no such thread, and nobody would come again.

    def _carry_out_slice(self) -> bool:
        """False if nothing was noted."""
        with self._lock:
            self._taken.extend(self._noted)
            self._noted.clear()
        if not self._taken:
            return False
        slice_, size, deliveries = self._cut_slice()
        try:
            if len(slice_) == 1:  # most of what is sent comes alone
                self._carry_out_one(slice_[0])
            else:
                self._carry_out_in_order(slice_)
        finally:
            with self._lock:
                self._size -= size
                self._deliveries -= deliveries
                if self._waiting and self._is_half_done:
                    self._less.notify_all()
        return True

    def _cut_slice(self) -> tuple[list[Noted], int, int]:
        """The next slice of what was taken, its size and its deliveries."""
        taken = self._taken
        slice_: list[Noted] = []
        size = deliveries = operations = 0
        found: Sequence[PushConnection] | None = None
        while taken and size < _SLICE and operations < _SLICE_OPERATIONS:
            one = taken.popleft()
            slice_.append(one)
            if type(one) is PendingEvent:
                size += len(one.frame)
                deliveries += len(one.found)
                if one.found is not found:
                    found = one.found
                    operations += len(found)
            elif type(one) is PendingEnd:
                size += sum(map(len, one.frames))
                deliveries += 1
                operations += 1
        return slice_, size, deliveries

    def _carry_out_in_order(self, slice_: list[Noted]) -> None:
        events: list[PendingEvent] = []
        for one in slice_:
            if type(one) is PendingEvent:
                events.append(one)
                continue
            if events:
                self._carry_out(list(batches(events, _SLICE)))
                events = []
            self._carry_out_one(one)
        if events:
            self._carry_out(list(batches(events, _SLICE)))

    def _carry_out_one(self, one: Noted) -> None:
        if type(one) is PendingEvent:
            self._carry_out_batch([one])
        elif type(one) is PendingEnd:
            one.connection.outbox.end(*one.frames, ending=one.ending)
        elif type(one) is PendingMark:
            one.reached()

    def _carry_out(self, all_batches: list[list[PendingEvent]]) -> None:
        crowd = sum(len(batch[0].found) for batch in all_batches)
        mixed: list[PendingEvent] = []
        for batch in all_batches:
            # To write at once costs a system call for each connection. To sort first joins this
            # batch with the others for the same connection, if there are any.
            if 2 * len(batch[0].found) < crowd:
                mixed += batch
                continue
            if mixed:
                self._carry_out_mixed(mixed)
                mixed = []
            self._carry_out_batch(batch)
        if mixed:
            self._carry_out_mixed(mixed)

    def _carry_out_batch(self, batch: list[PendingEvent]) -> None:
        frames = [event.frame for event in batch]
        numbers = self._deliver(frames, [connection.outbox for connection in batch[0].found])
        for place, event in enumerate(batch):
            event.arrived(numbers, place)
        taken = len(frames) * (len(numbers) - numbers.count(0))
        for number in numbers:
            if type(number) is list:
                taken -= number.count(0)
        self._counted(len(frames), taken)

    def _carry_out_mixed(self, events: list[PendingEvent]) -> None:
        self._counted(len(events), ClientBatches(events).carry_out())


def count_taken(number: int | list[int], events: int) -> int:
    """How many of a batch's events an outbox took, by the numbers it gave."""
    return sum(map(bool, number)) if isinstance(number, list) else events * bool(number)


def batches(events: Iterable[PendingEvent], most: int) -> Iterator[list[PendingEvent]]:
    """Events in a row for the same connections, up to `most` bytes."""
    batch: list[PendingEvent] = []
    size = 0
    for event in events:
        if batch and (event.found is not batch[0].found or size + len(event.frame) > most):
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += len(event.frame)
    if batch:
        yield batch


def _at(number: int | list[int], place: int) -> int:
    if isinstance(number, list):
        return number[place]
    return number and number + place


def _uncounted(matched: int, queued: int) -> None:
    """Nobody counts any more."""
    del matched, queued


def at_once(counted: Callable[[int, int], None] = _uncounted) -> Broadcaster:
    """One for after the end of the I/O thread: whoever sends carries it out, to nobody."""
    return Broadcaster(lambda job: job(), counted)
