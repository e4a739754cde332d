"""Runs: how handlers run that nobody waits for: those of timers and schedules.

Theory of operation. A run is *pending* until its handler begins, then *running*, and in the end
*completed* or *failed*. Its plain steps hold a thread of the pool; while something is awaited it
holds none, and the next step gets a thread again. A run counts until its handler has ended, even if
it failed before because its time was over: Python can't end a thread from outside. For each of
these the bound on runs grows by one, up to twice its value.

What a handler raises is logged here, once. No user code runs under the lock.
"""

from __future__ import annotations

import asyncio
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Generic, Literal, TypeVar

from pode_py.core.ambient import Slot
from pode_py.core.calls import Job, Steps, steps
from pode_py.core.due_queue import DueQueue
from pode_py.core.handlers import Arguments, Handler, describe
from pode_py.core.runtime import Runtime
from pode_py.core.thread_pool import ThreadPool

State = Literal["pending", "running", "completed", "failed"]

# Runs that wait for their turn; further ones are left out, and reported.
MOST_WAITING = 10_000


@dataclass(frozen=True, slots=True)
class Timeout:
    """Seconds that a run may take (None: no end), from its creation or from its start."""

    value: float | None = None
    from_: str = "create"


@dataclass(eq=False, slots=True, kw_only=True)
class Run(ABC):
    """One run of a handler: Pode's process. `Runs` alone changes it; the times are UTC."""

    create_time: datetime
    timeout: Timeout = field(default_factory=Timeout)
    start_time: datetime | None = None
    expire_time: datetime | None = None
    state: State = "pending"

    @property
    @abstractmethod
    def label(self) -> str:
        """Whose run it is: "Timer 'tick'"."""

    @property
    @abstractmethod
    def handler(self) -> Handler:
        """What is run. Asked when it begins."""

    @abstractmethod
    def event(self, lockable: Any, moment: datetime) -> object:
        """What the handler sees of it."""


R = TypeVar("R", bound=Run)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the runs of one area have in common.

    `threads`: how many plain handlers run at once. `limit`: how many runs go on at once, whatever
    they do; None for any number. `kept`: how many ended ones can be asked for. `advice` says how
    to allow more.
    """

    area: str
    slot: Slot
    threads: int
    limit: int | None = None
    kept: int = 0
    advice: str = ""


class Runs(Generic[R]):
    """The runs of one area. Any thread may call."""

    def __init__(
        self,
        runtime: Runtime,
        options: RunOptions,
        wake_ticker: Callable[[], None],
        on_end: Callable[[R], None] = lambda _: None,
    ) -> None:
        self._runtime = runtime
        self._clock = runtime.clock
        self._options = options
        self._wake_ticker = wake_ticker
        self._on_end = on_end
        self._limit = options.limit
        self._changed = threading.Condition()
        # Those whose handler goes on or is still to begin, an expired one among them; and whether
        # some thread is about to end it.
        self._in_flight: dict[R, bool] = {}
        self._waiting: deque[tuple[R, Arguments]] = deque()
        self._begun: set[R] = set()
        self._overdue: set[R] = set()
        self._ended: deque[R] = deque(maxlen=options.kept)
        self._expiries: DueQueue[R] = DueQueue()
        self._stopping = False
        self._pool = ThreadPool(
            options.area,
            options.threads,
            runtime.context,
            lambda error: runtime.report(error, f"A thread of {options.area}"),
        )

    def launch(self, run: R, arguments: Arguments = None) -> None:
        """Run it as soon as it may."""
        with self._changed:
            self._in_flight[run] = False
            full = not self._may_begin() and len(self._waiting) >= MOST_WAITING
            dropped = full or self._stopping
            if not dropped:
                self._set_expiry(run, "create")
                self._waiting.append((run, arguments))
        if full:
            self._report(
                run,
                f"was left out: {MOST_WAITING} runs wait already. Make its handler faster, or "
                f"{self._options.advice}.",
            )
        if dropped:
            self._end(run, "failed")
        else:
            self._begin_waiting()

    def run_here(self, run: R, arguments: Arguments = None) -> None:
        """Run it on this thread, in its context, past every limit. What is awaited is waited for.

        On the thread of an event loop, which must not wait, what is awaited goes on alone.
        """
        call, context = self._call(run, arguments, copy_context())
        if _on_event_loop():
            self._runtime.calls.start(call, context, self._resume, partial(self._log, run))
            return
        try:
            self._runtime.calls.run(call, context)
        except Exception as error:  # noqa: BLE001 - users' code; a run's errors are reported here
            self._log(run, None, error)

    def all(self) -> list[R]:
        """Those that go on, and the last ones that ended, by the time of their creation."""
        with self._changed:
            known = [*self._ended, *self._in_flight]
        return sorted(known, key=lambda run: run.create_time)

    def set_limit(self, limit: int) -> None:
        """Let at most `limit` runs go on at a time."""
        with self._changed:
            self._limit = limit
            self._pool.resize(self._allowed())
        self._begin_waiting()

    def next_expiry(self) -> float | None:
        """The monotonic time at which `expire` has something to do."""
        with self._changed:
            return self._expiries.next_due()

    def expire(self) -> list[R]:
        """Fail the runs whose time is over, and return them."""
        with self._changed:
            late = [run for run, _ in self._expiries.take(self._clock.monotonic())]
            going = [run for run in late if run.state == "running"]
            for run in late:
                run.state = "failed"
            if going:
                self._overdue.update(going)
                self._pool.resize(self._allowed())
            if len(going) < len(late):
                self._waiting = deque(pair for pair in self._waiting if pair[0].state == "pending")
        for run in late:
            allowed = f"its timeout of {run.timeout.value:g} seconds"
            if run in going:
                self._report(
                    run,
                    f"took longer than {allowed}. The run counts as failed, but goes on until its "
                    "handler returns.",
                )
            else:
                self._report(
                    run,
                    f"did not get its turn within {allowed}, and this run is left out. To let more "
                    f"go on at a time, {self._options.advice}.",
                )
                self._end(run, "failed")
        self._begin_waiting()
        return late

    def wait_idle(self, timeout: float) -> bool:
        """Wait until no run goes on. False if the time ran out."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._in_flight, timeout)

    def stop(self, timeout: float) -> bool:
        """Drop the runs that have not begun, and wait for the others. True if all have ended."""
        deadline = time.monotonic() + timeout
        with self._changed:
            self._stopping = True
            dropped = [run for run, _ in self._waiting]
            self._waiting.clear()
        for run in dropped:
            self._end(run, "failed")
        ended = self.wait_idle(timeout)
        self._pool.stop(max(0.0, deadline - time.monotonic()))
        with self._changed:
            left = list(self._in_flight)
        for run in left:
            self._report_cut(run)
            self._end(run, "failed")
        return ended

    # Under the lock.

    def _allowed(self) -> int:
        """How many threads, and how many runs where they are bounded."""
        if self._limit is None:
            return self._options.threads
        return self._limit + min(len(self._overdue), self._limit)

    def _may_begin(self) -> bool:
        return self._limit is None or len(self._begun) < self._allowed()

    def _set_expiry(self, run: R, since: str) -> None:
        allowed = run.timeout.value
        if allowed is None or run.timeout.from_ != since:
            return
        run.expire_time = self._clock.now() + timedelta(seconds=allowed)
        self._expiries.put(run, self._clock.monotonic() + allowed)
        self._wake_ticker()

    # Outside of the lock.

    def _begin_waiting(self) -> None:
        """Give a thread to each run that may begin."""
        while True:
            with self._changed:
                if not self._waiting or not self._may_begin():
                    return
                run, arguments = self._waiting.popleft()
                self._begun.add(run)
            if not self._pool.submit(partial(self._begin, run, arguments)):
                self._end(run, "failed")

    def _begin(self, run: R, arguments: Arguments) -> None:
        with self._changed:
            dropped = self._stopping or run.state != "pending"
            if not dropped:
                run.state = "running"
                run.start_time = self._clock.now()
                self._set_expiry(run, "start")
        if dropped:  # it was too late while it waited for its thread
            self._end(run, "failed")
            return
        call, context = self._call(run, arguments, self._runtime.context.copy())
        self._runtime.calls.start(call, context, self._resume, partial(self._done, run))

    def _call(self, run: R, arguments: Arguments, context: Context) -> tuple[Steps, Context]:
        event = run.event(self._runtime.lockable, self._clock.now())
        context.run(self._options.slot.variable.set, event)
        return steps(run.handler, event, arguments), context

    def _resume(self, job: Job) -> None:
        if not self._pool.submit(job):
            job()  # the server stops: what was cancelled can still clean up

    def _done(self, run: R, value: Any, error: BaseException | None) -> None:
        self._log(run, value, error)
        self._end(run, "completed" if error is None else "failed")

    def _log(self, run: R, value: Any, error: BaseException | None) -> None:
        del value
        if error is not None:
            self._runtime.report(error, run.label)

    def _end(self, run: R, state: State) -> None:
        with self._changed:
            if self._in_flight.get(run, True):
                return
            self._in_flight[run] = True
            if run.state != "failed":
                run.state = state
            self._expiries.discard(run)
            self._begun.discard(run)
            if run in self._overdue:
                self._overdue.discard(run)
                self._pool.resize(self._allowed())
        self._on_end(run)
        with self._changed:
            del self._in_flight[run]
            self._ended.append(run)
            self._changed.notify_all()
        self._begin_waiting()

    def _report_cut(self, run: R) -> None:
        began = run.start_time or run.create_time
        seconds = (self._clock.now() - began).total_seconds()
        self._report(
            run,
            f"is cut after {seconds:.1f} s, as the stop waits no longer: "
            f"`{describe(run.handler.function)}`. Have it end sooner, or pass a longer grace= to "
            "start_server.",
        )

    def _report(self, run: R, problem: str) -> None:
        self._runtime.report(f"{run.label} {problem}", run.label)


def _on_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
