"""Workers: the threads that serve requests, one leader at a time.

Threads that fight for the interpreter lock cost half of the speed. So one worker, the leader,
waits for readable connections and serves them itself, one after the other, without a hand-over;
the others sleep. Three things keep a handler that blocks from holding up the rest:

- A monitor notices that the leader has sat in one request for a tick (it sleeps, or waits for a
  database) and makes the next worker the leader, which goes on with what is ready.
- A request that awaits something is nobody's meanwhile; what goes on with it is `submit`ted.
- A request whose route has proved slow is not the leader's: it hands it to a sleeping worker. So
  `maximum` blocking handlers run side by side without waiting for the monitor. Of sixteen workers
  one is kept for quick requests while there are any; the slow ones wait for the others.

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
from typing import Any

from pode_py.engine.full_house import FULL
from pode_py.engine.h11.connection import Connection
from pode_py.engine.h11.poller import Poller

# How long a leader may sit in one request before another takes over. Longer delays the other
# clients of a blocking handler, shorter costs wake-ups while there is traffic.
_TICK = 0.002
# One worker of so many is kept for quick requests.
_KEPT_OF = 16
# How long threads that are in no handler may take to end.
_LAST_TURN = 1.0
# Ticks without traffic after which the monitor sleeps until there is some.
_QUIET_TICKS = 25

Job = Callable[[], None]


class _Worker:
    """One thread, and what it is woken up for: a job, or to lead."""

    __slots__ = ("job", "thread", "wake_up")

    def __init__(self) -> None:
        self.thread = threading.current_thread()
        self.job: Job | None = None
        # A lock is the quickest thing to sleep on: taken here, given back by whoever wakes.
        self.wake_up = threading.Lock()
        self.wake_up.acquire()


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
        full: Callable[[], None],
        quiet_time: float,
    ) -> None:
        self._quiet_time = quiet_time
        self._full = full
        self._poller = poller
        self._context = context
        self._serve = serve
        self._accept = accept
        self._report = report
        self._ready: deque[Connection | Job] = deque()
        self._lock = threading.Lock()
        self._leader: threading.Thread | None = None
        # Who led last, where nobody could follow.
        self._deposed: threading.Thread | None = None
        self._idle: list[_Worker] = []
        # Long requests that wait, and how many workers but the leader may be busy.
        self._jobs: deque[Job] = deque()
        self._maximum = maximum
        self._most_busy = maximum - maximum // _KEPT_OF
        self._last_quick = 0.0
        self._was_slow = False  # what the leader has just served
        self._stopping = False
        self._note_what_is_served()
        self._threads = [_thread(self._run, f"web-{number + 1}") for number in range(maximum)]
        self._monitor = _thread(self._watch, "monitor")

    def _note_what_is_served(self) -> None:
        # What the latest leader is serving, a new tuple for each request. Read by the monitor
        # without a lock: a stale value costs a tick.
        self._current: tuple[threading.Thread, object] | None = None
        self._traffic = threading.Event()
        self._finished = threading.Condition(self._lock)
        # What the workers are serving. No lock: each step is one operation of a set, and only
        # somebody who waits for the end (`_awaited`) has to be notified.
        self._serving: set[tuple[threading.Thread, object]] = set()
        self._awaited = False
        self._full_since: float | None = None

    def start(self) -> None:
        for thread in self._threads:
            thread.start()
        self._monitor.start()

    def offer(self, connection: Connection) -> None:
        """Let a worker look at a connection that the caller owns."""
        self._ready.append(connection)
        self._poller.wake()

    def submit(self, job: Job) -> None:
        """Have a worker do this, soon: it goes on with a request that was awaiting something."""
        self._ready.append(job)
        self._poller.wake()

    def hand_over(self, job: Job, *, is_long: bool) -> bool:
        """Have another worker do this part of what the leader is serving: a free one, or if it is
        long, the next that will be. False if the caller must do it itself."""
        me = threading.current_thread()
        with self._lock:
            if self._leader is None and self._deposed is me:
                # It was only held up for a moment, and nobody has taken its place.
                self._leader = me
            if self._leader is not me:
                return False
            self._was_slow = True
            # All but the leader are idle or busy.
            if self._maximum - 1 - len(self._idle) >= self._most_busy:
                if not is_long:
                    return False
                if not self._jobs:  # from now on it is looked at whether quick ones come
                    self._last_quick = time.monotonic()
                self._jobs.append(job)
            elif self._idle:
                self._give_to_idle(job)
            else:
                self._leader = self._deposed = None  # the next to finish will be
                return False
        return True

    def _give_to_idle(self, job: Job) -> None:
        """Called under the lock."""
        worker = self._idle.pop()
        worker.job = job
        worker.wake_up.release()

    @property
    def waiting(self) -> int:
        """Requests that have arrived, at least in part, and have no worker yet."""
        return len(self._ready) + len(self._jobs)

    def wait_idle(self, timeout: float) -> bool:
        """Wait until no handler runs and none is about to. False if some still do."""
        with self._lock:
            self._awaited = True
            return self._finished.wait_for(
                lambda: not (self._serving or self._ready or self._jobs), timeout
            )

    def stop(self, timeout: float) -> None:
        """End the threads; those in a handler end with it."""
        with self._lock:
            self._stopping = True
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.wake_up.release()
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
        me = _Worker()
        while self._await_turn(me):
            try:
                if me.job is not None:
                    self._context.copy().run(self._track, me, _do, me.job)
                else:
                    self._context.copy().run(self._lead, me)
            except Exception as error:  # noqa: BLE001 - a leader that dies would end the service
                self._report(error, "worker")
            if self._ready:
                self._poller.wake()
        self._poller.wake()

    def _await_turn(self, me: _Worker) -> bool:
        """Wait for a job, or to be the leader. False if it is time to end."""
        me.job = None
        with self._lock:
            if self._stopping:
                return False
            if self._leader is None or self._leader is me.thread:
                self._leader = me.thread
                return True
            if self._jobs and self._maximum - 2 - len(self._idle) < self._most_busy:
                me.job = self._jobs.popleft()
                return True
            self._idle.append(me)
        me.wake_up.acquire()
        return not self._stopping

    def _lead(self, me: _Worker) -> None:
        while self._leader is me.thread and not self._stopping:
            try:
                work = self._ready.popleft()
            except IndexError:
                self._find_work(me)
                continue
            self._was_slow = False
            if isinstance(work, Connection):
                self._track(me, self._serve, work)
            else:
                self._track(me, _do, work)
            if self._jobs and not self._was_slow:
                self._last_quick = time.monotonic()

    def _find_work(self, me: _Worker) -> None:
        """Wait for something to read. If slow requests wait and no quick one has come for a while,
        do one of them instead of leading."""
        if not self._jobs:
            self._poll(None)
            return
        left = self._last_quick + self._quiet_time - time.monotonic()
        self._poll(max(0.0, left))
        if left > 0 or self._ready:
            return
        with self._lock:
            if not self._jobs or self._leader is not me.thread:
                return
            if self._idle:
                self._give_to_idle(self._jobs.popleft())
                return
            job = self._jobs.popleft()
            self._leader = self._deposed = None
        self._track(me, _do, job)

    def _track(self, me: _Worker, work: Callable[[Any], None], what: Any) -> None:
        """Call `work` with `what`, where the monitor and those who wait for the end can see it."""
        current = (me.thread, what)
        self._serving.add(current)
        # A worker that does not lead must not hide what the leader serves.
        if self._leader is me.thread:
            self._current = current
        if not self._traffic.is_set():
            self._traffic.set()
        try:
            work(what)
        except Exception as error:  # noqa: BLE001 - the engine's own fault: the worker lives on
            self._report(error, "worker")
        finally:
            if self._current is current:
                self._current = None
            self._serving.discard(current)
            if self._awaited and not self._serving:
                with self._lock:
                    self._finished.notify_all()

    def _poll(self, timeout: float | None) -> None:
        for tag in self._poller.poll(timeout):
            if not isinstance(tag, Connection):
                self._let_in(tag)
            elif tag.claim():
                self._ready.append(tag)
            elif tag.deferred is not None:
                tag.deferred.look()

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
                self._leader, self._deposed = None, deposed
                return
            successor = self._idle.pop()
            self._leader = successor.thread
        successor.wake_up.release()

    def _watch(self) -> None:
        quiet = 0
        while not self._stopping:
            seen = self._current
            time.sleep(_TICK)
            self._look_whether_full()
            if seen is not None and self._current is seen and self._leader is seen[0]:
                self._promote(seen[0])
            idle = seen is None and self._current is None and not self._jobs
            quiet = quiet + 1 if idle else 0
            if quiet > _QUIET_TICKS:
                quiet = 0
                self._traffic.clear()
                # A leader sets what it serves before it looks at the event, and stop says so
                # before it sets the event: whichever comes first here, one sees the other.
                if self._current is None and not self._ready and not self._stopping:
                    self._traffic.wait()

    def _look_whether_full(self) -> None:
        """Report it when no worker has been free for a while."""
        busy = len(self._serving)
        if busy < self._most_busy or (busy < self._maximum and not self._jobs):
            self._full_since = None
        elif self._full_since is None:
            self._full_since = time.monotonic()
        elif time.monotonic() - self._full_since >= FULL:
            self._full_since = None
            try:
                self._find_what_waits()
                self._full()
            except Exception as error:  # noqa: BLE001 - without a monitor a blocked leader stays
                self._report(error, "monitor")

    def _find_what_waits(self) -> None:
        """Nobody polls while every worker is busy: lead for a moment, so that those who wait are
        counted. Twice, as who has been let in may have sent something."""
        me = threading.current_thread()
        with self._lock:
            if self._leader is not None:
                return
            self._leader = me
        try:
            self._poll(0)
            self._poll(0)
        finally:
            self._promote(me)


def _do(job: Job) -> None:
    job()


def _thread(target: Callable[[], None], name: str) -> threading.Thread:
    return threading.Thread(target=target, name=f"pode-{name}", daemon=True)
