"""Workers: the threads that serve requests, one leader at a time.

Threads that fight for the interpreter lock cost half of the speed. So one worker, the leader,
waits for readable connections and serves them itself, one after the other, without a hand-over;
the others sleep. A monitor notices that the leader has sat in one request for a tick (it sleeps,
or waits for a database) and makes the next worker the leader, which goes on with what is ready.
While that happens often, requests block: the leader then names its successor *before* it serves,
so that `maximum` blocking handlers run side by side without waiting for the monitor.

Nothing depends on there being exactly one leader: a worker that was deposed while it was about
to poll does one more turn. What it finds then is for the leader, who may be asleep in the poller:
so whoever stops leading while something is ready wakes it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextvars import Context

from pode_py.engine.connection import Connection
from pode_py.engine.poller import Poller

# How long a leader may sit in one request before another takes over. Longer delays the other
# clients of a blocking handler, shorter costs wake-ups while there is traffic.
_TICK = 0.002
# How long after a deposition leaders name their successor first.
_BLOCKING_MODE = 0.05
# How long threads that are in no handler may take to end.
_LAST_TURN = 1.0
# Ticks without traffic after which the monitor sleeps until there is some.
_QUIET_TICKS = 25


class Workers:
    """`serve` gets each connection that has something to read, claimed."""

    def __init__(
        self,
        maximum: int,
        poller: Poller,
        context: Context,
        *,
        serve: Callable[[Connection], None],
        accept: Callable[[object], None],
        report: Callable[[BaseException | str, str], None],
    ) -> None:
        self._poller = poller
        self._context = context
        self._serve = serve
        self._accept = accept
        self._report = report
        self._ready: deque[Connection] = deque()
        self._lock = threading.Lock()
        self._leader: threading.Thread | None = None
        self._idle: list[tuple[threading.Thread, threading.Event]] = []
        self._stopping = False
        # What the latest leader is serving, a new tuple for each request. Read by the monitor
        # without a lock: a stale value costs a tick.
        self._current: tuple[threading.Thread, Connection] | None = None
        self._blocking_until = 0.0
        self._traffic = threading.Event()
        self._finished = threading.Condition(self._lock)
        # What the workers are serving. No lock: each step is one operation of a set, and only
        # somebody who waits for the end (`_awaited`) needs to be told.
        self._serving: set[tuple[threading.Thread, Connection]] = set()
        self._awaited = False
        self._threads = [
            threading.Thread(target=self._run, name=f"pode-web-{number + 1}", daemon=True)
            for number in range(maximum)
        ]
        self._monitor = threading.Thread(target=self._watch, name="pode-monitor", daemon=True)

    def start(self) -> None:
        for thread in self._threads:
            thread.start()
        self._monitor.start()

    def offer(self, connection: Connection) -> None:
        """Let a worker look at a connection that the caller owns."""
        self._ready.append(connection)
        self._poller.wake()

    @property
    def waiting(self) -> int:
        """Connections that have something to read and no worker yet."""
        return len(self._ready)

    def wait_idle(self, timeout: float) -> bool:
        """Wait until no handler runs and none is about to. False if some still do."""
        with self._lock:
            self._awaited = True
            return self._finished.wait_for(lambda: not self._serving and not self._ready, timeout)

    def stop(self, timeout: float) -> None:
        """End the threads; those in a handler end with it."""
        with self._lock:
            self._stopping = True
            idle, self._idle = self._idle, []
        for _, event in idle:
            event.set()
        self._traffic.set()
        self._poller.wake()
        self._join(time.monotonic() + timeout)

    def _join(self, deadline: float) -> None:
        """Wait for handlers until the deadline, and a moment longer for threads that are in none:
        one that still waits in the poller when that is closed would wait for ever."""
        threads = [*self._threads, self._monitor]
        while alive := [thread for thread in threads if thread.is_alive()]:
            late = time.monotonic() - deadline
            if late > 0 and (len(alive) <= len(self._serving) or late > _LAST_TURN):
                return
            self._poller.wake()  # for each that polls: one byte wakes one
            alive[0].join(0.01)

    def _run(self) -> None:
        me = threading.current_thread()
        while self._await_turn(me):
            try:
                self._context.copy().run(self._lead, me)
            except Exception as error:  # noqa: BLE001 - a leader that dies would end the service
                self._report(error, "worker")
            if self._ready:
                self._poller.wake()
        self._poller.wake()

    def _await_turn(self, me: threading.Thread) -> bool:
        event = threading.Event()
        with self._lock:
            if self._stopping:
                return False
            if self._leader is None or self._leader is me:
                self._leader = me
                return True
            self._idle.append((me, event))
        event.wait()
        return not self._stopping

    def _lead(self, me: threading.Thread) -> None:
        while self._leader is me and not self._stopping:
            try:
                connection = self._ready.popleft()
            except IndexError:
                self._poll()
                continue
            if self._blocking_until and time.monotonic() < self._blocking_until:
                self._promote(me)
            self._serve_one(me, connection)

    def _serve_one(self, me: threading.Thread, connection: Connection) -> None:
        current = (me, connection)
        self._serving.add(current)
        # A worker that named its successor already must not hide what that one serves.
        if self._leader is me:
            self._current = current
        if not self._traffic.is_set():
            self._traffic.set()
        try:
            self._serve(connection)
        except Exception as error:  # noqa: BLE001 - the engine's own fault: the worker lives on
            self._report(error, "worker")
        finally:
            if self._current is current:
                self._current = None
            self._serving.discard(current)
            if self._awaited and not self._serving:
                with self._lock:
                    self._finished.notify_all()

    def _poll(self) -> None:
        for tag in self._poller.poll(None):
            if not isinstance(tag, Connection):
                self._let_in(tag)
            elif tag.claim():
                self._ready.append(tag)

    def _let_in(self, tag: object) -> None:
        try:
            self._accept(tag)
        except Exception as error:  # noqa: BLE001 - the ready connections of this poll come first
            self._report(error, "accept")

    def _promote(self, deposed: threading.Thread) -> None:
        """Make an idle worker the leader; if all are busy, the next to finish will be."""
        with self._lock:
            if self._leader is not deposed:
                return
            if not self._idle:
                self._leader = None
                return
            successor, event = self._idle.pop()
            self._leader = successor
        event.set()

    def _watch(self) -> None:
        quiet = 0
        while not self._stopping:
            seen = self._current
            time.sleep(_TICK)
            if seen is not None and self._current is seen and self._leader is seen[0]:
                self._blocking_until = time.monotonic() + _BLOCKING_MODE
                self._promote(seen[0])
            quiet = quiet + 1 if seen is None and self._current is None else 0
            if quiet > _QUIET_TICKS:
                quiet = 0
                self._traffic.clear()
                # A leader sets what it serves before it looks at the event, and stop says so
                # before it sets the event: whichever comes first here, one sees the other.
                if self._current is None and not self._ready and not self._stopping:
                    self._traffic.wait()
