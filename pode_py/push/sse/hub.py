"""Hub: opens event streams, sends to them, closes them.

Opening: the outbox is held while head, retry and `pode.open` are queued and the connection enters
the store; then it is released. So whoever has seen `pode.open` is in the store, and an event sent
after it arrives. Sending: the frame is encoded once and every outbox takes a reference to it; a
send never waits for a client.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from pode_py.core.clock import Clock
from pode_py.core.errors import PodeError, StatusError
from pode_py.exchange.exchange import Keepalive
from pode_py.exchange.outbox import Outbox
from pode_py.http.accept import parse_accept
from pode_py.http.response import Response
from pode_py.push.sse import frames
from pode_py.push.sse.client_ids import ClientIds, to_header
from pode_py.push.sse.connection import Scope, SseConnection, SseReference
from pode_py.push.sse.delivery import Delivery
from pode_py.push.sse.levels import Levels
from pode_py.push.sse.watchers import Watchers
from pode_py.push.store import Store
from pode_py.web.event import WebEvent

_PING_INTERVAL = 15.0
_OUTBOX_LIMIT = 1 << 20
# How long a local route waits for a client that does not read, before its next event is queued.
_LOCAL_PATIENCE = 30.0
_METHODS = ("GET", "POST")
# What described a body that will not come.
_BODY_HEADERS = frozenset(
    {"content-type", "content-encoding", "content-disposition", "cache-control", "etag"}
    | {"last-modified", "x-accel-buffering"}
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a route asks of a new connection."""

    name: str
    group: str | None
    scope: Scope
    retry_duration: int
    client_id: str | int | None
    allow_all_origins: bool
    force: bool


class SseHub:
    """All event streams of one server."""

    def __init__(self, clock: Clock, watchers: Watchers) -> None:
        self._clock = clock
        self._closing = False
        self._lock = threading.Lock()
        self._locals: set[SseConnection] = set()
        self.watchers = watchers
        self.store: Store[SseConnection] = Store()
        self.client_ids = ClientIds()
        self.levels = Levels()
        self.default_scope: Scope = "global"
        self.ping_interval = _PING_INTERVAL

    def open(self, event: WebEvent, wish: Wish) -> SseConnection:
        """Turn the event's request into a stream."""
        self._check(event, wish)
        client_id = self.client_ids.new(wish.client_id, event.request)
        head = self._head(event, wish, client_id)
        first = frames.open_frame(client_id, wish.group, wish.name)
        keepalive = Keepalive(frames.PING, self.ping_interval)
        outbox = event.exchange.upgrade(head, limit=_OUTBOX_LIMIT, keepalive=keepalive)
        connection = SseConnection(
            outbox,
            name=wish.name,
            group=wish.group,
            client_id=client_id,
            scope=wish.scope,
            last_event_id=event.headers.get("last-event-id"),
            remote_address=event.request.remote_address,
            opened_at=self._clock.now(),
        )
        if wish.retry_duration:
            outbox.put(frames.retry_frame(wish.retry_duration))
        outbox.put(first)
        self._let_in(event, connection)
        outbox.release()
        event.response.status_code = 200
        event.sse = connection
        self.watchers.fire("connect", connection)
        event.exchange.on_close(lambda: self._let_out(connection))
        return connection

    def send(
        self,
        frame: bytes,
        names: Sequence[str],
        groups: Collection[str] = (),
        client_ids: Collection[str] = (),
    ) -> Delivery:
        """Queue the frame to whoever is meant. Raises PodeError below a broadcast level."""
        for name in names:
            self.levels.check(name, groups, client_ids)
        matched = 0
        tickets: list[tuple[Outbox, int]] = []
        for name in dict.fromkeys(names):
            found = self.store.select(name, groups, client_ids)
            matched += len(found)
            for connection in found:
                outbox = connection.outbox
                if number := outbox.put(frame):
                    tickets.append((outbox, number))
        return Delivery(matched, tickets)

    def send_from(self, event: WebEvent, frame: bytes, name: str | None) -> Delivery:
        """Queue the frame to the connection that the event is about."""
        sse = event.sse
        if isinstance(sse, SseConnection) and sse.is_local:
            return self._send_local(sse, frame)
        if sse is None:
            raise PodeError(
                "from_event=True needs a request that was converted to an SSE connection or "
                "carries the X-PODE-SSE-* headers. Pass name= instead."
            )
        target = name or sse.name
        if not target:
            raise PodeError(
                "The request carries X-PODE-SSE-CLIENT-ID but no X-PODE-SSE-NAME: pass name= "
                "to send_sse_event."
            )
        groups: Sequence[str] = ()
        if isinstance(sse, SseReference):
            groups = sse.groups
        return self.send(frame, [target], groups, [sse.client_id])

    def close(
        self, name: str, groups: Collection[str] = (), client_ids: Collection[str] = ()
    ) -> int:
        """End the connections that are meant. Gives how many there were."""
        return sum(connection.close() for connection in self.store.select(name, groups, client_ids))

    def close_all(self) -> None:
        """End every global stream, and let none in any more: the server stops."""
        self._closing = True
        for connection in self.store.everybody():
            connection.close()

    def close_locals(self) -> None:
        """End the local streams whose route did not finish in time."""
        with self._lock:
            late = list(self._locals)
        for connection in late:
            connection.close()

    def _check(self, event: WebEvent, wish: Wish) -> None:
        if event.request.http_method not in _METHODS:
            raise StatusError(
                405,
                "Only GET and POST requests can become SSE connections.",
                headers={"Allow": ", ".join(_METHODS)},
            )
        if event.exchange.upgraded or event.exchange.replied:
            raise PodeError("This request is an SSE connection already. Convert it once.")
        if not wish.force and not _wants_events(event):
            raise StatusError(
                406,
                "This is an event stream: the request's Accept header must name text/event-stream.",
            )
        if self._closing:
            raise StatusError(503, "The server is stopping.", headers={"Retry-After": "1"})

    def _head(self, event: WebEvent, wish: Wish, client_id: str) -> Response:
        head = Response(200)
        for name, value in event.response.headers.fields():
            if name.lower() not in _BODY_HEADERS:
                head.headers.add(name, value)
        head.headers["Content-Type"] = "text/event-stream"
        head.headers["Cache-Control"] = "no-cache, no-transform"
        # nginx holds a response back until its buffer is full, unless it is told not to.
        head.headers["X-Accel-Buffering"] = "no"
        head.headers["X-Pode-Sse-Client-Id"] = to_header(client_id)
        head.headers["X-Pode-Sse-Name"] = to_header(wish.name)
        if wish.group:
            head.headers["X-Pode-Sse-Group"] = to_header(wish.group)
        if wish.allow_all_origins:
            head.headers["Access-Control-Allow-Origin"] = "*"
        return head

    def _let_in(self, event: WebEvent, connection: SseConnection) -> None:
        if connection.is_global:
            replaced = self.store.add(connection)
            if replaced is not None:
                replaced.close()
            return
        with self._lock:
            self._locals.add(connection)
        event.finishers.append(lambda failure: self._finish_local(connection, failure))

    def _finish_local(self, connection: SseConnection, failure: BaseException | None) -> None:
        # A route that failed did not say all it had to: the client must not take the end for
        # the end of the story.
        if failure is None:
            connection.close()
        else:
            connection.cut()

    def _let_out(self, connection: SseConnection) -> None:
        if connection.is_global:
            self.store.remove(connection)
        else:
            with self._lock:
                self._locals.discard(connection)
        self.watchers.fire("disconnect", connection)

    @staticmethod
    def _send_local(connection: SseConnection, frame: bytes) -> Delivery:
        outbox = connection.outbox
        if outbox.pending_bytes + len(frame) > outbox.limit // 2:
            # The route goes at the pace of its only client instead of overflowing its queue.
            outbox.wait(outbox.queued, _LOCAL_PATIENCE)
        number = outbox.put(frame)
        return Delivery(1, [(outbox, number)] if number else [])


def _wants_events(event: WebEvent) -> bool:
    """Whether the Accept header names event streams. ``*/*`` alone is any client's default."""
    choices = dict(reversed(parse_accept(event.headers.get("accept"))))
    return choices.get("text/event-stream", choices.get("text/*", 0.0)) > 0


def checked_name(argument: str, value: Any) -> str:
    """A name, group or client id that can travel in a header and in `pode.open`."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str):
        raise TypeError(f"{argument} takes a str, not {value!r}.")
    if not text:
        raise ValueError(f"{argument} must not be empty.")
    if any(character in text for character in "\r\n\x00"):
        raise ValueError(f"{argument}={text!r} must not contain CR, LF or NUL.")
    return text
