"""ScheduleProcess: one run of a schedule, as `get_schedule_process` returns it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pode_py.background.runs import Run
from pode_py.background.schedules.event import ScheduleEvent
from pode_py.background.schedules.schedule import Schedule
from pode_py.core.handlers import Handler


@dataclass(eq=False, slots=True, kw_only=True)
class ScheduleProcess(Run):
    """A process is Pode's word for one run; `schedule` is the schedule's name."""

    schedule: str
    sender: Schedule = field(repr=False)
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def label(self) -> str:
        return f"Schedule {self.schedule!r}"

    @property
    def handler(self) -> Handler:
        return self.sender.runner

    def event(self, lockable: Any, moment: datetime) -> ScheduleEvent:
        return ScheduleEvent(self.sender, lockable, moment)
