"""PushConnection: one open connection that events are sent to, whatever their format.

It knows no format: a frame is bytes, and the room that derives from it says what is sent at its
end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Literal, Protocol, TypeVar

from pode_py.exchange.outbox import Ending, Outbox

Scope = Literal["local", "global"]

T_contra = TypeVar("T_contra", contravariant=True)


class Keeper(Protocol[T_contra]):
    """What a connection needs of its hub."""

    def end(self, connection: T_contra, *last: bytes, ending: Ending) -> bool:
        """End it after all that was sent before. False if it has ended, or is to end, already."""

    def let_out(self, connection: T_contra) -> None:
        """The connection is gone."""


@dataclass(slots=True, kw_only=True)
class ConnectionOptions:
    """What a route asks of a new connection. Nobody changes it.

    Not frozen: one is made for each opening, and that makes it three times as dear.
    """

    names: tuple[str, ...]
    groups: tuple[str, ...]
    scope: Scope
    client_id: str | int | None


@dataclass(eq=False, slots=True, kw_only=True)
class PushConnection:
    """Any thread may send to it.

    `session` and `auth` are those of the request that opened it, for those who want to close
    the connections of a user.
    """

    outbox: Outbox = field(repr=False)
    keeper: Keeper[Any] = field(repr=False)
    names: tuple[str, ...]
    groups: tuple[str, ...]
    client_id: str
    scope: Scope
    remote_address: str
    opened_at: datetime
    session: Any = field(default=None, repr=False)
    _auth: Any = field(default=None, repr=False)
    #: Whether its end is on its way, behind what was sent before: the broadcaster's.
    is_ending: bool = field(default=False, repr=False)

    @property
    def auth(self) -> Any:
        """As `web_event.auth`; made when somebody asks."""
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
    def is_open(self) -> bool:
        """Whether events can still reach the client, as far as is known."""
        outbox = self.outbox
        return not (outbox.closed or self.is_ending) and outbox.ending is Ending.OPEN

    def last_frames(self, *, reconnect: bool, retry: int | None) -> Sequence[bytes]:
        """What is sent before the end: whether the client should come back, and after how many
        milliseconds. Where there is nothing to say, nothing is sent."""
        del reconnect, retry
        return ()

    def close(self, *, reconnect: bool = True, retry: int | None = None) -> bool:
        """Send the last frames, then end. Does not wait. False if it had ended before."""
        last = self.last_frames(reconnect=reconnect, retry=retry)
        return bool(self.keeper.end(self, *last, ending=Ending.CLEAN))

    def leave(self) -> None:
        """The engine has closed it."""
        self.keeper.let_out(self)

    def cut(self) -> bool:
        """End after what is queued, in a way that shows that something is missing."""
        return bool(self.keeper.end(self, ending=Ending.CUT))


@dataclass(frozen=True, slots=True)
class ConnectionReference:
    """A connection that a request names in its headers.

    `groups` are the connection's own. If the headers give no `name`, nobody knows which connection
    it is, and they are those of the headers.
    """

    name: str | None
    client_id: str
    groups: tuple[str, ...] = ()

    @property
    def group(self) -> str | None:
        """The first of its groups."""
        return self.groups[0] if self.groups else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionRecord:
    """How a connection is doing. Bytes are those of the frames, without HTTP's own."""

    names: tuple[str, ...]
    groups: tuple[str, ...]
    client_id: str
    scope: Scope
    remote_address: str
    opened_at: datetime
    last_write: datetime | None
    queued_events: int
    queued_bytes: int
    sent_events: int
    sent_bytes: int
    dropped_events: int


def record_fields(connection: PushConnection, last_write: datetime | None) -> dict[str, Any]:
    """The fields of a connection's record at this moment."""
    outbox = connection.outbox
    return {
        "names": connection.names,
        "groups": connection.groups,
        "client_id": connection.client_id,
        "scope": connection.scope,
        "remote_address": connection.remote_address,
        "opened_at": connection.opened_at,
        "last_write": last_write,
        "queued_events": outbox.pending,
        "queued_bytes": outbox.pending_bytes,
        "sent_events": outbox.sent_frames,
        "sent_bytes": outbox.bytes_sent,
        "dropped_events": outbox.dropped,
    }
