"""SseHub: event streams, their ids and their histories.

Where a name keeps a history, one lock covers numbering an event, storing it and queueing it, and
on the other side reading what was missed and entering the store. So every stream gets the events
in the order of their numbers, each exactly once, whenever its client comes back.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Sequence
from typing import Any

from pode_py.core.clock import Clock
from pode_py.core.errors import PodeError, ServerStopping, StatusError
from pode_py.exchange.stream import Keepalive
from pode_py.http.response import Response
from pode_py.push.connections.audience import Audience
from pode_py.push.connections.connection import record_fields
from pode_py.push.connections.delivery import Delivery
from pode_py.push.connections.events import ConnectionEvents
from pode_py.push.connections.hub import PushHub
from pode_py.push.connections.identify import identify
from pode_py.push.connections.nodes import Backplane
from pode_py.push.sse import frames
from pode_py.push.sse.connection import (
    SseConnection,
    SseConnectionFacts,
    SseOptions,
    SseReference,
)
from pode_py.push.sse.handshake import (
    BrowserWarnings,
    check_request,
    cursor_of,
    first_frames,
    head_for,
    keepalive_of,
)
from pode_py.push.sse.history import History, Replay, StoredEvent
from pode_py.web.event import WebEvent


class SseHub(PushHub[SseConnection, SseOptions]):
    """All event streams of one server."""

    kind = "SSE"
    noun = "event streams"
    remedy = 'enable_sse_backplane("redis://localhost")'
    example = "await send_sse_event(...)"

    def __init__(
        self,
        clock: Clock,
        events: ConnectionEvents,
        *,
        warn: Callable[[str, str], None],
        wake_ticker: Callable[[], None],
    ) -> None:
        super().__init__(clock, events, warn=warn, wake_ticker=wake_ticker)
        #: Held over numbering, storing and queueing an event, and over entering the store.
        self.order = threading.Lock()
        self.history = History(secrets.token_hex(4))
        #: Streams that get stored events, past and new ones, once it is known what they missed.
        self.catching_up: set[SseConnection] = set()
        self._browsers = BrowserWarnings(warn)

    def join(self, backplane: Backplane, history: History) -> None:
        """Share events, and their history, with other nodes. Before the server starts."""
        self.nodes.backplane = backplane
        self.history = history

    # What is its own.

    def check_request(self, event: WebEvent, options: SseOptions) -> None:
        check_request(event, force=options.force)
        if options.backlog:
            self._check_backlog(options)

    def head_of(self, event: WebEvent, options: SseOptions, client_id: str) -> Response:
        return head_for(event, options, client_id)

    def keepalive_of(self, options: SseOptions) -> Keepalive:
        return keepalive_of(options.style, self.ping_interval)

    def make_connection(self, event: WebEvent, options: SseOptions, **common: Any) -> SseConnection:
        return SseConnection(style=options.style, last_event_id=cursor_of(event), **common)

    def first_frames(self, connection: SseConnection, options: SseOptions) -> list[bytes]:
        return self._first_frames(connection, options, None)

    def enter_store(self, connection: SseConnection, options: SseOptions) -> list[SseConnection]:
        if not self.keeps(connection.names):
            return super().enter_store(connection, options)
        self._prepare(connection)
        with self.order:
            self._preload(connection, options)
            return self.store.add(connection)

    def enter_store_held(self, connection: SseConnection) -> list[SseConnection]:
        with self.order:
            self.catching_up.add(connection)
            return self.store.add(connection)

    def catch_up(self, connection: SseConnection, options: SseOptions) -> None:
        try:
            if self.keeps(connection.names):
                self._prepare(connection)
        finally:
            with self.order:
                self.catching_up.discard(connection)
                if not connection.outbox.closed:
                    self._preload(connection, options)

    def let_out(self, connection: SseConnection) -> None:
        self.catching_up.discard(connection)
        super().let_out(connection)

    def entered(self, event: WebEvent, from_address: int) -> None:
        self._browsers.count(event.request, from_address)

    def opened(self, event: WebEvent, connection: SseConnection) -> None:
        event.sse = connection

    def finish_local(self, connection: SseConnection, failure: BaseException | None) -> None:
        # A route that the server's stop has ended could not say all, and says goodbye.
        stopped = isinstance(failure, ServerStopping)
        super().finish_local(connection, None if stopped else failure)

    def spread_of(self, connection: SseConnection) -> float:
        # A plain stream has no line that nobody asked for.
        return 0.0 if connection.is_plain else self.reconnect_spread

    def identify(self, event: WebEvent) -> None:
        """Set `event.sse` if the request names a stream."""
        given = event.request.headers.get(self.client_id_header)  # so much is done for each request
        if given:
            found = identify(self, event, given)
            event.sse = SseReference(found.name, found.client_id, found.groups)

    def _prepare(self, connection: SseConnection) -> None:
        """Hear of what the client has seen elsewhere. May wait for Redis."""
        if self.nodes.backplane is not None and connection.last_event_id is not None:
            self.nodes.backplane.prepare(connection.last_event_id)

    def _check_backlog(self, options: SseOptions) -> None:
        """Raise PodeError for a backlog that would always be empty."""
        if options.scope == "local":
            raise PodeError(
                f"backlog={options.backlog} needs a history, and a local connection has none: send "
                "it what it is to get at first, or leave out scope='local'."
            )
        if not self.keeps(options.names):
            what = f"backlog={options.backlog} has nothing to send"
            raise PodeError(_no_history(what, options.names))

    def _preload(self, connection: SseConnection, options: SseOptions) -> None:
        """Queue what it begins with and what its client has missed. Under the order lock."""
        replay = None
        if self.keeps(connection.names):
            cursor, now = connection.last_event_id, self.clock.monotonic()
            replay = self.history.replay(cursor, connection, now, options.backlog)
        connection.outbox.preload(self._first_frames(connection, options, replay))

    def _first_frames(
        self, connection: SseConnection, options: SseOptions, replay: Replay | None
    ) -> list[bytes]:
        first = first_frames(connection, replay)
        if options.retry_duration:
            first.insert(0, frames.retry_frame(options.retry_duration))
        return first

    def keeps(self, names: Sequence[str]) -> bool:
        """Whether one of the names keeps a history."""
        return self.history.active and any(map(self.history.keeps, names))

    def cursor(self, names: Sequence[str]) -> str:
        """The id of the latest event, of whatever name. Raises PodeError where it means nothing."""
        if not self.keeps(names):
            raise PodeError(_no_history("There is no event to connect from", names))
        with self.order:
            return self.history.position

    # Sending.

    def send(self, frame: bytes, audience: Audience, event_id: str | None = None) -> Delivery:
        """Queue an event to whoever is meant; its frame has no id yet. `event_id` is its sender's
        own."""
        self.check_levels(audience)
        self._broadcaster.make_room()
        found = self.find_recent(audience)
        if self.nodes.backplane is not None:
            return self.nodes.backplane.send(frame, audience, event_id)
        if not self.keeps(audience.names):
            return self.send_at_once(frames.with_own_id(event_id, frame), found, event_id)
        with self.order:
            event_id = event_id or self.history.next_id()
            frame = self._store(frame, audience, event_id)
            return self.queue(frame, audience, event_id)

    def send_where(
        self,
        frame: bytes,
        audience: Audience,
        where: Callable[[SseConnection], object],
        event_id: str | None = None,
    ) -> Delivery:
        """Queue an event to those of this process who are meant and whom `where` chooses. It is
        kept for their client ids."""
        self.check_levels(audience)
        if self.nodes.backplane is not None:
            raise PodeError(
                "send_sse_event(where=...) chooses among the streams of this process, and with a "
                "backplane other processes have streams, too. Send to a group= or client_id= "
                "instead; join_sse_group puts open streams into a group."
            )
        self._broadcaster.make_room()
        chosen = [connection for connection in self.find(audience) if where(connection)]
        if not chosen or not self.keeps(audience.names):
            return self.queue_to(frames.with_own_id(event_id, frame), chosen, event_id)
        client_ids = tuple(connection.client_id for connection in chosen)
        with self.order:
            event_id = event_id or self.history.next_id()
            frame = self._store(frame, audience._replace(client_ids=client_ids), event_id)
            return self.queue_to(frame, chosen, event_id)

    def _store(self, frame: bytes, audience: Audience, event_id: str) -> bytes:
        """Keep an event, under the order lock. Returns its frame with the id."""
        frame = frames.with_id(event_id, frame)
        self.history.store(
            audience.names,
            StoredEvent(
                number=self.history.next_number,
                event_id=event_id,
                frame=frame,
                groups=frozenset(group.casefold() for group in audience.groups),
                client_ids=frozenset(audience.client_ids),
                at=self.clock.monotonic(),
            ),
        )
        return frame

    def send_from(
        self, event: WebEvent, frame: bytes, name: str | None, event_id: str | None = None
    ) -> Delivery:
        """Queue the event to the stream that the web event is about."""
        sse = event.sse
        if isinstance(sse, SseConnection) and sse.is_local:
            return self.send_local(sse, frames.with_own_id(event_id, frame), event_id)
        if sse is None:
            raise StatusError(
                400,
                "This request names no event stream: it needs the X-PODE-SSE-CLIENT-ID and "
                "X-PODE-SSE-NAME headers, or its route must pass name= to send_sse_event.",
            )
        target = name or sse.name
        if not target:
            raise StatusError(
                400,
                "A name is needed: the X-PODE-SSE-NAME header beside X-PODE-SSE-CLIENT-ID, or "
                "name= of send_sse_event in the route.",
            )
        # Only who does not know the stream has nothing but the groups to go by.
        groups = sse.groups if sse.name is None else ()
        return self.send(frame, Audience((target,), groups, (sse.client_id,)), event_id)

    def records(self, audience: Audience) -> list[SseConnectionFacts]:
        """How the streams that are meant are doing."""
        return [
            SseConnectionFacts(
                **record_fields(connection, last_write), last_event_id=connection.last_event_id
            )
            for connection, last_write in self.with_last_writes(audience)
        ]


def _no_history(what: str, names: Sequence[str]) -> str:
    name = repr(names[0]) if names else "..."
    return (
        f"{what}, because {name} keeps no history. Call set_sse_history({name}) in the set-up "
        "function."
    )
