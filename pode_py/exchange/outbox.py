"""Outbox: the bounded queue to one client. Any thread puts, one engine takes.

Invariant: a frame is either queued whole or not at all, and frames leave in the order in which
they were put. `put` costs one lock and an append; the engine is notified only when the outbox turns
from empty to not empty. Each queued frame has a number, for those who wait until it was written;
where frames may be dropped, the numbers of those that wait are kept beside them.

*Direct writes* go past an empty queue: the engine's own to many at a time (exchange/batches.py),
and `send`, on the thread that sends: it spares the way over the engine's thread, which is longer
than the write. One thread at a time writes to a stream:
- `direct` is the stream while others than the engine's thread may begin to write. The engine sets
  it when it has written all that it took, and takes it back with `claim_direct` before it touches
  the stream in any way.
- `busy` is set by whoever writes directly, under the lock and only if there is a `direct`, nothing
  is queued and the stream is open. Then `claim_direct` fails, and the engine neither writes nor
  ends nor closes: a descriptor that is closed may be another client's before the write.
- Whoever has written clears `busy`, and notifies the engine if it was wanted meanwhile.
- What is put meanwhile is queued, so it leaves after what is being written.

Limits hold only while the client is known not to read: while the outbox is `stuck`, which the
engine sets when the socket has refused bytes and clears when all has been written; or held. What
waits for our own I/O thread is bounded by whoever sends (push/connections/broadcast.py): a burst
of ours makes nobody slow.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import Any, Final, Protocol, cast

from pode_py.exchange.batch import Batch
from pode_py.exchange.overflow import Grace, Lost, OutboxLimits, outdated

# "disconnect" lets this many times the limits wait, for as long as the client's grace. What waits
# is shared by all outboxes, so a burst costs its size once.
_BURST = 8
# A pass over a full queue of so many frames is cheap enough to be made for each that comes.
_CHEAP = 256
# Most outboxes are empty most of the time, and an empty deque has 760 bytes: this stands for it
# until something waits.
_NOTHING: Final = cast("Any", ())

# Who waits for a number, and what is called then.
Waiter = tuple[int, Callable[[], object]]


# A stream that was written to within so many seconds is in the middle of a burst. What is sent to
# it is queued: the engine's thread joins it, and one write for many is cheaper than one for each.
_BURST_PAUSE = 0.001


class DirectStream(Protocol):
    """An idle stream of the engine. Of one outbox at a time one thread calls `write_directly`."""

    def monotonic(self) -> float:
        """The engine's time."""

    def write_directly(self, frame: bytes, now: float) -> None:
        """Write a frame that was numbered already, then call `free`. Does not raise or wait."""


class Ending(Enum):
    """How a stream ends once its queue is empty."""

    OPEN = "open"
    CLEAN = "clean"  # the body is ended as its framing asks, then the connection closes
    CUT = "cut"  # the connection closes as it is: the client can tell that something is missing


def _nobody() -> None:
    """Hears of a closed outbox."""


class Outbox:
    """The frames one client still has to get, within `limits`.

    One frame larger than the limit passes when nothing is queued. `on_full` is called once, the
    first time frames are dropped or the client is. The outboxes of one engine may share a `lock`.
    """

    __slots__ = (
        "_batched",
        "_bytes",
        "_frames",
        "_grace",
        "_held",
        "_last_taken",
        "_lock",
        "_lost",
        "_notify",
        "_numbers",
        "_owed_bytes",
        "_owed_frames",
        "_taken_batched",
        "_waiters",
        "busy",
        "bytes_sent",
        "closed",
        "direct",
        "dropped",
        "ending",
        "flushed",
        "last_write",
        "limits",
        "on_full",
        "overflowed",
        "owner",
        "queued",
        "sent_frames",
        "stuck",
    )

    def __init__(
        self,
        notify: Callable[[], None],
        limits: OutboxLimits | None = None,
        *,
        held: bool = False,
        lock: threading.Lock | None = None,
    ) -> None:
        self.limits = limits or OutboxLimits()
        self._notify = notify
        self._lock = lock or threading.Lock()
        self._frames: deque[bytes] = _NOTHING
        self._bytes = 0
        # How many more frames there are than entries, queued and taken: batches are one entry.
        self._batched = 0
        self._taken_batched = 0
        # What it was preloaded with and has not been taken: it does not count for the limits.
        self._owed_bytes = 0
        self._owed_frames = 0
        self._held = held
        self._waiters: list[Waiter] | None = None
        # Only where frames are dropped can a number not be counted from the queue's ends.
        dropping = self.limits.policy != "disconnect"
        self._numbers: deque[int] | None = _NOTHING if dropping else None
        self._last_taken = 0
        self._lost: Lost | None = None
        self.on_full: Callable[[Outbox], None] | None = None
        self.owner: Any = None  # whom the room that sends keeps it for; its own
        self.queued = 0
        self.flushed = 0  # the number of the latest frame that was written
        self.sent_frames = 0
        self.dropped = 0
        self.bytes_sent = 0
        self.last_write = 0.0  # monotonic; the engine's
        # Who writes past the queue, and whether somebody does: see "Direct writes" above.
        self.direct: DirectStream | None = None
        self.busy = False
        self.ending = Ending.OPEN
        # Whether the socket has refused bytes that still wait: the engine's.
        self.stuck = False
        self._grace: Grace | None = None
        self.overflowed = False
        self.closed = False

    def put(self, frame: bytes) -> int:
        """Queue one whole frame. Returns its number, for `wait`; 0 if it was not queued."""
        with self._lock:
            if self.closed or self.ending is not Ending.OPEN:
                return 0
            if not (self.stuck or self._held) or self._fits(frame):
                number, tell, full = self._append(frame), len(self._frames) == 1, None
                tell = tell and not self._held
            else:
                number, tell, full = self._put_when_full(frame)
        if tell:
            self._notify()
        if full is not None:
            full(self)
        return number

    def send(self, frame: bytes) -> int:
        """As `put`. To an idle stream, this thread writes the frame itself."""
        stream = self.direct
        if stream is None or self._frames:
            return self.put(frame)
        now = stream.monotonic()
        if now - self.last_write < _BURST_PAUSE:
            return self.put(frame)
        with self._lock:
            ours = not (self.direct is None or self.busy or self._frames)
            if ours and self.ending is Ending.OPEN:
                self.busy = True
                number = self._last_taken = self.queued = self.queued + 1
            else:
                number = 0
        if not number:
            return self.put(frame)
        stream.write_directly(frame, now)
        return number

    def free(self, size: int, now: float) -> None:
        """A direct write by `send` is over. It wrote a whole frame of that size; or, with 0, only a
        part or nothing, and the engine's thread sees to the rest."""
        calls: Sequence[Callable[[], object]] = ()
        with self._lock:
            self.busy = False
            if size:
                self.flushed += 1
                self.sent_frames += 1
                self.bytes_sent += size
                self.last_write = now
                if self._waiters is not None:
                    calls = self._due_waiters()
            else:
                self.direct = None
            wanted = self.direct is None or bool(self._frames) or self.ending is not Ending.OPEN
        if wanted:
            self._notify()
        for call in calls:
            call()

    def put_all(self, frames: Sequence[bytes], batch: Batch) -> int | list[int]:
        """Queue the frames of a batch. Returns the number of the first (0 if it has ended), or,
        where they had to be queued one by one, the numbers of all."""
        with self._lock:
            if self.closed or self.ending is not Ending.OPEN:
                return 0
            count, size = batch.frame_count, len(batch)
            fits = not (self.stuck or self._held) or self._hold(count, size)
            whole = self._numbers is None and (fits or self._hold(count, size, _BURST))
            if whole:
                number = self._append(batch)
                tell = len(self._frames) == 1 and not self._held
                if not fits:
                    tell = self._go_over() or tell
                self.queued += count - 1
                self._batched += count - 1
        if not whole:
            return [self.put(frame) for frame in frames]
        if tell:
            self._notify()
        return number

    def preload(self, frames: Iterable[bytes]) -> None:
        """Queue frames that a held outbox begins with, before whatever was put meanwhile. They
        come on top of the limits: they are bounded by what was kept for the client, who has had no
        chance to read them yet."""
        first = list(frames)
        with self._lock:
            if self.closed:
                return
            before = self._bytes
            if self._frames:
                self._put_before(first)
            else:
                for frame in first:
                    self._append(frame)
            self._owed_bytes += self._bytes - before
            self._owed_frames += len(first)

    def release(self) -> None:
        """Let the engine take what was queued while the outbox was held.

        It hears of it in any case: there may be a head to send. On this thread it may write what
        the stream begins with.
        """
        with self._lock:
            self._held = False
        self._notify()

    def end(self, *frames: bytes, ending: Ending = Ending.CLEAN) -> bool:
        """Queue the last frames and take no more. False if it had ended before.

        These frames pass the limit: last frames must not be what overflows the queue.
        """
        with self._lock:
            if self.closed or self.ending is not Ending.OPEN:
                return False
            for frame in frames:
                self._append(frame)
            self.ending = ending
            self._held = False
        self._notify()
        return True

    def take(self, at_most: int) -> list[bytes]:
        """The next frames, about `at_most` bytes of them. Only the engine calls this."""
        with self._lock:
            if self._held or not self._frames:
                return []
            if self._bytes <= at_most:
                frames = list(self._frames)
                self._frames = _NOTHING
                self._bytes = self._owed_bytes = self._owed_frames = 0
                self._taken_batched, self._batched = self._batched, 0
            else:
                frames = []
                size = 0
                while self._frames and size < at_most:
                    frame = self._frames.popleft()
                    frames.append(frame)
                    size += len(frame)
                    if type(frame) is Batch:
                        self._taken_batched += frame.frame_count - 1
                        self._batched -= frame.frame_count - 1
                self._bytes -= size
                # What policies dropped of it is no longer due once the queue is empty.
                self._owed_bytes = max(0, self._owed_bytes - size) if self._frames else 0
                self._owed_frames = max(0, self._owed_frames - len(frames)) if self._frames else 0
            if self._grace is not None and self._is_within_limits:
                self._grace = None
            if self._numbers is not None:
                for _ in frames:
                    self._last_taken = self._numbers.popleft()
            return frames

    def sent(self, frames: int, size: int) -> None:
        """The engine wrote `frames` entries, `size` bytes: all that it took last."""
        with self._lock:
            frames += self._taken_batched
            self._taken_batched = 0
            self.flushed = self.flushed + frames if self._numbers is None else self._last_taken
            self.sent_frames += frames
            self.bytes_sent += size
            waiters = self._due_waiters()
        for call in waiters:
            call()

    def mark_stuck(self) -> None:
        """The engine could not write all: the socket has refused bytes."""
        with self._lock:
            self.stuck = True
            if self.limits.policy == "disconnect" and not self._is_within_limits:
                self._go_over()

    @property
    def is_over(self) -> bool:
        """Whether more waits than "disconnect" allows: the engine has to call `look`."""
        return self._grace is not None

    def look(self, now: float, taken: int) -> float | None:
        """The engine's look at an outbox that `is_over`, at the monotonic time `now`. `taken` is
        how many bytes the client has taken so far. When it has to look again; None if it need not:
        the client is disconnected, say, because its grace is over.
        """
        with self._lock:
            if self._grace is None or self.closed or self.ending is not Ending.OPEN:
                return None
            again = self._grace.look(now, taken, self.limits)
            if again is not None:
                return again
            full = self._overflow()
        self._notify()
        if full is not None:
            full(self)
        return None

    def claim_direct(self) -> bool:
        """Let nobody begin a direct write until the engine sets `direct` again; only the engine
        calls this. False while somebody writes: who does notifies it."""
        if self.direct is None and not self.busy:
            return True
        with self._lock:
            self.direct = None
            return not self.busy

    def mark_closed(self) -> None:
        """The connection is gone: nothing more goes out."""
        with self._lock:
            self.closed = True
            # These know the outbox: a circle would live until the next collection, thousands
            # at a time where clients come and go.
            self._notify, self.on_full, self.owner = _nobody, None, None
            self.direct = None
            self._frames = _NOTHING
            if self._numbers is not None:
                self._numbers = _NOTHING
            self._bytes = self._batched = 0
            self._grace = None
            waiters = self._due_waiters()
        for call in waiters:
            call()

    def wait(self, number: int, timeout: float | None) -> bool:
        """Wait until frame `number` was written. False if it never will be, or not in time.

        False, too, if nobody knows any more: a thousand frames have been dropped since.
        """
        settled = threading.Event()
        if self.call_when_settled(number, settled.set):
            settled.wait(timeout)
            self.call_no_more(settled.set)
        return self.was_written(number)

    def call_when_settled(self, number: int, call: Callable[[], object]) -> bool:
        """Have `call`, which must be quick, run on some thread once frame `number` was written, or
        never will be. False if that is so already."""
        with self._lock:
            if self._is_settled(number):
                return False
            self._waiters = [*(self._waiters or ()), (number, call)]
        return True

    def call_no_more(self, call: Callable[[], object]) -> None:
        """Who has lost patience waits no more."""
        with self._lock:
            if self._waiters is not None:
                self._waiters = [one for one in self._waiters if one[1] != call] or None

    def was_written(self, number: int) -> bool:
        """Whether frame `number` was written. False, too, if nobody knows any more."""
        with self._lock:
            return number <= self.flushed and not self._is_lost(number)

    def is_on_its_way(self, number: int) -> bool:
        """Whether frame `number` waits for nobody but the engine: it is not written yet, and its
        client is not known to be slow."""
        with self._lock:
            return not (self.stuck or self._held or self._is_settled(number))

    @property
    def lock(self) -> threading.Lock:
        """Its lock, for what has to be decided in one step with it; or for many outboxes at once,
        which share it."""
        return self._lock

    @property
    def pending(self) -> int:
        """Queued frames."""
        return len(self._frames) + self._batched

    @property
    def pending_bytes(self) -> int:
        return self._bytes

    @property
    def is_held(self) -> bool:
        """Whether it has not been released."""
        return self._held

    @property
    def has_work(self) -> bool:
        """Whether the engine has something to do for it."""
        with self._lock:
            return not self._held and (bool(self._frames) or self.ending is not Ending.OPEN)

    # All of these are called under the lock.

    def _hold(self, frames: int, size: int, times: float = 1) -> bool:
        """Whether the limits, so many times, hold so much more."""
        return (
            self._bytes + size <= times * self.limits.size + self._owed_bytes
            and self.pending + frames <= times * self.limits.frames + self._owed_frames
        )

    def _fits(self, frame: bytes, times: int = 1) -> bool:
        return not self._frames or self._hold(1, len(frame), times)

    @property
    def _is_within_limits(self) -> bool:
        return self.pending <= 1 or self._hold(0, 0)

    def _append(self, frame: bytes) -> int:
        if not self._frames:
            self._frames = deque()
            if self._numbers is not None:
                self._numbers = deque()
        self._frames.append(frame)
        self._bytes += len(frame)
        self.queued += 1
        if self._numbers is not None:
            self._numbers.append(self.queued)
        return self.queued

    def _put_before(self, first: list[bytes]) -> None:
        """Queue frames before all that waits. What waits keeps its numbers: these count down."""
        self._frames.extendleft(reversed(first))
        self._bytes += sum(map(len, first))
        self.flushed -= len(first)
        if self._numbers is not None:
            self._numbers.extendleft(range(0, -len(first), -1))

    def _put_when_full(self, frame: bytes) -> tuple[int, bool, Callable[[Outbox], None] | None]:
        """The frame's number, whether the engine must be notified, and who is told first."""
        policy = self.limits.policy
        if policy == "disconnect":
            if self._fits(frame, _BURST):
                return self._append(frame), self._go_over(), None
            self.dropped += 1
            return 0, True, self._overflow()
        full, self.on_full = self.on_full, None
        if policy == "drop_newest":
            self.dropped += 1
            return 0, False, full
        if policy == "keep_latest":
            self._drop_outdated(frame)
        while not self._fits(frame):
            self._drop_first()
        return self._append(frame), False, full

    def _go_over(self) -> bool:
        """More waits than is allowed. True if the engine must be notified."""
        first = self._grace is None
        if first:
            self._grace = Grace()
        return first and not self._held

    def _overflow(self) -> Callable[[Outbox], None] | None:
        """Have the engine cut the connection. Returns who hears of it first."""
        self.overflowed = True
        self.ending = Ending.CUT
        full, self.on_full = self.on_full, None
        return full

    def _drop_first(self) -> None:
        assert self._numbers is not None
        self._bytes -= len(self._frames.popleft())
        self._lose(self._numbers.popleft())

    def _drop_outdated(self, newcomer: bytes) -> None:
        """Keep the newest frame of each kind. One pass over a full queue, rarely."""
        assert self._numbers is not None
        assert self.limits.kind_of is not None
        places = outdated([*self._frames, newcomer], self.limits.kind_of)
        pairs = list(zip(self._frames, self._numbers, strict=True))
        kept = [pair for place, pair in enumerate(pairs) if place not in places]
        self._frames = deque(frame for frame, _ in kept)
        self._numbers = deque(number for _, number in kept)
        self._bytes = sum(map(len, self._frames))
        for place in sorted(places):
            self._lose(pairs[place][1])
        if len(pairs) > _CHEAP:
            # Many kinds: make room, so that the next pass is not the next frame's.
            while len(self._frames) > 1 and not self._hold(0, 0, 3 / 4):
                self._drop_first()

    def _lose(self, number: int) -> None:
        self.dropped += 1
        if self._lost is None:
            self._lost = Lost()
        self._lost.add(number)
        for call in self._due_waiters():
            call()

    def _is_settled(self, number: int) -> bool:
        return self.closed or number <= self.flushed or self._is_lost(number)

    def _is_lost(self, number: int) -> bool:
        return self._lost is not None and number in self._lost

    def _due_waiters(self) -> list[Callable[[], object]]:
        if not self._waiters:
            return []
        due = [call for number, call in self._waiters if self._is_settled(number)]
        self._waiters = [
            (number, call) for number, call in self._waiters if not self._is_settled(number)
        ] or None
        return due
