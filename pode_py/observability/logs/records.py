"""What is logged, as values: the record of a request or an error; the event and item made of it.

Not how they read: that is formats.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from traceback import TracebackException
from typing import Any, Final, Literal

from pode_py.observability.logs.text import text_of

Level = Literal[
    "emergency",
    "alert",
    "critical",
    "error",
    "warning",
    "notice",
    "informational",
    "verbose",
    "debug",
]
Kind = Literal["client", "timeout", "server"]

LEVELS: Final[tuple[Level, ...]] = (
    "emergency",
    "alert",
    "critical",
    "error",
    "warning",
    "notice",
    "informational",
    "verbose",
    "debug",
)
SERIOUS: Final[tuple[Level, ...]] = ("emergency", "alert", "critical", "error")
KINDS: Final[tuple[Kind, ...]] = ("client", "timeout", "server")


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One answered request.

    `user` is a name, or the authenticated user's mapping or object, of which each request type
    takes its `username_property`. `http_version` is "1.1"; `duration` is in seconds.
    """

    remote_address: str
    user: object
    timestamp: datetime
    method: str
    target: str
    http_version: str
    status: int
    size: int
    duration: float
    referrer: str | None
    user_agent: str | None
    host: str | None
    scheme: str = "http"
    headers: Mapping[str, str] | None = None

    @property
    def weight(self) -> int:
        """Roughly how many bytes of memory this takes while it waits in the queue."""
        headers = sum(map(len, self.headers.values())) if self.headers else 0
        return 600 + headers + len(self.target)


@dataclass(frozen=True, slots=True)
class ErrorRecord:
    """One error. `trace` keeps what a traceback prints, and no frame or local variable alive."""

    level: str
    kind: str
    category: str
    message: str
    where: str
    timestamp: datetime
    thread: str
    thread_id: int
    trace: TracebackException | None = None
    context_id: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def weight(self) -> int:
        return 4000 + len(self.message)


@dataclass(frozen=True, slots=True)
class WrittenRecord:
    """What a user passed to `write_log`."""

    level: str
    data: Any
    timestamp: datetime
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def weight(self) -> int:
        return 600 + (len(self.data) if isinstance(self.data, (str, bytes)) else 1000)


Record = RequestRecord | ErrorRecord | WrittenRecord


@dataclass(frozen=True, slots=True)
class LogEvent:
    """What happened, for log types' handlers: the raw `data` and when, how bad, for which type."""

    name: str
    level: str
    data: Any
    timestamp: datetime
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LogItem:
    """What a log type made of an event, for log methods. `str(item)` is its text.

    `tone` is the level a terminal colours it by: that of the event, or what a status means.
    """

    data: Any
    event: LogEvent
    tone: str

    def __str__(self) -> str:
        return text_of(self.data)


@dataclass(frozen=True, slots=True)
class BatchInfo:
    """How many items a method gets at once, and after how many seconds fewer (0: never)."""

    size: int = 1
    timeout: float = 0.0
