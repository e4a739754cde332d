"""SseConnection: one open event stream; and SseReference: a request that names one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Literal, Protocol

from pode_py.exchange.outbox import Ending, Outbox
from pode_py.push.sse import frames

Scope = Literal["local", "global"]
#: Whether the stream has events of the framework, or its own only.
Style = Literal["pode", "plain"]
STYLES: tuple[Style, ...] = ("pode", "plain")


class Keeper(Protocol):
    """What a connection needs of the hub."""

    def end(self, connection: SseConnection, *frames: bytes, ending: Ending) -> bool:
        """End it after all that was sent before. False if it has ended, or is to end, already."""

    def let_out(self, connection: SseConnection) -> None:
        """The connection is gone."""


@dataclass(eq=False, slots=True, kw_only=True)
class SseConnection:
    """One open event stream: `web_event.sse` after `convert_to_sse_connection`. Not in Pode.

    Any thread can send to it. `session` and `auth` are those of the request that opened it, so that
    the streams of a user can be found.
    """

    outbox: Outbox = field(repr=False)
    keeper: Keeper = field(repr=False)
    names: tuple[str, ...]
    groups: tuple[str, ...]
    client_id: str
    scope: Scope
    style: Style
    last_event_id: str | None
    remote_address: str
    opened_at: datetime
    session: Any = field(default=None, repr=False)
    _auth: Any = field(default=None, repr=False)
    #: Whether its end is on its way, behind what was sent before: the dispatcher's.
    is_ending: bool = field(default=False, repr=False)

    @property
    def auth(self) -> Any:
        """The same as `web_event.auth`; made when it is read first."""
        if self._auth is None:
            self._auth = SimpleNamespace(user=None)
        return self._auth

    @property
    def name(self) -> str:
        """The first of its names."""
        return self.names[0]

    @property
    def group(self) -> str | None:
        """The first of its groups."""
        return self.groups[0] if self.groups else None

    @property
    def is_local(self) -> bool:
        return self.scope == "local"

    @property
    def is_global(self) -> bool:
        return self.scope == "global"

    @property
    def is_plain(self) -> bool:
        """Whether its client gets only the events that your code sends: no `pode.*`."""
        return self.style == "plain"

    @property
    def is_open(self) -> bool:
        """Whether events can still reach the client, as far as is known."""
        outbox = self.outbox
        return not (outbox.closed or self.is_ending) and outbox.ending is Ending.OPEN

    def close(self, *, reconnect: bool = True, retry: int | None = None) -> bool:
        """Send `pode.close`, then end. Does not wait. False if it had ended before.

        With `reconnect` False, a client that comes back all the same gets 204 and stops. `retry`
        is how many milliseconds it waits before it does. A plain stream only ends: its client
        comes back as it likes.
        """
        last = [] if retry is None else [frames.retry_frame(retry)]
        if not self.is_plain:
            last.append(frames.CLOSE if reconnect else frames.CLOSE_FOR_GOOD)
        return self.keeper.end(self, *last, ending=Ending.CLEAN)

    def leave(self) -> None:
        """The engine has closed it."""
        self.keeper.let_out(self)

    def cut(self) -> bool:
        """End after what is queued, in a way that shows that something is missing."""
        return self.keeper.end(self, ending=Ending.CUT)


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


@dataclass(frozen=True, slots=True)
class SseConnectionFacts:
    """What `get_sse_connection` returns: how a connection is doing. Not in Pode.

    Bytes are those of the events, without HTTP's own.
    """

    names: tuple[str, ...]
    groups: tuple[str, ...]
    client_id: str
    scope: Scope
    remote_address: str
    opened_at: datetime
    last_write: datetime | None
    last_event_id: str | None
    queued_events: int
    queued_bytes: int
    sent_events: int
    sent_bytes: int
    dropped_events: int


def facts_of(connection: SseConnection, last_write: datetime | None) -> SseConnectionFacts:
    """The facts of a connection at this moment."""
    outbox = connection.outbox
    return SseConnectionFacts(
        names=connection.names,
        groups=connection.groups,
        client_id=connection.client_id,
        scope=connection.scope,
        remote_address=connection.remote_address,
        opened_at=connection.opened_at,
        last_write=last_write,
        last_event_id=connection.last_event_id,
        queued_events=outbox.pending,
        queued_bytes=outbox.pending_bytes,
        sent_events=outbox.sent_frames,
        sent_bytes=outbox.bytes_sent,
        dropped_events=outbox.dropped,
    )
