"""Hub: opens event streams, sends to them, closes them.

Opening: the outbox is held while head, retry, `pode.open` and missed events are queued and the
connection enters the store; then it is released. So whoever has seen `pode.open` is in the store,
and an event sent after it arrives. Sending: the frame is encoded once, and the dispatcher gives
every outbox a reference to it, in batches; a send never waits for a client.

Where a name keeps a history, one lock covers numbering an event, keeping it and queueing it, and
on the other side reading what was missed and entering the store. So every connection gets the
events in the order of their numbers, each exactly once, whenever it comes back.
"""

from __future__ import annotations

import random
import secrets
import sys
import threading
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta

from pode_py.core.clock import Clock
from pode_py.core.errors import ClientDisconnected, PodeError, ServerStopping, StatusError
from pode_py.exchange.batches import StreamEngine
from pode_py.exchange.outbox import Ending, Outbox
from pode_py.push.connections.admission import Admission
from pode_py.push.connections.audience import Recent
from pode_py.push.connections.awaiting import is_on_loop
from pode_py.push.connections.broadcast import MOST_UNAWAITED, TOO_MUCH_UNAWAITED, Dispatcher
from pode_py.push.connections.client_ids import ClientIds
from pode_py.push.connections.delivery import LOCAL_PATIENCE, Delivery, is_half_full
from pode_py.push.connections.events import Watchers
from pode_py.push.connections.levels import Levels
from pode_py.push.connections.lookups import Directory
from pode_py.push.connections.max_age import Ages
from pode_py.push.connections.messages import Audience, Message
from pode_py.push.connections.metrics import SseCounters
from pode_py.push.connections.nodes import Backplane
from pode_py.push.connections.parcels import Parcel
from pode_py.push.connections.siblings import Siblings
from pode_py.push.connections.slow_clients import SlowClients
from pode_py.push.connections.store import Store
from pode_py.push.connections.tickets import Tickets
from pode_py.push.sse import frames
from pode_py.push.sse.connection import (
    Scope,
    SseConnection,
    SseConnectionFacts,
    SseReference,
    record_of,
)
from pode_py.push.sse.handshake import (
    Wish,
    check_request,
    cursor_of,
    first_frames,
    head_for,
    keepalive_of,
)
from pode_py.push.sse.history import History, Kept
from pode_py.web.event import WebEvent

_PING_INTERVAL = 15.0


class SseHub:
    """All event streams of one server. Attach it to an engine before it is used."""

    _dispatcher: Dispatcher

    def __init__(
        self,
        clock: Clock,
        watchers: Watchers,
        *,
        warn: Callable[[str, str], None],
        poke_ticker: Callable[[], None],
    ) -> None:
        self.clock = clock
        self.warn = warn
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._locals: set[SseConnection] = set()
        #: Held over numbering, keeping and queueing an event, and over entering the store.
        self.order = threading.Lock()
        self.watchers = watchers
        self.store: Store[SseConnection] = Store()
        self.directory = Directory(self.store)
        self.backplane: Backplane | None = None
        self.counters = SseCounters()
        self._recent = Recent(self.store, self.find)
        self.client_ids = ClientIds()
        self.levels = Levels()
        self.history = History(secrets.token_hex(4))
        self.slow_clients = SlowClients(warn)
        self.admission = Admission(warn)
        self.siblings = Siblings()
        self.tickets = Tickets(clock)
        self.ages = Ages(clock, self._end_gently, poke_ticker)
        self.default_scope: Scope = "global"
        self.ping_interval = _PING_INTERVAL
        # Seconds over which clients come back after the server closed them.
        self.reconnect_spread = 0.0

    def attach(self, engine: StreamEngine) -> None:
        """Send through this engine."""
        self._dispatcher = Dispatcher(
            engine.run_soon, self.counters.sent, engine.deliver, engine.is_io_thread
        )

    def join(self, backplane: Backplane, history: History) -> None:
        """Share events, and their history, with other nodes. Before the server starts."""
        self.backplane = self.directory.backplane = self.tickets.backplane = backplane
        self.history = history

    @property
    def has_backplane(self) -> bool:
        """Whether events reach the streams of other processes."""
        return self.backplane is not None

    # Opening.

    def open(self, event: WebEvent, wish: Wish) -> SseConnection:
        """Turn the event's request into a stream."""
        check_request(event, force=wish.force)
        if wish.scope == "global" and not self.has_backplane:
            self.siblings.check()
        if self._closing.is_set():
            raise StatusError(503, "The server is stopping.", headers={"Retry-After": "1"})
        client_id = self.client_ids.new(wish.client_id, event.request)
        event.make_ready()
        head = head_for(event, wish, client_id)
        request = event.request
        self.admission.enter(wish.names, request.remote_address, request.http_version)
        try:
            outbox = event.exchange.upgrade(
                head,
                limits=self.slow_clients.limits_of(wish.names),
                keepalive=keepalive_of(wish.style, self.ping_interval),
            )
        except BaseException:
            self.admission.leave(wish.names, event.request.remote_address)
            raise
        connection = self._connection(event, wish, client_id, outbox)
        try:
            self._begin(event, wish, connection)
        except BaseException:
            # The head is on its way, and nobody would ever end the stream.
            connection.cut()
            self.let_out(connection)
            raise
        return connection

    def _begin(self, event: WebEvent, wish: Wish, connection: SseConnection) -> None:
        outbox = connection.outbox
        self.slow_clients.watch(connection)
        if wish.retry_duration:
            outbox.preload([frames.retry_frame(wish.retry_duration)])
        self._let_in(event, connection)
        if self.backplane is not None and connection.is_global:
            self.backplane.register(connection)
        self.ages.begin(connection)
        self.counters.enter(connection)
        outbox.release()
        event.response.status_code = 200
        event.sse = connection
        self.watchers.fire("connect", connection)
        event.exchange.on_close(connection.leave)
        if self._closing.is_set() and connection.is_global:  # came in as all were closed
            connection.close()

    def change(
        self, connection: SseConnection, names: Sequence[str], groups: Sequence[str]
    ) -> bool:
        """Give a global connection other names and groups. False if it is gone."""
        with self._lock:
            before = connection.names
            replaced = self.store.change(connection, names, groups)
            if replaced is None:
                return False
            self.admission.rename(connection, before)
        if self.backplane is not None:
            self.backplane.register(connection)
        for old in replaced:
            old.close()
        return True

    def _connection(
        self, event: WebEvent, wish: Wish, client_id: str, outbox: Outbox
    ) -> SseConnection:
        return SseConnection(
            outbox=outbox,
            keeper=self,
            names=tuple(map(_shared, wish.names)),
            groups=wish.groups,
            client_id=client_id,
            scope=wish.scope,
            style=wish.style,
            last_event_id=cursor_of(event),
            remote_address=_shared(event.request.remote_address),
            opened_at=self.clock.now(),
            session=event.known("session"),
            _auth=event.known("auth"),
        )

    def _let_in(self, event: WebEvent, connection: SseConnection) -> None:
        if connection.is_local:
            connection.outbox.preload(first_frames(connection))
            with self._lock:
                self._locals.add(connection)
            event.finishers.append(lambda failure: self._finish_local(connection, failure))
            return
        if self.history.active and any(map(self.history.keeps, connection.names)):
            if self.backplane is not None and connection.last_event_id is not None:
                self.backplane.prepare(connection.last_event_id)
            with self.order:
                connection.outbox.preload(self._replay(connection))
                replaced = self.store.add(connection)
        else:
            connection.outbox.preload(first_frames(connection))
            replaced = self.store.add(connection)
        for old in replaced:
            old.close()

    def _replay(self, connection: SseConnection) -> list[bytes]:
        """What it begins with, what it has missed included. Called under the order lock."""
        owed = self.history.owed(connection.last_event_id, connection, self.clock.monotonic())
        return first_frames(connection, owed)

    def _finish_local(self, connection: SseConnection, failure: BaseException | None) -> None:
        # A route that failed did not say all it had to: the client must not take the end for
        # the end of the story.
        # One that the server's stop has ended could not, and says goodbye.
        if failure is None or isinstance(failure, ServerStopping):
            connection.close()
        else:
            connection.cut()

    def let_out(self, connection: SseConnection) -> None:
        """The connection is gone; called once."""
        with self._lock:  # its names must not change between the two
            self.admission.leave(connection.names, connection.remote_address)
            if connection.is_global:
                self.store.remove(connection)
            else:
                self._locals.discard(connection)
        if self.backplane is not None and connection.is_global:
            self.backplane.unregister(connection)
        self.counters.leave(connection)
        self.watchers.fire("disconnect", connection)

    # Sending.

    def make_room(self) -> None:
        """Wait while too much is on its way to the streams of this node. Before any lock."""
        self._dispatcher.make_room()

    def send(self, message: Message, audience: Audience) -> Delivery:
        """Queue the event to whoever is meant. Raises PodeError below a broadcast level, and on
        the event loop for far more events than can be written unless it lets go."""
        for name in audience.names:
            self.levels.check(name, audience.groups, audience.client_ids)
        self._dispatcher.make_room()
        if self.backplane is not None:
            return self.backplane.send(message, audience)
        if not self.history.active or not any(map(self.history.keeps, audience.names)):
            return self.queue(message.with_own_id(), audience)
        with self.order:
            event_id = message.event_id or self.history.next_id()
            frame = frames.with_id(event_id, message.frame)
            self.history.keep(
                audience.names,
                Kept(
                    number=self.history.next_number,
                    event_id=event_id,
                    frame=frame,
                    groups=frozenset(group.casefold() for group in audience.groups),
                    client_ids=frozenset(audience.client_ids),
                    at=self.clock.monotonic(),
                ),
            )
            return self.queue(frame, audience)

    def send_from(self, event: WebEvent, message: Message, name: str | None) -> Delivery:
        """Queue the event to the connection that the web event is about."""
        sse = event.sse
        if isinstance(sse, SseConnection) and sse.is_local:
            return self._send_local(sse, message.with_own_id())
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
        groups = sse.groups if isinstance(sse, SseReference) else ()
        return self.send(message, Audience((target,), groups, (sse.client_id,)))

    def find(self, audience: Audience) -> Sequence[SseConnection]:
        """The connections that are meant, each once. The name "*" means all names."""
        if audience.names == ("*",):
            names: Collection[str] = self.store.names()
        else:
            names = dict.fromkeys(audience.names)
        if len(names) == 1:
            (name,) = names
            return self.store.select(name, audience.groups, audience.client_ids)
        found: dict[int, SseConnection] = {}
        for name in names:
            for one in self.store.select(name, audience.groups, audience.client_ids):
                found[id(one)] = one
        return list(found.values())

    def facts(self, audience: Audience) -> list[SseConnectionFacts]:
        """How the connections that are meant are doing."""
        self._dispatcher.flush()
        now, monotonic = self.clock.now(), self.clock.monotonic()

        def wall(moment: float) -> datetime | None:
            return now - timedelta(seconds=monotonic - moment) if moment else None

        return [
            record_of(connection, wall(connection.outbox.last_write))
            for connection in self.find(audience)
        ]

    def queue(self, frame: bytes, audience: Audience) -> Delivery:
        """Give a frame, which has its id by now, to the streams of this node."""
        parcel = self._dispatcher.send(frame, self._recent.find(audience))
        return Delivery(parcel, self._dispatcher)

    def queue_to(self, frame: bytes, found: Sequence[SseConnection]) -> Delivery:
        """Give a frame to these streams."""
        return Delivery(self._dispatcher.send(frame, found), self._dispatcher)

    def _send_local(self, connection: SseConnection, frame: bytes) -> Delivery:
        outbox = connection.outbox
        if outbox.closed:  # nobody is there to go on for
            raise ClientDisconnected
        if is_half_full(outbox, len(frame)):
            # The route goes at the pace of its only client instead of overflowing its queue.
            if not is_on_loop():
                outbox.wait(outbox.queued, LOCAL_PATIENCE)
            elif outbox.pending_bytes > MOST_UNAWAITED:
                raise PodeError(TOO_MUCH_UNAWAITED)
        parcel = Parcel(frame, (connection,))
        number = 0 if connection.is_ending else outbox.put(frame)
        parcel.arrived([number], 0)
        self.counters.sent(1, 1 if number else 0)
        return Delivery(parcel, self._dispatcher, goes_at_pace=True)

    # Closing.

    def end(self, connection: SseConnection, *last: bytes, ending: Ending) -> bool:
        """End a connection after all that was sent before. False if it had ended already."""
        if not self._dispatcher.claim_end(connection):
            return False
        if self.backplane is None:
            self._dispatcher.end(connection, last, ending)
        else:
            self.backplane.when_arrived(lambda: self._dispatcher.end(connection, last, ending))
        return True

    def close(
        self,
        audience: Audience,
        where: Callable[[SseConnection], object] | None = None,
        *,
        reconnect: bool = True,
    ) -> int:
        """End the connections that are meant. Gives how many there were.

        With `where` only those of this node, as nobody else has their session.
        """
        found = self.find(audience)
        elsewhere = 0
        if where is not None:
            found = [connection for connection in found if where(connection)]
        elif self.backplane is not None:
            request = {"do": "close", "reconnect": reconnect}
            elsewhere = self.backplane.ask(audience, request)
        return elsewhere + sum(connection.close(reconnect=reconnect) for connection in found)

    def close_all(self) -> None:
        """End every global stream, and let none in any more: the server stops."""
        self._closing.set()
        for connection in self.store.everybody():
            self._end_gently(connection)

    def close_locals(self) -> None:
        """End the local streams whose route did not finish within the grace time."""
        with self._lock:
            late = list(self._locals)
        for connection in late:
            self._end_gently(connection)

    def _end_gently(self, connection: SseConnection) -> None:
        # A plain stream has no line that nobody asked for.
        spread = 0.0 if connection.is_plain else self.reconnect_spread
        retry = random.randrange(int(spread * 1000) + 1) if spread else None
        connection.close(retry=retry)


def _shared(text: str) -> str:
    """The text as one object for thousands of connections; a subclass of str stays its own."""
    return sys.intern(text) if type(text) is str else text
