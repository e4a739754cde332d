"""TriggeredEvent: what handlers of connections can know; and the ambient `triggered_event`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, cast

from pode_py.core import ambient
from pode_py.push.connections.connection import PushConnection

__all__ = ["TriggeredEvent", "triggered_event"]

EventKind = Literal["connect", "disconnect"]
KINDS: tuple[EventKind, ...] = ("connect", "disconnect")


@dataclass(slots=True)
class TriggeredEvent:
    """One event of a connection or the server, in the handlers registered for it. Pode:
    $TriggeredEvent.

    Of an event of the server `name` is empty and `connection` None. `worker` is the number of the
    worker process; `exception` says why the server crashes.
    """

    name: str
    type: str
    connection: PushConnection
    timestamp: datetime
    lockable: Any
    metadata: dict[str, Any] = field(default_factory=dict)
    worker: int = 0
    exception: BaseException | None = None


#: The event that this handler was called for.
triggered_event: TriggeredEvent = cast(TriggeredEvent, ambient.AmbientEvent(ambient.TRIGGERED))
