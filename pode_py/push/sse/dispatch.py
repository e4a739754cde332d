"""Dispatcher: from events that were sent to the outboxes of those they are for.

Sending to a thousand connections one by one costs a thousand queue operations for each event. So
a send only notes the event and whom it is for, and the I/O thread carries out what has been noted:
events in a row for the same connections become one batch, joined once, of which every outbox takes
a reference; events for many audiences are sorted by connection first. A lone event takes the same
way and loses nothing, as the I/O thread has to be woken for it anyway.

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
from collections.abc import Callable, Sequence

from pode_py.core.errors import PodeError
from pode_py.exchange.batches import Deliver, queue_to_each
from pode_py.exchange.outbox import Ending
from pode_py.push.sse.awaiting import Wakeup, is_on_loop
from pode_py.push.sse.connection import SseConnection
from pode_py.push.sse.parcels import Parcel, Sorted, batches

# A slice: bytes, as much as the engine writes to a stream in one turn; and operations, where
# events in a row for the same connections are one for each.
_SLICE = 256 * 1024
_SLICE_OPERATIONS = 50_000
# Beyond so many bytes, or events times connections, a sender waits until half is carried out.
_MOST_NOTED = 1024 * 1024
_MOST_DELIVERIES = 2_000_000
_PATIENCE = 5.0
#: What may wait for the I/O thread, where a sender can't.
MOST_UNAWAITED = 64 * 1024 * 1024
TOO_MUCH_UNAWAITED = (
    f"More than {MOST_UNAWAITED >> 20} MiB of events wait to be written, because this handler "
    "sends on the event loop without letting go of it. Await each delivery: "
    "`await send_sse_event(...)`."
)


class End:
    """The end of a connection, in its place among the events."""

    __slots__ = ("connection", "ending", "frames")

    def __init__(self, connection: SseConnection, frames: Sequence[bytes], ending: Ending) -> None:
        self.connection = connection
        self.frames = frames
        self.ending = ending


class Mark:
    """A place among the events: `reached` is called there, on the I/O thread."""

    __slots__ = ("reached",)

    def __init__(self, reached: Callable[[], object]) -> None:
        self.reached = reached


class Dispatcher:
    """`run_soon` has a quick job run on the I/O thread; or at once, where there is none.
    `deliver` may write past empty queues on that thread. `is_io_thread` knows it."""

    def __init__(
        self,
        run_soon: Callable[[Callable[[], None]], None],
        counted: Callable[[int, int], None],
        deliver: Deliver = queue_to_each,
        is_io_thread: Callable[[], bool] = lambda: False,
    ) -> None:
        self._run_soon = run_soon
        self._counted = counted
        self._deliver = deliver
        self._is_io_thread = is_io_thread
        self._lock = threading.Lock()
        self._less = threading.Condition(self._lock)
        self._noted: deque[Parcel | End | Mark] = deque()
        # Bytes, and events times connections, that are noted or being carried out.
        self._size = 0
        self._deliveries = 0
        self._planned = False
        # What the I/O thread has taken over, of which it carries out a slice at a time.
        self._taken: deque[Parcel | End | Mark] = deque()

    def send(self, frame: bytes, found: Sequence[SseConnection]) -> Parcel:
        """Note an event. Pass the same `found` object while it is the same connections."""
        parcel = Parcel(frame, found)
        with self._lock:  # as `_note`, without the call: it is as long as the rest
            self._noted.append(parcel)
            self._size += len(frame)
            self._deliveries += len(found)
            planned, self._planned = self._planned, True
        if not planned:
            self._run_soon(self._turn)
        return parcel

    def claim_end(self, connection: SseConnection) -> bool:
        """Whoever gets True has to note the connection's end: it has not ended before."""
        with self._lock:
            was_open, connection.is_ending = connection.is_open, True
        return was_open

    def end(self, connection: SseConnection, frames: Sequence[bytes], ending: Ending) -> None:
        """Note the end of a connection."""
        self._note(End(connection, frames, ending), sum(map(len, frames)), 1)

    async def take_turn(self) -> None:
        """Wait until everything that was noted before this call is in the outboxes, and the
        engine has had its turn to write it."""
        wakeup = Wakeup()
        self._note(Mark(wakeup), 0, 0)
        await wakeup.wait()

    def make_room(self) -> None:
        """Before an event is sent, and before any lock is taken: wait while too much is noted.

        Raises PodeError where this thread must not wait, and far too much is.
        """
        if self._size <= _MOST_NOTED and self._deliveries <= _MOST_DELIVERIES:
            return
        if is_on_loop() or self._is_io_thread():
            if self._size > MOST_UNAWAITED:
                raise PodeError(TOO_MUCH_UNAWAITED)
            return
        with self._less:
            self._less.wait_for(lambda: self._is_half_done, _PATIENCE)

    def flush(self, timeout: float = _PATIENCE) -> bool:
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
        self._note(Mark(reached.set), 0, 0)
        return reached.wait(timeout)

    def _note(self, what: Parcel | End | Mark, size: int, deliveries: int) -> None:
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
            self._carry_out_in_order(slice_)
        finally:
            with self._less:
                self._size -= size
                self._deliveries -= deliveries
                if self._is_half_done:
                    self._less.notify_all()
        return True

    def _cut_slice(self) -> tuple[list[Parcel | End | Mark], int, int]:
        """The next slice of what was taken, its size and its deliveries."""
        taken = self._taken
        slice_: list[Parcel | End | Mark] = []
        size = deliveries = operations = 0
        found: Sequence[SseConnection] | None = None
        while taken and size < _SLICE and operations < _SLICE_OPERATIONS:
            one = taken.popleft()
            slice_.append(one)
            if type(one) is Parcel:
                size += len(one.frame)
                deliveries += len(one.found)
                if one.found is not found:
                    found = one.found
                    operations += len(found)
            elif type(one) is End:
                size += sum(map(len, one.frames))
                deliveries += 1
                operations += 1
        return slice_, size, deliveries

    def _carry_out_in_order(self, slice_: list[Parcel | End | Mark]) -> None:
        parcels: list[Parcel] = []
        for one in slice_:
            if type(one) is Parcel:
                parcels.append(one)
                continue
            if parcels:
                self._carry_out(list(batches(parcels, _SLICE)))
                parcels = []
            if type(one) is End:
                one.connection.outbox.end(*one.frames, ending=one.ending)
            elif type(one) is Mark:
                one.reached()
        if parcels:
            self._carry_out(list(batches(parcels, _SLICE)))

    def _carry_out(self, all_batches: list[list[Parcel]]) -> None:
        crowd = sum(len(batch[0].found) for batch in all_batches)
        mixed: list[Parcel] = []
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
