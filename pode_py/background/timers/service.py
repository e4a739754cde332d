"""Timers: keeps the timers and has their handlers run, when the ticker says so.

The ticker's thread decides under the lock what to start and acts outside of it. A timer runs at
most once at a time; different timers run side by side. Intervals count on the monotonic clock,
so a wall clock that is set moves no timer.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pode_py.background.primary import Primary
from pode_py.background.runs import Run, RunOptions, Runs
from pode_py.background.ticker import Ticker
from pode_py.background.timers.event import TimerEvent
from pode_py.background.timers.timer import Timer
from pode_py.core import ambient
from pode_py.core.due_queue import DueQueue
from pode_py.core.handlers import Arguments, Function, Handler
from pode_py.core.registry import Registry
from pode_py.core.runtime import Runtime
from pode_py.observability.metrics.metric import Metric

# Runs of one timer never overlap, so the number of timers bounds what waits for a thread.
_RUNS = RunOptions("timers", ambient.TIMER, threads=100)


@dataclass(eq=False, slots=True, kw_only=True)
class TimerRun(Run):
    """One run of a timer."""

    sender: Timer

    @property
    def label(self) -> str:
        return f"Timer {self.sender.name!r}"

    @property
    def handler(self) -> Handler:
        return self.sender.runner

    def event(self, lockable: Any, moment: datetime) -> TimerEvent:
        return TimerEvent(self.sender, lockable, moment)


class Timers:
    """The room of timers."""

    def __init__(self, runtime: Runtime, ticker: Ticker, primary: Primary) -> None:
        self._clock = runtime.clock
        self._warn = runtime.warn
        self._primary = primary
        self._ticker = ticker
        self._items: Registry[Timer] = Registry("Timer")
        self._lock = threading.Lock()
        self._due: DueQueue[Timer] = DueQueue()
        self._started = False
        self._runs: Runs[TimerRun] = Runs(runtime, _RUNS, ticker.wake, self._ended)
        ticker.register(self)

    # What functions.py calls, from any thread.

    def add(self, timer: Timer) -> None:
        """Keep `timer`, and begin with it if the server has started. PodeError if it exists."""
        with self._lock:
            self._items.add(timer.name, timer)
            timer.next_trigger_time = self._wall(timer.begin(self._clock.monotonic()))
            begun = self._started and self._admit(timer)
        if begun:
            self._start_runs([timer])
        self._ticker.wake()

    def edit(
        self,
        name: str,
        interval: float | None,
        handler: Function | None,
        arguments: Arguments,
    ) -> None:
        """Change what is not None. A new interval counts from now."""
        with self._lock:
            timer = self._items.need(name)
            timer.runner = timer.runner.changed(handler, arguments)
            if interval is not None:
                timer.interval = interval
                timer.origin = self._clock.monotonic()
                self._plan(timer)
        self._ticker.wake()

    def remove(self, name: str) -> None:
        """Forget the timer, if there is one. A run of it goes on."""
        with self._lock:
            timer = self._items.remove(name)
            if timer is not None:
                self._due.discard(timer)

    def clear(self) -> None:
        """Forget all timers."""
        with self._lock:
            self._items.clear()
            self._due.clear()

    def get(self, names: Iterable[str] = ()) -> list[Timer]:
        """The timers with these names, or all."""
        return self._items.select(names)

    def exists(self, name: str) -> bool:
        return name in self._items

    def invoke(self, name: str, arguments: Arguments = None) -> None:
        """Run the handler on this thread; what it raises is reported. Counts for no limit."""
        timer = self._items.need(name)
        timer.runner.check_values(arguments)
        self._runs.run_here(self._run_of(timer), arguments)

    # What the server calls.

    def start(self) -> None:
        """Begin to count all intervals, and run the timers that run at the start."""
        with self._lock:
            self._started = True
            begun = [timer for timer in self._items.select() if self._admit(timer)]
        self._start_runs(begun)
        self._ticker.wake()

    def stop(self, timeout: float) -> bool:
        """Start no more runs and wait for those that go on. True if all have ended."""
        with self._lock:
            self._started = False
            self._due.clear()
        return self._runs.stop(timeout)

    def metrics(self) -> Iterable[Metric]:
        """How often each timer has triggered a run."""
        runs = {timer.name: timer.count for timer in self._items.select()}
        return [Metric("counter", "pode_timer_runs", "Runs by timer.", runs, "timer")]

    # What the ticker calls.

    def next_due(self) -> float | None:
        with self._lock:
            return self._due.next_due()

    def run_due(self) -> None:
        with self._lock:
            begun, late = self._take_due()
        for timer in late:
            self._warn(
                f"Timer {timer.name!r} was due again while its handler still ran, and was skipped. "
                "Give it a longer interval, or use a schedule, whose runs can overlap.",
                f"Timer {timer.name!r}",
            )
        self._start_runs(begun)

    def wait_idle(self, timeout: float) -> bool:
        return self._runs.wait_idle(timeout)

    # Under the lock.

    def _take_due(self) -> tuple[list[Timer], list[Timer]]:
        """The timers to run now, and those that can't because they still run."""
        begun, late = [], []
        for timer, due in self._due.take(self._clock.monotonic()):
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
            self._due.put(timer, first)
        return begun

    def _is_ours(self, timer: Timer) -> bool:
        return timer.every_process or self._primary.is_here()

    def _begin(self, timer: Timer, triggered: datetime) -> bool:
        if timer.running:
            return False
        timer.running = True
        timer.warned = False
        timer.count += 1
        timer.last_trigger_time = triggered
        timer.completed = 0 < timer.limit <= timer.count
        return True

    def _plan(self, timer: Timer) -> None:
        if timer.completed:
            timer.next_trigger_time = None
            self._due.discard(timer)
            return
        due = timer.due_after(self._clock.monotonic())
        timer.next_trigger_time = self._wall(due)
        if self._started:
            self._due.put(timer, due)

    def _wall(self, monotonic: float) -> datetime:
        ahead = timedelta(seconds=monotonic - self._clock.monotonic())
        return (self._clock.now() + ahead).astimezone()

    # Outside of the lock.

    def _start_runs(self, timers: list[Timer]) -> None:
        for timer in timers:
            self._runs.launch(self._run_of(timer))

    def _run_of(self, timer: Timer) -> TimerRun:
        return TimerRun(sender=timer, create_time=self._clock.now())

    def _ended(self, run: TimerRun) -> None:
        with self._lock:
            run.sender.running = False
