"""SseConnection: one open event stream; and SseReference: a request that names one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pode_py.exchange.outbox import Ending, Outbox
from pode_py.push.sse import frames

Scope = Literal["local", "global"]


class SseConnection:
    """What `web_event.sse` is after `convert_to_sse_connection`. Any thread may send to it."""

    __slots__ = (
        "_outbox",
        "client_id",
        "group",
        "last_event_id",
        "name",
        "opened_at",
        "remote_address",
        "scope",
    )

    def __init__(
        self,
        outbox: Outbox,
        *,
        name: str,
        group: str | None,
        client_id: str,
        scope: Scope,
        last_event_id: str | None,
        remote_address: str,
        opened_at: datetime,
    ) -> None:
        self._outbox = outbox
        self.name = name
        self.group = group
        self.client_id = client_id
        self.scope = scope
        self.last_event_id = last_event_id
        self.remote_address = remote_address
        self.opened_at = opened_at

    @property
    def is_local(self) -> bool:
        return self.scope == "local"

    @property
    def is_global(self) -> bool:
        return self.scope == "global"

    @property
    def is_open(self) -> bool:
        """Whether events can still reach the client, as far as is known."""
        return not self._outbox.closed and self._outbox.ending is Ending.OPEN

    @property
    def outbox(self) -> Outbox:
        """Where its frames go."""
        return self._outbox

    def close(self) -> bool:
        """Send `pode.close`, then end. Does not wait. False if it had ended before."""
        return self._outbox.end(frames.CLOSE)

    def cut(self) -> bool:
        """End after what is queued, in a way that shows that something is missing."""
        return self._outbox.end(ending=Ending.CUT)

    def __repr__(self) -> str:
        return f"<SseConnection {self.name!r} {self.client_id!r} {self.scope}>"


@dataclass(frozen=True, slots=True)
class SseReference:
    """What `web_event.sse` is in a request that carries the `X-PODE-SSE-*` headers.

    `groups` are those of the header, `group` the header's text; `name` may be None.
    """

    name: str | None
    group: str | None
    client_id: str
    groups: tuple[str, ...] = ()
    last_event_id: None = None
    is_local: bool = False
    is_global: bool = True
