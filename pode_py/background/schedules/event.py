"""ScheduleEvent: what a schedule's handler can know of its run; the ambient `schedule_event`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from pode_py.background.schedules.schedule import Schedule
from pode_py.core import ambient

__all__ = [
    "ScheduleEvent",
    "schedule_event",
]


@dataclass(slots=True)
class ScheduleEvent:
    """One run of a schedule. Pode: $ScheduleEvent.

    `sender` is the schedule; `timestamp` says when the run began (UTC).
    """

    sender: Schedule
    lockable: Any
    timestamp: datetime
    metadata: dict[str, Any] = field(default_factory=dict)


#: The event of the run that this code belongs to.
schedule_event: ScheduleEvent = cast(ScheduleEvent, ambient.AmbientEvent(ambient.SCHEDULE))
