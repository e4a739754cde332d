"""Schedules: keeps the schedules and has their handlers run, when the ticker says so.

The ticker's thread decides under the lock what to start and acts outside of it. Schedules follow
the wall clock. If it is set forward over several triggers of a schedule, they become one run; if
it is set back, Schedule.trigger_after_set_back says which triggers come again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from pode_py.background.primary import Primary
from pode_py.background.runs import RunOptions, Runs
from pode_py.background.schedules.process import ScheduleProcess
from pode_py.background.schedules.schedule import Schedule
from pode_py.background.ticker import Ticker
from pode_py.core import ambient
from pode_py.core.due_queue import DueQueue
from pode_py.core.errors import PodeError
from pode_py.core.handlers import Arguments, Function
from pode_py.core.registry import Registry
from pode_py.core.runtime import Runtime
from pode_py.observability.metrics.metric import Metric

# Smaller steps back are the clock being kept right, and change no plan.
SET_BACK = 1.0
_RUNS = RunOptions(
    "schedules",
    ambient.SCHEDULE,
    threads=10,
    limit=10,
    kept=100,
    advice="allow more at a time with set_schedule_concurrency",
)


class Schedules:
    """The room of schedules."""

    def __init__(self, runtime: Runtime, ticker: Ticker, primary: Primary) -> None:
        self._clock = runtime.clock
        self._primary = primary
        self._ticker = ticker
        self._runs: Runs[ScheduleProcess] = Runs(runtime, _RUNS, ticker.wake)
        self._items: Registry[Schedule] = Registry("Schedule")
        self._lock = threading.Lock()
        # By POSIX timestamps of the wall clock.
        self._due: DueQueue[Schedule] = DueQueue()
        self._started = False
        # How far the wall clock is ahead of the monotonic one: smaller, and it was set back.
        self._lead = self._measure_lead()
        ticker.register(self)

    # What functions.py calls, from any thread.

    def add(self, schedule: Schedule) -> None:
        """Keep `schedule`, and begin with it if the server has started. PodeError if it exists."""
        now = self._clock.now()
        if schedule.ends is not None and schedule.ends < now:
            raise ValueError(f"Schedule {schedule.name!r}: end_time must be in the future.")
        with self._lock:
            self._items.add(schedule.name, schedule)
            self._set_due(schedule, schedule.trigger_from(now))
            runs_now = self._started and self._admit(schedule)
        if runs_now:
            self._launch(schedule)
        self._ticker.wake()

    def edit(
        self,
        name: str,
        crons: Sequence[str],
        handler: Function | None,
        arguments: Arguments,
    ) -> None:
        """Change what is not None, or empty."""
        with self._lock:
            schedule = self._items.need(name)
            if crons:
                schedule.set_crons(crons)
            schedule.runner = schedule.runner.changed(handler, arguments)
            if crons and not _used_up(schedule):
                self._set_due(schedule, schedule.trigger_from(self._clock.now()))
        self._ticker.wake()

    def remove(self, name: str) -> None:
        """Forget the schedule, if there is one. Its runs go on."""
        with self._lock:
            schedule = self._items.remove(name)
            if schedule is not None:
                self._due.discard(schedule)

    def clear(self) -> None:
        """Forget all schedules."""
        with self._lock:
            self._items.clear()
            self._due.clear()

    def get(self, names: Iterable[str] = ()) -> list[Schedule]:
        """The schedules with these names, or all."""
        return self._items.select(names)

    def between(
        self, schedules: list[Schedule], start: datetime | None, end: datetime | None
    ) -> list[Schedule]:
        """Those of `schedules` that are going to trigger from `start` to `end`."""
        now = self._clock.now()
        found = []
        for schedule in schedules:
            after = now
            if start is not None:
                # One that triggers at the start itself counts.
                after = max(now, schedule.zone.instant(start) - timedelta(microseconds=1))
            due = schedule.trigger_from(after)
            in_time = due is not None and (end is None or due <= schedule.zone.instant(end))
            if in_time and not schedule.completed:
                found.append(schedule)
        return found

    def exists(self, name: str) -> bool:
        return name in self._items

    def next_trigger(self, name: str, moment: datetime | None) -> datetime | None:
        """The first trigger after `moment`, or from now on. PodeError outside of its times."""
        schedule = self._items.need(name)
        after = self._clock.now() if moment is None else schedule.zone.instant(moment)
        if moment is not None and schedule.starts is not None and after < schedule.starts:
            raise PodeError(
                f"Schedule {name!r} starts at {schedule.start_time}. Give a later date_time."
            )
        if moment is not None and schedule.ends is not None and after > schedule.ends:
            raise PodeError(
                f"Schedule {name!r} ends at {schedule.end_time}. Give an earlier date_time."
            )
        due = schedule.trigger_from(after)
        return None if due is None else schedule.zone.local(due)

    def invoke(self, name: str, arguments: Arguments = None) -> None:
        """Run the handler on the pool now. Counts for no limit."""
        schedule = self._items.need(name)
        schedule.runner.check_values(arguments)
        self._launch(schedule, arguments)

    def processes(
        self, names: Iterable[str], ids: Iterable[str], states: Iterable[str]
    ) -> list[ScheduleProcess]:
        """The runs that go on and the last ones that ended, filtered by what is not empty."""
        wanted_names = {name.casefold() for name in names}
        wanted_ids = {one.casefold() for one in ids}
        wanted_states = set(states)
        return [
            process
            for process in self._runs.all()
            if (not wanted_names or process.schedule.casefold() in wanted_names)
            and (not wanted_ids or process.id in wanted_ids)
            and (not wanted_states or process.state in wanted_states)
        ]

    def set_concurrency(self, maximum: int) -> None:
        """Run at most `maximum` handlers at a time."""
        self._runs.set_limit(maximum)

    # What the server calls.

    def start(self) -> None:
        """Begin to follow the clock, and run the schedules that run at the start."""
        with self._lock:
            self._started = True
            self._lead = self._measure_lead()
            now = self._clock.now()
            for schedule in self._items.select():
                if not _used_up(schedule):
                    self._set_due(schedule, schedule.trigger_from(now))
            run_now = [schedule for schedule in self._items.select() if self._admit(schedule)]
        for schedule in run_now:
            self._launch(schedule)
        self._ticker.wake()

    def stop(self, timeout: float) -> bool:
        """Start no more runs and wait for those that go on. True if all have ended."""
        with self._lock:
            self._started = False
            self._due.clear()
        return self._runs.stop(timeout)

    def metrics(self) -> Iterable[Metric]:
        """How often each schedule has triggered a run."""
        runs = {schedule.name: schedule.count for schedule in self._items.select()}
        return [Metric("counter", "pode_schedule_runs", "Runs by schedule.", runs, "schedule")]

    # What the ticker calls.

    def next_due(self) -> float | None:
        with self._lock:
            due = self._due.next_due()
            expiry = self._runs.next_expiry()
            if due is None:
                return expiry
            monotonic = self._clock.monotonic() + due - self._clock.now().timestamp()
            return monotonic if expiry is None else min(monotonic, expiry)

    def run_due(self) -> None:
        with self._lock:
            self._follow_set_back()
            now = self._clock.now()
            due = [schedule for schedule, _ in self._due.take(now.timestamp())]
            begun = [schedule for schedule in due if self._begin(schedule, now)]
        for process in self._runs.expire():
            process.sender.timed_out += 1
        for schedule in begun:
            self._launch(schedule)

    def wait_idle(self, timeout: float) -> bool:
        return self._runs.wait_idle(timeout)

    # Under the lock.

    def _set_due(self, schedule: Schedule, due: datetime | None) -> None:
        schedule.due = due
        schedule.completed = due is None
        if due is None:
            self._due.discard(schedule)
        elif self._started:
            self._due.put(schedule, due.timestamp())

    def _admit(self, schedule: Schedule) -> bool:
        """Put it on the due queue. True if it runs at once."""
        if schedule.due is not None:
            self._due.put(schedule, schedule.due.timestamp())
        begun = schedule.on_start and self._is_ours(schedule)
        if begun:
            self._note(schedule, self._clock.now(), runs=True)
            if _used_up(schedule):
                self._set_due(schedule, None)
        return begun

    def _begin(self, schedule: Schedule, now: datetime) -> bool:
        """Go on to the next trigger, and say whether this one is to run here.

        A run stands for all triggers that were missed until `now`.
        """
        assert schedule.due is not None
        trigger, ours = schedule.due, self._is_ours(schedule)
        self._note(schedule, trigger, runs=ours)
        if _used_up(schedule):
            self._set_due(schedule, None)
            return ours
        schedule.redraw()
        self._set_due(schedule, schedule.trigger_after(max(now, trigger)))
        return ours

    def _is_ours(self, schedule: Schedule) -> bool:
        return schedule.every_process or self._primary.is_here()

    def _note(self, schedule: Schedule, trigger: datetime, *, runs: bool) -> None:
        # One that runs elsewhere has had its run, too, should the clock be set back.
        schedule.count += runs
        schedule.last = trigger
        schedule.handed_on = self._clock.monotonic()

    def _follow_set_back(self) -> None:
        lead, before = self._measure_lead(), self._lead
        self._lead = lead
        if lead > before - SET_BACK:
            return
        now, monotonic = self._clock.now(), self._clock.monotonic()
        for schedule in self._items.select():
            if schedule.due is not None:
                self._set_due(schedule, schedule.trigger_after_set_back(now, monotonic))

    def _measure_lead(self) -> float:
        return self._clock.now().timestamp() - self._clock.monotonic()

    # Outside of the lock.

    def _launch(self, schedule: Schedule, arguments: Arguments = None) -> None:
        process = ScheduleProcess(
            schedule=schedule.name,
            sender=schedule,
            create_time=self._clock.now(),
            timeout=schedule.timeout,
        )
        self._runs.launch(process, arguments)


def _used_up(schedule: Schedule) -> bool:
    return 0 < schedule.limit <= schedule.count
