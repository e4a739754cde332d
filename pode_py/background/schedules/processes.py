"""Processes: runs the handlers of schedules on a pool, and remembers the runs.

A process is Pode's word for one run; here it is a job on a thread. Python can't end a thread from
outside: a run that outlives its timeout counts as failed, and its thread goes on until the
handler returns. The pool gets another thread in its place, up to twice its size.
"""

from __future__ import annotations

import threading
import uuid
from collections import deque
from collections.abc import Iterable
from contextvars import Context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal

from pode_py.background.agenda import Agenda
from pode_py.background.runs import run_handler
from pode_py.background.schedules.event import ScheduleEvent
from pode_py.background.schedules.schedule import Schedule, Timeout
from pode_py.background.ticker import Report, Ticker
from pode_py.core import ambient
from pode_py.core.clock import Clock
from pode_py.core.handlers import Arguments
from pode_py.core.loop import EventLoop
from pode_py.core.workers import WorkerPool

State = Literal["pending", "running", "completed", "failed"]

SCHEDULES_AT_ONCE = 10
# Runs that wait for a thread; further ones are left out, and reported.
MOST_WAITING = 10_000
# How many ended runs can be asked for.
KEPT = 100


@dataclass(eq=False, slots=True)
class ScheduleProcess:
    """One run. `schedule` is the schedule's name; the times are UTC."""

    schedule: str
    create_time: datetime
    timeout: Timeout
    sender: Schedule = field(repr=False)
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    start_time: datetime | None = None
    expire_time: datetime | None = None
    state: State = "pending"


class Processes:
    """All runs that go on, and the last 100 that ended. Any thread may call."""

    def __init__(  # noqa: PLR0917 - one for each thing that a room is given
        self,
        clock: Clock,
        ticker: Ticker,
        context: Context,
        loop: EventLoop,
        report: Report,
        lockable: Any,
    ) -> None:
        self._clock = clock
        self._ticker = ticker
        self._loop = loop
        self._report = report
        self._lockable = lockable
        self._changed = threading.Condition()
        # Those whose thread goes on or is still to come; an expired one is among them.
        self._in_flight: dict[str, ScheduleProcess] = {}
        self._ended: deque[ScheduleProcess] = deque(maxlen=KEPT)
        self._expiries: Agenda[ScheduleProcess] = Agenda()
        self._overdue: set[ScheduleProcess] = set()
        self._maximum = SCHEDULES_AT_ONCE
        self._pool = WorkerPool(
            "schedules",
            SCHEDULES_AT_ONCE,
            context,
            lambda error: report(error, "A schedule's thread"),
        )

    def launch(self, schedule: Schedule, arguments: Arguments = None) -> None:
        """Run the handler once a thread is free."""
        process = ScheduleProcess(schedule.name, self._clock.now(), schedule.timeout, schedule)
        with self._changed:
            self._in_flight[process.id] = process
            self._set_expiry(process, "create")
        if self._pool.waiting >= MOST_WAITING:
            self._tell(
                process,
                f"was left out: {MOST_WAITING} runs wait already. Make its handler faster, or "
                "allow more at a time with set_schedule_concurrency.",
            )
            self._end(process, "failed")
        elif not self._pool.submit(partial(self._run, process, arguments)):
            self._end(process, "failed")

    def select(
        self, names: Iterable[str], ids: Iterable[str], states: Iterable[str]
    ) -> list[ScheduleProcess]:
        """Those with one of the names, ids and states, oldest first; what is empty lets all in."""
        wanted_names = {name.casefold() for name in names}
        wanted_ids = {one.casefold() for one in ids}
        wanted_states = set(states)
        with self._changed:
            known = {process.id: process for process in self._ended} | self._in_flight
        return sorted(
            (
                process
                for process in known.values()
                if (not wanted_names or process.schedule.casefold() in wanted_names)
                and (not wanted_ids or process.id in wanted_ids)
                and (not wanted_states or process.state in wanted_states)
            ),
            key=lambda process: process.create_time,
        )

    def set_concurrency(self, maximum: int) -> None:
        """Run at most `maximum` handlers at a time."""
        with self._changed:
            self._maximum = maximum
            self._size_pool()

    def next_expiry(self) -> float | None:
        """The monotonic time at which `expire` has something to do."""
        with self._changed:
            return self._expiries.next_due()

    def expire(self) -> None:
        """Fail the runs whose time is over."""
        with self._changed:
            late = [process for process, _ in self._expiries.take(self._clock.monotonic())]
            if not late:
                return
            waiting = [process for process in late if process.state == "pending"]
            for process in late:
                process.state = "failed"
                process.sender.timed_out += 1
            self._overdue.update(set(late).difference(waiting))
            self._size_pool()
        for process in late:
            allowed = f"its timeout of {process.timeout.value:g} seconds"
            if process in waiting:
                problem = (
                    f"found no free thread within {allowed}, and this run is left out. Allow "
                    "more at a time with set_schedule_concurrency."
                )
            else:
                problem = (
                    f"took longer than {allowed}. The run counts as failed, but its thread goes "
                    "on until the handler returns."
                )
            self._tell(process, problem)

    def settle(self, timeout: float) -> bool:
        """Wait until no run goes on. False if the time ran out."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._in_flight, timeout)

    def stop(self, timeout: float) -> bool:
        """Drop the runs that wait, and wait for the others. True if all have ended."""
        ended = self._pool.stop(timeout)
        with self._changed:
            left = list(self._in_flight.values())
        for process in left:
            self._end(process, "failed")
        return ended

    def _run(self, process: ScheduleProcess, arguments: Arguments) -> None:
        state: State = "failed"
        try:
            if self._begin(process):
                event = ScheduleEvent(process.sender, self._lockable, self._clock.now())
                runner = process.sender.runner
                run_handler(runner, event, arguments, ambient.SCHEDULE.variable, self._loop)
            state = "completed"
        except Exception as error:  # noqa: BLE001 - users' code; a run's errors are reported here
            self._report(error, f"Schedule {process.schedule!r}")
        finally:
            self._end(process, state)

    def _begin(self, process: ScheduleProcess) -> bool:
        """False if it expired while it waited."""
        with self._changed:
            if process.state != "pending":
                return False
            process.state = "running"
            process.start_time = self._clock.now()
            self._set_expiry(process, "start")
        return True

    def _end(self, process: ScheduleProcess, state: State) -> None:
        with self._changed:
            if self._in_flight.pop(process.id, None) is None:
                return
            if process.state != "failed":
                process.state = state
            self._ended.append(process)
            self._expiries.discard(process)
            if process in self._overdue:
                self._overdue.discard(process)
                self._size_pool()
            self._changed.notify_all()

    # Under the lock.

    def _set_expiry(self, process: ScheduleProcess, since: str) -> None:
        allowed = process.timeout.value
        if allowed is None or process.timeout.from_ != since:
            return
        process.expire_time = self._clock.now() + timedelta(seconds=allowed)
        self._expiries.put(process, self._clock.monotonic() + allowed)
        self._ticker.poke()

    def _size_pool(self) -> None:
        self._pool.resize(self._maximum + min(len(self._overdue), self._maximum))

    # Outside of the lock.

    def _tell(self, process: ScheduleProcess, problem: str) -> None:
        name = f"Schedule {process.schedule!r}"
        self._report(f"{name} {problem}", name)
