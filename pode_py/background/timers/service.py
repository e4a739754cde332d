"""Timers: keeps the timers and runs their handlers on a pool, when the ticker says so.

The ticker's thread decides under the lock what to start and acts outside of it. A timer runs at
most once at a time; different timers run side by side. Intervals count on the monotonic clock,
so a wall clock that is set moves no timer.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextvars import Context
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from pode_py.background.agenda import Agenda
from pode_py.background.duty import Duty
from pode_py.background.runs import on_event_loop, run_handler
from pode_py.background.ticker import Report, Ticker
from pode_py.background.timers.event import TimerEvent
from pode_py.background.timers.timer import Timer
from pode_py.core import ambient
from pode_py.core.clock import Clock
from pode_py.core.handlers import Arguments, Function
from pode_py.core.loop import EventLoop
from pode_py.core.registry import Registry
from pode_py.core.workers import WorkerPool

# A timer never runs beside itself, so this bounds the pool's queue by the number of timers.
TIMERS_AT_ONCE = 100


class Timers:
    """The room of timers. `lockable` is the server's global lock, for the events."""

    def __init__(  # noqa: PLR0917 - one for each thing that a room is given
        self,
        clock: Clock,
        ticker: Ticker,
        context: Context,
        loop: EventLoop,
        report: Report,
        lockable: Any = None,
        *,
        duty: Duty | None = None,
    ) -> None:
        self._clock = clock
        self._duty = duty or Duty()
        self._ticker = ticker
        self._loop = loop
        self._report = report
        self._lockable = lockable
        self._items: Registry[Timer] = Registry("Timer")
        self._changed = threading.Condition()
        self._agenda: Agenda[Timer] = Agenda()
        self._in_flight: set[Timer] = set()
        self._started = False
        self._pool = WorkerPool(
            "timers", TIMERS_AT_ONCE, context, lambda error: report(error, "A timer's thread")
        )
        ticker.register(self)

    # What functions.py calls, from any thread.

    def add(self, timer: Timer) -> None:
        """Keep `timer`, and begin with it if the server has started. PodeError if it exists."""
        with self._changed:
            self._items.add(timer.name, timer)
            timer.next_trigger_time = self._wall(timer.begin(self._clock.monotonic()))
            begun = self._started and self._admit(timer)
        if begun:
            self._start_runs([timer])
        self._ticker.poke()

    def edit(
        self,
        name: str,
        interval: float | None,
        handler: Function | None,
        arguments: Arguments,
    ) -> None:
        """Change what is not None. A new interval counts from now."""
        with self._changed:
            timer = self._items.need(name)
            timer.runner = timer.runner.changed(handler, arguments)
            if interval is not None:
                timer.interval = interval
                timer.origin = self._clock.monotonic()
                self._plan(timer)
        self._ticker.poke()

    def remove(self, name: str) -> None:
        """Forget the timer, if there is one. A run of it goes on."""
        with self._changed:
            timer = self._items.remove(name)
            if timer is not None:
                self._agenda.discard(timer)

    def clear(self) -> None:
        """Forget all timers."""
        with self._changed:
            self._items.clear()
            self._agenda.clear()

    def get(self, names: Iterable[str] = ()) -> list[Timer]:
        """The timers with these names, or all."""
        return self._items.select(names)

    def exists(self, name: str) -> bool:
        return name in self._items

    def invoke(self, name: str, arguments: Arguments = None) -> None:
        """Run the handler on this thread; what it raises is reported. Counts for no limit."""
        timer = self._items.need(name)
        if timer.runner.is_async and on_event_loop():
            # The loop can't wait for what it must run itself.
            self._pool.submit(partial(self._run, timer, arguments))
            return
        self._run(timer, arguments)

    # What the server calls.

    def start(self) -> None:
        """Begin to count all intervals, and run the timers that run at the start."""
        with self._changed:
            self._started = True
            begun = [timer for timer in self._items.select() if self._admit(timer)]
        self._start_runs(begun)
        self._ticker.poke()

    def stop(self, timeout: float) -> bool:
        """Start no more runs and wait for those that go on. True if all have ended."""
        with self._changed:
            self._started = False
            self._agenda.clear()
        ended = self._pool.stop(timeout)
        with self._changed:
            self._in_flight.clear()
            self._changed.notify_all()
        return ended

    # What the ticker calls.

    def next_due(self) -> float | None:
        with self._changed:
            return self._agenda.next_due()

    def hand_on(self) -> None:
        with self._changed:
            begun, late = self._take_due()
        for timer in late:
            self._report(
                f"Timer {timer.name!r} was due again while its handler still ran, and was skipped. "
                "Give it a longer interval, or use a schedule, which may run beside itself.",
                f"Timer {timer.name!r}",
            )
        self._start_runs(begun)

    def settle(self, timeout: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: not self._in_flight, timeout)

    # Under the lock.

    def _take_due(self) -> tuple[list[Timer], list[Timer]]:
        """The timers to run now, and those that can't because they still run."""
        begun, late = [], []
        for timer, due in self._agenda.take(self._clock.monotonic()):
            if not self._is_ours(timer):
                pass
            elif self._begin(timer, self._wall(due)):
                begun.append(timer)
            elif not timer.warned:
                timer.warned = True
                late.append(timer)
            self._plan(timer)
        return begun, late

    def _admit(self, timer: Timer) -> bool:
        """Plan the first trigger. True if the timer runs at once."""
        first = timer.begin(self._clock.monotonic())
        begun = timer.on_start and self._is_ours(timer)
        begun = begun and self._begin(timer, self._clock.now().astimezone())
        timer.next_trigger_time = None if timer.completed else self._wall(first)
        if not timer.completed:
            self._agenda.put(timer, first)
        return begun

    def _is_ours(self, timer: Timer) -> bool:
        return timer.every_process or self._duty.is_ours()

    def _begin(self, timer: Timer, triggered: datetime) -> bool:
        if timer.running:
            return False
        timer.running = True
        timer.warned = False
        timer.count += 1
        timer.last_trigger_time = triggered
        timer.completed = 0 < timer.limit <= timer.count
        self._in_flight.add(timer)
        return True

    def _plan(self, timer: Timer) -> None:
        if timer.completed:
            timer.next_trigger_time = None
            self._agenda.discard(timer)
            return
        due = timer.due_after(self._clock.monotonic())
        timer.next_trigger_time = self._wall(due)
        if self._started:
            self._agenda.put(timer, due)

    def _wall(self, monotonic: float) -> datetime:
        ahead = timedelta(seconds=monotonic - self._clock.monotonic())
        return (self._clock.now() + ahead).astimezone()

    # Outside of the lock.

    def _start_runs(self, timers: list[Timer]) -> None:
        for timer in timers:
            if not self._pool.submit(partial(self._run_due, timer)):
                self._ended(timer)

    def _run_due(self, timer: Timer) -> None:
        try:
            self._run(timer, None)
        finally:
            self._ended(timer)

    def _run(self, timer: Timer, arguments: Arguments) -> None:
        event = TimerEvent(timer, self._lockable, self._clock.now())
        try:
            run_handler(timer.runner, event, arguments, ambient.TIMER.variable, self._loop)
        except Exception as error:  # noqa: BLE001 - users' code; a run's errors are reported here
            self._report(error, f"Timer {timer.name!r}")

    def _ended(self, timer: Timer) -> None:
        with self._changed:
            timer.running = False
            self._in_flight.discard(timer)
            self._changed.notify_all()
