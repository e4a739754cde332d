"""Pusher: the one thread that flushes outboxes, sees hang-ups, pings, and enforces deadlines.

Three kinds of connections are its own: streams (upgraded), drains (a response that the socket
did not take at once) and lingerers (answered with an error while the client still sends). It
also looks at the deadlines of parked connections, which nobody owns, and claims those that are
due. It never runs user code and waits for nothing but its selector.

Other threads reach it through `_inbox`, `_planned` and `_dirty`, deques (appending is atomic), and
wake it only when it sleeps, for a deadline only when it sleeps longer.
"""

from __future__ import annotations

import selectors
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any
from weakref import ref

from pode_py.core.clock import Clock
from pode_py.engine.connection import Connection
from pode_py.engine.deadlines import NEVER, Deadlines
from pode_py.engine.listener import watch_stream
from pode_py.engine.poller import Waker
from pode_py.engine.reader import Limits
from pode_py.engine.registrations import Registrations
from pode_py.engine.stream import TURN, Framer, Stream
from pode_py.exchange.outbox import Ending

# How long a client that was answered with an error may go on sending before it is cut.
_LINGER = 2.0
# Reads of a turn from one client that talks on: a flood must not hold up the streams.
_READS = 16


class Pusher:
    """Start it once; give it connections with `adopt`, `drain`, `linger` and `watch`."""

    def __init__(
        self,
        clock: Clock,
        limits: Limits,
        *,
        forget: Callable[[Connection], None],
        give_back: Callable[[Connection], None],
        expire: Callable[[Connection], None],
        report: Callable[[BaseException | str, str], None],
    ) -> None:
        self._clock = clock
        self._limits = limits
        self._forget = forget
        self._give_back = give_back
        self._expire = expire
        self._report = report
        self._waker = Waker()
        self._sockets = Registrations(self._waker)
        self._inbox: deque[Callable[[], None]] = deque()
        self._dirty: deque[Stream] = deque()
        self._framer = Framer()
        self._planned: deque[tuple[float, Callable[[], Any]]] = deque()
        self._deadlines = Deadlines()
        self._asleep_until = -NEVER
        self._stopping = False
        self.streams: set[Stream] = set()
        self.drains: set[Connection] = set()
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

    def notify(self, stream: Stream) -> None:
        """The stream's outbox has something to do."""
        self._dirty.append(stream)
        if self._asleep_until > 0:
            self.wake()

    def adopt(self, stream: Stream) -> None:
        """Take over an upgraded connection."""
        self._post(lambda: self._begin_stream(stream))

    def drain(self, connection: Connection) -> None:
        """Send what a response left behind, then give the connection back or close it."""
        self._post(lambda: self._begin_drain(connection))

    def linger(self, connection: Connection) -> None:
        """Send what is left, read until the client stops, then close (RFC 9112, 9.6)."""
        self._post(lambda: self._begin_linger(connection))

    def watch(self, connection: Connection, deadline: float) -> None:
        """Look at a parked connection at `deadline`, or later if its deadline has moved by then."""
        connection.deadline = deadline
        if deadline < connection.watched_until:
            connection.watched_until = deadline
            self._planned.append((deadline, ref(connection)))
            if self._asleep_until > deadline:
                self.wake()

    def run_soon(self, job: Callable[[], None]) -> None:
        """Run a quick job on this thread before it writes; at once, if it does not run."""
        if self._stopping or not self._thread.is_alive():
            job()
        else:
            self._post(job)

    def call_later(self, delay: float, job: Callable[[], None]) -> None:
        """Run a quick job of the engine's own on this thread."""
        deadline = self._clock.monotonic() + delay
        self._post(lambda: self._deadlines.call_at(job, deadline))

    @property
    def busy(self) -> bool:
        """Whether it has something to send, or is about to be given it."""
        return bool(self._inbox or self.streams or self.drains)

    def _post(self, job: Callable[[], None]) -> None:
        self._inbox.append(job)
        if self._asleep_until > 0:
            self.wake()

    # The loop.

    def _run(self) -> None:
        while not self._stopping:
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
        for key, mask in self._wait():
            if key.data is None:
                self._waker.clear()
            else:
                self._on_socket(key.data, mask)
        while self._planned:
            self._deadlines.plan(*self._planned.popleft())
        while self._inbox:
            self._run_job()
        for _ in range(len(self._dirty)):
            stream = self._dirty.popleft()
            # One that waits for its client to read is flushed when it does; or cut, if it was
            # sent more than may wait for it.
            if stream in self.streams and (not stream.wants_write or stream.outbox.overflowed):
                self._flush(stream)
        self._run_deadlines()

    def _run_job(self) -> None:
        try:
            self._inbox[0]()
        finally:  # not before, or `busy` would miss it
            self._inbox.popleft()

    def _wait(self) -> Iterable[tuple[selectors.SelectorKey, int]]:
        deadline = self._deadlines.first
        timeout = self._clock.timeout_until(deadline)
        # Announced first and checked after: a thread that appends in between sees the
        # announcement and wakes us, or we see what it appended.
        self._asleep_until = NEVER if deadline is None else max(deadline, 1e-9)
        if self._inbox or self._planned or self._dirty or self._stopping:
            timeout = 0.0
        events = self._sockets.select(timeout)
        self._asleep_until = -NEVER
        return events

    def _on_socket(self, owner: Any, mask: int) -> None:
        if isinstance(owner, Stream):
            if mask & selectors.EVENT_READ and not self._still_there(owner):
                return
            if mask & selectors.EVENT_WRITE:
                self._flush(owner)
        elif owner in self.drains:
            self._go_on(owner)
        else:
            self._go_on_lingering(owner)

    # Streams.

    def _begin_stream(self, stream: Stream) -> None:
        stream.framer = self._framer
        self.streams.add(stream)
        stream.last_write = self._clock.monotonic()
        watch_stream(stream.connection.sock, self._limits.write_timeout)
        if stream.connection.eof:  # a TLS client's farewell may have been read by now
            self._end_stream(stream)
            return
        self._register(stream.connection, stream, selectors.EVENT_READ)
        self._plan_ping(stream, stream.last_write)
        if stream.outbox.has_work:
            self._flush(stream)

    def _plan_ping(self, stream: Stream, now: float) -> None:
        if stream.keepalive is not None and stream.keepalive.interval:
            self._deadlines.look_at(stream, now + stream.keepalive.interval)

    def _still_there(self, stream: Stream) -> bool:
        """Read and forget what the client sends. False if it has gone."""
        if self._skip_input(stream.connection):
            return True
        self._end_stream(stream)
        return False

    def _skip_input(self, connection: Connection) -> bool:
        """Read and forget a turn of input. False at its end."""
        try:
            for _ in range(_READS):
                data = connection.try_recv()
                if not data:
                    return data is None
        except OSError:
            return False
        return True

    def _flush(self, stream: Stream) -> None:
        stuck, before = stream.wants_write, stream.written
        try:
            if stream.outbox.overflowed:
                raise ConnectionAbortedError("The client does not read what it is sent.")
            more = stream.flush()
        except OSError:
            stream.connection.cut_off()
            self._end_stream(stream)
            return
        now = self._clock.monotonic()
        if stream.finished:
            if stream.outbox.ending is Ending.CLEAN:
                stream.connection.shutdown()
            self._end_stream(stream)
        elif stream.wants_write:
            if not stuck or stream.written > before:
                stream.connection.deadline = now + self._limits.write_timeout
                self._deadlines.look_at(stream, stream.connection.deadline)
            if not stuck:
                self._modify(stream.connection, stream, writing=True)
        else:
            stream.last_write = stream.outbox.last_write = now
            if stuck:
                self._modify(stream.connection, stream, writing=False)
                self._plan_ping(stream, now)
            if more:
                self._dirty.append(stream)

    def _end_stream(self, stream: Stream) -> None:
        if stream not in self.streams:
            return
        self.streams.discard(stream)
        self._discard(stream.connection)
        stream.mark_ended()

    def _check_stream(self, stream: Stream, now: float) -> None:
        if stream not in self.streams:
            return
        if stream.wants_write:
            if now >= stream.connection.deadline:
                stream.connection.cut_off()
                self._end_stream(stream)
            else:
                self._deadlines.look_at(stream, stream.connection.deadline)
            return
        keepalive = stream.keepalive
        if keepalive is None or not keepalive.interval:
            return
        due = stream.last_write + keepalive.interval
        if now >= due:
            stream.outbox.put(keepalive.frame)
            due = now + keepalive.interval
        self._deadlines.look_at(stream, due)

    # Drains and lingerers.

    def _begin_drain(self, connection: Connection) -> None:
        self.drains.add(connection)
        self._register(connection, connection, selectors.EVENT_WRITE)
        connection.deadline = self._clock.monotonic() + self._limits.write_timeout
        self._deadlines.look_at(connection, connection.deadline)

    def _go_on(self, connection: Connection) -> None:
        try:
            progress = connection.send_leftover(TURN)
        except OSError:
            self._close(connection)
            return
        if progress:
            connection.deadline = self._clock.monotonic() + self._limits.write_timeout
        if connection.has_leftover:
            return
        self.drains.discard(connection)
        self._sockets.unregister(connection)
        if connection.close_after:
            self._begin_linger(connection)
        else:
            self._give_back(connection)

    def _begin_linger(self, connection: Connection) -> None:
        if connection.has_leftover:
            connection.close_after = True
            self._begin_drain(connection)
            return
        connection.shutdown()
        self._register(connection, connection, selectors.EVENT_READ)
        connection.deadline = self._clock.monotonic() + _LINGER
        self._deadlines.look_at(connection, connection.deadline)
        self._go_on_lingering(connection)

    def _go_on_lingering(self, connection: Connection) -> None:
        if not self._skip_input(connection):
            self._close(connection)

    # Deadlines.

    def _run_deadlines(self) -> None:
        now = self._clock.monotonic()
        for owner in self._deadlines.due(now):
            if isinstance(owner, Stream):
                self._check_stream(owner, now)
            else:
                self._check_connection(owner, now)

    def _check_connection(self, connection: Connection, now: float) -> None:
        if connection.closed or connection.stream is not None:
            return
        owned = self._sockets.owner_of(connection.fd) is connection  # it drains or lingers
        if now < connection.deadline:  # moved since the look was planned
            self._deadlines.look_at(connection, connection.deadline)
        elif not owned and not self._claim_due(connection, now):
            # A worker has it, and sets a new deadline when it parks it.
            self._deadlines.look_at(connection, max(connection.deadline, now + 1.0))
        elif owned:
            self._close(connection)
        else:
            self._expire(connection)

    def _claim_due(self, connection: Connection, now: float) -> bool:
        """Claim a parked connection, unless a worker was quicker and has moved its deadline."""
        if not connection.claim_parked():
            return False
        if now >= connection.deadline:
            return True
        if not connection.release():
            self._give_back(connection)
        return False

    # Sockets.

    def _register(self, connection: Connection, owner: Any, events: int) -> None:
        if not self._sockets.register(connection, owner, events):
            self._close(connection)

    def _modify(self, connection: Connection, owner: Any, *, writing: bool) -> None:
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if writing else 0)
        self._register(connection, owner, events)

    def _close(self, connection: Connection) -> None:
        self.drains.discard(connection)
        self._discard(connection)

    def _discard(self, connection: Connection) -> None:
        self._sockets.unregister(connection)
        self._forget(connection)

    def _cut_all(self) -> None:
        for stream in list(self.streams):
            self._end_stream(stream)
        for connection in list(self.drains):
            self._close(connection)
        for owner in self._sockets.owners():
            if isinstance(owner, Connection):
                self._close(owner)
