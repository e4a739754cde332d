"""Schedule: a named handler with its cron expressions, and where it stands. It has no clock."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pode_py.background.runs import Timeout
from pode_py.background.schedules.cron import Cron, Draw, parse_cron
from pode_py.background.schedules.zones import Zone
from pode_py.core.handlers import Arguments, Function, Handler

# A run this little early after the clock was set back is in time.
_TOLERANCE = 1.0


@dataclass(eq=False, slots=True)
class Schedule:
    """What `get_schedule` returns and `schedule_event.sender` is. The service alone changes it.

    `crons_raw` are the expressions as they were written, `crons` what they mean. `limit` is the
    number of runs after which the schedule is `completed`, 0 for no limit. `count` counts the
    runs that an expression or the start of the server triggered, in this process. Names that end
    in `_time` are aware datetimes in the schedule's zone; those called an instant are in UTC.
    `every_process`: whether it runs in each of several processes, and not in one of them.
    """

    name: str
    crons_raw: Sequence[str]
    runner: Handler = field(repr=False)
    limit: int = 0
    starts: datetime | None = None
    ends: datetime | None = None
    timeout: Timeout = field(default_factory=Timeout)
    on_start: bool = False
    every_process: bool = False
    zone: Zone = field(default_factory=Zone, repr=False)
    draw: Draw = field(default=random.randint, repr=False)
    count: int = 0
    completed: bool = False
    # How many runs took longer than the timeout.
    timed_out: int = 0
    # The instants of the last and the next trigger.
    last: datetime | None = None
    due: datetime | None = None
    # When the last trigger was handed on, on the monotonic clock.
    handed_on: float = field(default=0.0, repr=False)
    crons: list[Cron] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.starts is not None and self.ends is not None and self.ends <= self.starts:
            raise ValueError(f"Schedule {self.name!r}: end_time must come after start_time.")
        self.set_crons(self.crons_raw)

    @property
    def handler(self) -> Function:
        """The user's function."""
        return self.runner.function

    @property
    def arguments(self) -> Arguments:
        """What fills its parameters, besides the event."""
        return self.runner.arguments

    @property
    def start_time(self) -> datetime | None:
        return self._local(self.starts)

    @property
    def end_time(self) -> datetime | None:
        return self._local(self.ends)

    @property
    def last_trigger_time(self) -> datetime | None:
        return self._local(self.last)

    @property
    def next_trigger_time(self) -> datetime | None:
        return self._local(self.due)

    def set_crons(self, expressions: Sequence[str]) -> None:
        """Use these expressions. ValueError if one is wrong, and then nothing changes."""
        if not expressions:
            raise ValueError(f"Schedule {self.name!r} needs at least one cron expression.")
        crons = [parse_cron(expression, self.draw) for expression in expressions]
        self.crons_raw, self.crons = list(expressions), crons

    def redraw(self) -> None:
        """Draw new values for what is random in the expressions."""
        self.crons = [cron.redrawn(self.draw) for cron in self.crons]

    def trigger_from(self, now: datetime) -> datetime | None:
        """The first trigger after `now`, but not before the start time. None after the end."""
        if self.starts is not None and self.starts > now:
            return self.trigger_after(self.starts - timedelta(microseconds=1))
        return self.trigger_after(now)

    def trigger_after(self, instant: datetime) -> datetime | None:
        """The first trigger after `instant`. None after the end time."""
        first = self._earliest(instant)
        return None if self.ends is not None and first > self.ends else first

    def trigger_after_set_back(self, now: datetime, monotonic: float) -> datetime | None:
        """The next trigger when the wall clock has been set back to `now`.

        A time that already had its run gets another one only if, in real time, the schedule's
        usual distance has passed by then. So a clock set back an hour leaves a job of every
        minute running, and does not run a daily job twice.
        """
        due = self.trigger_from(now)
        if self.last is None:
            return due
        usual = (self._earliest(self.last) - self.last).total_seconds()
        earliest = self.handed_on + usual - _TOLERANCE
        while due is not None and due <= self.last:
            if monotonic + (due - now).total_seconds() >= earliest:
                return due
            due = self.trigger_after(due)
        return due

    def _earliest(self, instant: datetime) -> datetime:
        return min(cron.next_after(instant, self.zone) for cron in self.crons)

    def _local(self, instant: datetime | None) -> datetime | None:
        return None if instant is None else self.zone.local(instant)
