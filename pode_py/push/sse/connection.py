"""SseConnection: one open event stream; and SseReference: a request that names one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pode_py.push.connections.connection import (
    ConnectionOptions,
    ConnectionRecord,
    ConnectionReference,
    PushConnection,
)
from pode_py.push.sse import frames

#: Whether the stream has events of the framework, or its own only.
Style = Literal["pode", "plain"]
STYLES: tuple[Style, ...] = ("pode", "plain")


@dataclass(slots=True, kw_only=True)
class SseOptions(ConnectionOptions):
    """What a route asks of a new stream."""

    style: Style
    retry_duration: int
    allow_all_origins: bool
    force: bool
    #: How many past events a client gets at first that has seen none.
    backlog: int


@dataclass(eq=False, slots=True, kw_only=True)
class SseConnection(PushConnection):
    """One open event stream: `web_event.sse` after `convert_to_sse_connection`. Not in Pode.

    Any thread can send to it. `session` and `auth` are those of the request that opened it, so that
    the streams of a user can be found.
    """

    style: Style
    last_event_id: str | None

    @property
    def is_plain(self) -> bool:
        """Whether its client gets only the events that your code sends: no `pode.*`."""
        return self.style == "plain"

    def last_frames(self, *, reconnect: bool, retry: int | None) -> list[bytes]:
        """`pode.close`. Without `reconnect`, a client that comes back all the same stays
        away. A plain stream only ends: its client comes back as it likes."""
        last = [] if retry is None else [frames.retry_frame(retry)]
        if not self.is_plain:
            last.append(frames.CLOSE if reconnect else frames.CLOSE_FOR_GOOD)
        return last


@dataclass(frozen=True, slots=True)
class SseReference(ConnectionReference):
    """What `web_event.sse` is in a request that carries the `X-PODE-SSE-*` headers."""

    last_event_id: None = None
    is_local: bool = False
    is_global: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SseConnectionFacts(ConnectionRecord):
    """What `get_sse_connection` returns: how a connection is doing. Not in Pode.

    Bytes are those of the events, without HTTP's own.
    """

    last_event_id: str | None
