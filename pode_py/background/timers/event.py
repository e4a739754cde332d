"""TimerEvent: what a timer's handler can know of its run, and the ambient `timer_event`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from pode_py.background.timers.timer import Timer
from pode_py.core import ambient

__all__ = [
    "TimerEvent",
    "timer_event",
]


@dataclass(slots=True)
class TimerEvent:
    """One run of a timer. Pode: $TimerEvent.

    `sender` is the timer; `timestamp` says when the run began (UTC).
    """

    sender: Timer
    lockable: Any
    timestamp: datetime
    metadata: dict[str, Any] = field(default_factory=dict)


#: The event of the run that this code belongs to.
timer_event: TimerEvent = cast(TimerEvent, ambient.AmbientEvent(ambient.TIMER))
