"""Timer: a named handler with its interval, and where it stands. It has no clock."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime

from pode_py.core.handlers import Arguments, Function, Handler


@dataclass(eq=False, slots=True)
class Timer:
    """What `get_timer` returns and `timer_event.sender` is. The service alone changes it.

    `interval` is in seconds. `skip` is how many triggers pass at first without a run. `limit` is
    the number of runs after which the timer is `completed`, 0 for no limit. `count` counts the
    runs that its interval or the start of the server triggered, in this process.
    `every_process`: whether it runs in each of several processes, and not in one of them.
    """

    name: str
    interval: float
    runner: Handler = field(repr=False)
    limit: int = 0
    skip: int = 0
    on_start: bool = False
    every_process: bool = False
    count: int = 0
    last_trigger_time: datetime | None = None
    next_trigger_time: datetime | None = None
    completed: bool = False
    # Whether a run that the interval triggered has not ended yet.
    running: bool = False
    # Whether it was reported that this run makes the timer miss triggers.
    warned: bool = field(default=False, repr=False)
    # All triggers are whole intervals from here (monotonic): so a timer never drifts.
    origin: float = field(default=0.0, repr=False)

    @property
    def handler(self) -> Function:
        """The user's function."""
        return self.runner.function

    @property
    def arguments(self) -> Arguments:
        """What fills its parameters, besides the event."""
        return self.runner.arguments

    def begin(self, now: float) -> float:
        """Count the interval from `now` (monotonic); returns the time of the first trigger."""
        self.origin = now + self.skip * self.interval
        return self.origin + self.interval

    def due_after(self, now: float) -> float:
        """The first trigger after `now`. Those missed during a long pause are left out."""
        passed = math.floor((now - self.origin) / self.interval)
        due = self.origin + (passed + 1) * self.interval
        return due if due > now else self.origin + (passed + 2) * self.interval
