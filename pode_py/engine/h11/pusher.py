"""Pusher: the one thread that flushes outboxes, sees hang-ups, pings, and enforces deadlines.

Streams are its own from when they have begun until they end, which only it sees to; but for the
moment in which a thread that sends writes to one (exchange/outbox.py), so it claims a stream before
it touches it. Beside them what engine/h11/lingering.py is about. It never runs user code and waits
for nothing but its selector.

Other threads reach it through `_inbox`, `_planned` and `_dirty`, deques (appending is atomic), and
wake it only when it sleeps, for a deadline only when it sleeps longer. `begin` runs on the thread
that releases a stream: until it has set `is_pushers`, as its last step, no other touches it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from pode_py.core.clock import Clock
from pode_py.engine.h11.connection import Connection
from pode_py.engine.h11.deadlines import NEVER, Deadlines
from pode_py.engine.h11.direct import DirectWrite
from pode_py.engine.h11.lingering import Lingering, skip_input
from pode_py.engine.h11.poller import Waker
from pode_py.engine.h11.registrations import READ, WRITE, Registrations
from pode_py.engine.h11.stream import Framer, H11Stream
from pode_py.engine.listener import watch_stream
from pode_py.engine.options import Limits
from pode_py.exchange.batches import Numbers, queue_to_each
from pode_py.exchange.outbox import Ending, Outbox

# So much later than planned a deadline may be seen: thousands of pings are not as many wake-ups.
_SLACK = 0.02


class Pusher:
    """Start it once; give it connections with `adopt`, `drain`, `linger` and `watch`."""

    def __init__(
        self,
        clock: Clock,
        limits: Limits,
        *,
        poller: str,
        find: Callable[[int], Connection | None],
        forget: Callable[[Connection], None],
        give_back: Callable[[Connection], None],
        expire: Callable[[Connection], None],
        report: Callable[[BaseException | str, str], None],
    ) -> None:
        self._clock = clock
        self._limits = limits
        self._report = report
        self._give_back = give_back
        self._waker = Waker()
        self._sockets = Registrations(self._waker, poller)
        self._inbox: deque[Callable[[], None]] = deque()
        self._dirty: deque[H11Stream] = deque()
        self._framer = Framer()
        self._planned: deque[tuple[float, int]] = deque()
        self._deadlines = Deadlines(find)
        self._pings: dict[bytes, list[Outbox]] = {}  # that are due in this turn
        self._asleep_until = -NEVER
        self._stopping = False
        self.streams: set[H11Stream] = set()
        self._lingering = Lingering(
            clock,
            limits.write_timeout,
            self._sockets,
            self._deadlines,
            give_back=give_back,
            forget=forget,
            expire=expire,
        )
        self._thread = threading.Thread(target=self._run, name="pode-pusher", daemon=True)
        clock.watch(self.wake)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """End the thread. Whatever it still owns is closed."""
        self._stopping = True
        self.wake()
        if self._thread.ident is None:  # the set-up failed: there is nothing but these
            self._close_own()
        else:
            self._thread.join(timeout)

    # What other threads call.

    def wake(self) -> None:
        self._asleep_until = -NEVER
        self._waker.wake()

    def notify(self, stream: H11Stream) -> None:
        """The stream's outbox has something to do."""
        self._dirty.append(stream)
        if self._asleep_until > 0:
            self.wake()

    def begin(self, stream: H11Stream) -> None:
        """Take over an upgraded connection, on the thread that has had it so far.

        It writes what there is and registers the socket: a thousand new streams do not cost a
        thousand changes of thread. What is left to do is the pusher's.
        """
        outbox, stream.framer = stream.outbox, Framer()
        now = outbox.last_write = self._clock.monotonic()
        self.streams.add(stream)
        watch_stream(stream.sock, self._limits.write_timeout)
        if not (
            self._write_first(stream)
            and self._sockets.any_thread
            and self._sockets.register(stream.connection, stream, stream.interest)
        ):
            self._post(lambda: self._begin_stream(stream))
            return
        # The pusher may see the socket from here on, but touches no stream that is not its own.
        stream.framer = self._framer
        self._plan_ping(stream, now)
        outbox.direct = stream if stream.can_be_direct else None
        stream.is_pushers = True
        # What was put, or written in part, meanwhile has notified a pusher that left it alone.
        if outbox.has_work or outbox.direct is None:
            self.notify(stream)

    def _write_first(self, stream: H11Stream) -> bool:
        """Write the head and what follows it. False if there is more to do than that."""
        if stream.connection.is_tls:  # its client's close_notify may have been read by now
            return False
        try:
            more = stream.flush()
        except OSError:
            return False
        return not (more or stream.wants_write or stream.finished)

    def drain(self, connection: Connection) -> None:
        """Send what a response left behind, then give the connection back or close it."""
        self._post(lambda: self._lingering.drain(connection))

    def linger(self, connection: Connection) -> None:
        """Send what is left, read until the client stops, then close (RFC 9112, 9.6)."""
        self._post(lambda: self._lingering.linger(connection))

    def watch(self, connection: Connection, deadline: float) -> None:
        """Look at a parked connection at `deadline`, or later if its deadline has moved by then."""
        connection.deadline = deadline
        self._plan(connection, deadline)

    def run_soon(self, job: Callable[[], None]) -> None:
        """Run a quick job on this thread before it writes; at once, if it does not run."""
        if self.is_current or (self._thread.is_alive() and not self._stopping):
            self._post(job)
        else:
            job()

    @property
    def is_current(self) -> bool:
        """Whether this is its thread."""
        return threading.get_ident() == self._thread.ident

    def deliver(self, frames: Sequence[bytes], outboxes: Sequence[Outbox]) -> Numbers:
        """Give the frames to each outbox; on this thread, write them past empty queues."""
        if not self.is_current:
            return queue_to_each(frames, outboxes)
        now = self._clock.monotonic()
        write = DirectWrite(frames)
        numbers = write.run(outboxes, now)
        for stream in write.stuck:
            self._wait_for_room(stream, now)
        for stream in write.broken:
            # Not at once: whoever hears of it must not meet the locks of the sender.
            self._post(lambda broken=stream: self._cut(broken))  # type: ignore[misc]
        return numbers

    def call_later(self, delay: float, job: Callable[[], None]) -> None:
        """Run a quick job of the engine's own on this thread."""
        deadline = self._clock.monotonic() + delay
        self._post(lambda: self._deadlines.call_at(job, deadline))

    @property
    def busy(self) -> bool:
        """Whether it has something to send, or is about to be given it."""
        return bool(self._inbox or self.streams or self._lingering.drains)

    def _plan(self, connection: Connection, deadline: float) -> None:
        if deadline < connection.watched_until:
            connection.watched_until = deadline
            self._planned.append((deadline, connection.fd))
            if self._asleep_until > deadline:
                self.wake()

    def _post(self, job: Callable[[], None]) -> None:
        self._inbox.append(job)
        if self._asleep_until > 0:
            self.wake()

    # The loop.

    def _run(self) -> None:
        going = True
        while going:
            going = not self._stopping  # what was posted before the stop has its turn
            try:
                self._turn()
            except Exception as error:  # noqa: BLE001 - one broken turn must not end all streams
                self._report(error, "pusher")
        self._cut_all()
        self._close_own()

    def _close_own(self) -> None:
        self._sockets.close()
        self._waker.close()

    def _turn(self) -> None:
        for owner, mask in self._wait():
            self._on_socket(owner, mask)
        while self._planned:
            self._deadlines.plan(*self._planned.popleft())
        # Only the jobs that are there: one that comes again finds the sockets looked at and the
        # streams flushed.
        for _ in range(len(self._inbox)):
            self._run_job()
        for _ in range(len(self._dirty)):
            stream = self._dirty.popleft()
            if not stream.is_pushers:
                continue
            # One that waits for its client to read is flushed when it does; or cut, if it was
            # sent more than may wait for it.
            if not stream.wants_write or stream.outbox.overflowed:
                self._flush(stream)
            elif stream.outbox.is_over:
                self._look_over(stream, self._clock.monotonic())
        self._run_deadlines()

    def _run_job(self) -> None:
        try:
            self._inbox[0]()
        finally:  # not before, or `busy` would miss it; what it has posted comes behind it
            self._inbox.popleft()

    def _wait(self) -> list[tuple[Any, int]]:
        deadline = self._deadlines.first
        timeout = self._clock.timeout_until(deadline)
        if timeout:  # what is due at nearly the same time is looked at together
            timeout = max(timeout, _SLACK)
        # Announced first and checked after: a thread that appends in between sees the
        # announcement and wakes us, or we see what it appended.
        self._asleep_until = NEVER if deadline is None else max(deadline, 1e-9)
        if self._inbox or self._planned or self._dirty or self._stopping:
            timeout = 0.0
        events = list(self._sockets.wait(timeout))
        self._asleep_until = -NEVER
        return events

    def _on_socket(self, owner: Any, mask: int) -> None:
        if not isinstance(owner, H11Stream):
            self._lingering.go_on(owner)
            return
        if not owner.is_pushers:  # in a moment it is, and this is said again
            return
        if mask & READ and not self._still_there(owner):
            return
        if mask & WRITE:
            self._flush(owner)

    # Streams.

    def _begin_stream(self, stream: H11Stream) -> None:
        """Take over a stream that is not idle yet, or broken."""
        stream.framer = self._framer
        stream.is_pushers = True
        if stream.connection.eof and not stream.is_body:
            self._end_stream(stream)
            return
        self._watch_socket(stream, stream.interest)
        self._plan_ping(stream, stream.outbox.last_write)
        stream.wants_write = False
        self._flush(stream)

    def _plan_ping(self, stream: H11Stream, now: float) -> None:
        if stream.keepalive is not None and stream.keepalive.interval:
            self._plan(stream.connection, now + stream.keepalive.interval)

    def _still_there(self, stream: H11Stream) -> bool:
        """Read and forget what the client sends. False if it has gone."""
        if stream.is_body:  # nothing was waited for but a broken connection
            self._cut(stream)
            return False
        if skip_input(stream.connection):
            return True
        self._end_stream(stream)
        return False

    def _flush(self, stream: H11Stream) -> None:
        if stream.ends_soon:
            self._end_stream(stream)
            return
        if not stream.outbox.claim_direct():
            return
        stuck, before = stream.wants_write, stream.written
        # Read before anything is written: who has got it must not find the next ping late.
        now = self._clock.monotonic()
        try:
            if stream.outbox.overflowed:
                raise ConnectionAbortedError("The client does not read what it is sent.")
            more = stream.flush()
        except OSError:
            self._cut(stream)
            return
        if stream.finished:
            if stream.is_body and stream.outbox.ending is Ending.CLEAN:
                self._end_body(stream)
                return
            if stream.outbox.ending is Ending.CLEAN:
                stream.connection.shutdown()
            self._end_stream(stream)
            return
        if not stream.wants_write:
            self._rest(stream, now, stuck=stuck)
            if more:
                self._dirty.append(stream)
            else:
                stream.outbox.stuck = False
        elif not stuck:
            self._wait_for_room(stream, now)
        elif stream.written > before:
            self._be_patient(stream, now)

    def _rest(self, stream: H11Stream, now: float, *, stuck: bool) -> None:
        """All that was taken has been written."""
        stream.outbox.last_write = now
        stream.outbox.direct = stream if stream.can_be_direct else None
        if stuck:
            self._watch_socket(stream, stream.interest)
            self._plan_ping(stream, now)

    def _wait_for_room(self, stream: H11Stream, now: float) -> None:
        outbox = stream.outbox
        outbox.direct = None
        outbox.mark_stuck()
        self._be_patient(stream, now)
        self._watch_socket(stream, stream.interest | WRITE)
        if outbox.is_over:
            self._look_over(stream, now)

    def _be_patient(self, stream: H11Stream, now: float) -> None:
        stream.connection.deadline = now + self._limits.write_timeout
        self._deadlines.look_at(stream.connection, stream.connection.deadline)

    def _look_over(self, stream: H11Stream, now: float) -> None:
        """More waits for the client than may. It may be cut, or is looked at again."""
        again = stream.outbox.look(now, stream.written)
        if again is not None:
            self._deadlines.look_at(stream.connection, again)

    def _watch_socket(self, stream: H11Stream, events: int) -> None:
        if not self._sockets.register(stream.connection, stream, events):
            self._end_stream(stream)

    def _cut(self, stream: H11Stream) -> None:
        stream.connection.cut_off()
        self._end_stream(stream)

    def _end_stream(self, stream: H11Stream) -> None:
        if not stream.is_pushers:
            return
        if not stream.outbox.claim_direct():
            stream.ends_soon = True
            return
        stream.is_pushers = False
        self.streams.discard(stream)
        self._lingering.close(stream.connection)
        stream.connection.stream = None  # no circle: see Outbox.mark_closed
        stream.mark_ended()

    def _end_body(self, stream: H11Stream) -> None:
        """A response has gone out whole: the connection goes on, or its client is shown out."""
        connection = stream.connection
        stream.is_pushers = False
        self.streams.discard(stream)
        self._sockets.unregister(connection)
        connection.stream = None  # from here on its deadlines are those of any connection
        stream.mark_ended()
        if stream.keep_alive:
            self._give_back(connection)
        else:
            self._lingering.linger(connection)

    def _check_stream(self, stream: H11Stream, now: float) -> None:
        if not stream.is_pushers:  # it still begins, on another thread
            self._deadlines.look_at(stream.connection, now + _SLACK)
            return
        if stream.outbox.is_over:
            self._look_over(stream, now)
        if stream.wants_write:
            if now >= stream.connection.deadline:
                self._cut(stream)
            else:
                self._deadlines.look_at(stream.connection, stream.connection.deadline)
            return
        keepalive = stream.keepalive
        if keepalive is None or not keepalive.interval:
            return
        due = stream.outbox.last_write + keepalive.interval
        if now >= due:
            self._pings.setdefault(keepalive.frame, []).append(stream.outbox)
            due = now + keepalive.interval
        self._deadlines.look_at(stream.connection, due)

    # Deadlines.

    def _run_deadlines(self) -> None:
        now = self._clock.monotonic()
        for connection in self._deadlines.due(now):
            if connection.stream is not None:
                self._check_stream(connection.stream, now)
            else:
                self._lingering.check(connection, now)
        while self._pings:
            frame, outboxes = self._pings.popitem()
            self.deliver([frame], outboxes)

    def _cut_all(self) -> None:
        for stream in list(self.streams):
            stream.is_pushers = True
            while not stream.outbox.claim_direct():  # one write that does not block
                time.sleep(0.0001)
            self._end_stream(stream)
        self._lingering.close_all()
