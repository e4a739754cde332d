"""PushHub: opens connections of one kind, sends to them, closes them. Knows no format.

A kind of connection derives from it and says what is its own: which requests can become one, the
head of the answer, the ping, the first and the last frames. A frame is bytes.

Opening: the outbox is held while the first frames are queued and the connection enters the store;
then it is released. So whoever has got the first frame is in the store, and an event sent after it
arrives. Sending: a frame is made once, and the broadcaster gives every outbox a reference to it, in
batches; a send never waits for a client.

What a backplane has to say of a new connection takes a moment, and an event loop must not wait. So
on the loop a connection enters the store at once, and a worker finishes its opening while the
outbox is held: the first frames are queued before what was sent to it meanwhile, and its end, if
it came, comes last.
"""

from __future__ import annotations

import random
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Generic, TypeVar

from pode_py.core.clock import Clock
from pode_py.core.errors import ClientDisconnected, StatusError
from pode_py.exchange.batches import StreamEngine
from pode_py.exchange.outbox import Ending, Outbox
from pode_py.exchange.stream import Keepalive
from pode_py.http.response import Response
from pode_py.observability.metrics.metric import Metric
from pode_py.push.connections.admission import Admission
from pode_py.push.connections.audience import Audience, RecentAudiences
from pode_py.push.connections.awaiting import is_on_loop
from pode_py.push.connections.broadcast import MOST_UNAWAITED, Broadcaster, PendingEvent, at_once
from pode_py.push.connections.client_ids import ClientIds
from pode_py.push.connections.connection import (
    ConnectionOptions,
    ConnectionRecord,
    PushConnection,
    Scope,
    record_fields,
)
from pode_py.push.connections.delivery import LOCAL_GRACE, Delivery, is_half_full
from pode_py.push.connections.events import ConnectionEvents
from pode_py.push.connections.levels import Levels
from pode_py.push.connections.lookups import Lookups
from pode_py.push.connections.max_age import MaxAges
from pode_py.push.connections.metrics import ConnectionMetrics
from pode_py.push.connections.near_misses import NearMisses
from pode_py.push.connections.nodes import Nodes
from pode_py.push.connections.slow_clients import SlowClients
from pode_py.push.connections.store import Store
from pode_py.push.connections.tickets import Tickets
from pode_py.web.event import WebEvent

_PING_INTERVAL = 15.0

C = TypeVar("C", bound=PushConnection)
O = TypeVar("O", bound=ConnectionOptions)  # noqa: E741 - options


class PushHub(ABC, Generic[C, O]):
    """All connections of one kind of one server. Attach it to an engine before it is used."""

    #: As Pode calls this kind: in headers, in lines of the log, in the names of metrics.
    kind: ClassVar[str]
    #: What its connections are called in messages.
    noun: ClassVar[str] = "connections"
    #: How processes come to share them, and how a user awaits a delivery: code to paste.
    remedy: ClassVar[str] = ""
    example: ClassVar[str] = "await delivery"

    _broadcaster: Broadcaster
    _submit: Callable[[Callable[[], None]], None]

    def __init__(
        self,
        clock: Clock,
        events: ConnectionEvents,
        *,
        warn: Callable[[str, str], None],
        wake_ticker: Callable[[], None],
    ) -> None:
        self.clock = clock
        self.warn = warn
        #: How the headers of requests that name a connection begin; the one that all of them have.
        self.header = f"x-pode-{self.kind.lower()}-"
        self.client_id_header = f"{self.header}client-id"
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._locals: set[C] = set()
        # Connections whose opening a worker finishes, and what is done afterwards: their ends.
        self._unfinished: dict[C, list[Callable[[], None]]] = {}
        self.events = events
        self.store: Store[C] = Store()
        self.nodes = Nodes(self.noun, self.remedy)
        self.lookups = Lookups(self.store, self.nodes, self.kind)
        self.near_misses = NearMisses(
            clock,
            self.store,
            self.lookups,
            self.run_on_worker,
            lambda text: warn(text, self.kind),
        )
        self.counters = ConnectionMetrics(f"pode_{self.kind.lower()}", self.noun)
        self._recent = RecentAudiences(self.store, self.find)
        self.client_ids = ClientIds()
        self.levels = Levels()
        self.slow_clients = SlowClients(lambda text: warn(text, self.kind))
        self.admission = Admission(self.noun)
        self.tickets = Tickets(
            clock,
            self.nodes,
            self.run_on_worker,
            f"convert_to_{self.kind.lower()}_connection",
        )
        self.max_ages = MaxAges(clock, self._end_gently, wake_ticker)
        self.default_scope: Scope = "global"
        self.ping_interval = _PING_INTERVAL
        # Seconds over which clients come back after the server closed them.
        self.reconnect_spread = 0.0

    def attach(self, engine: StreamEngine) -> None:
        """Send through this engine."""
        self._submit = engine.submit
        self._broadcaster = Broadcaster(
            engine.run_soon, self.counters.sent, engine.deliver, engine.is_io_thread, self.example
        )

    def detach(self) -> None:
        """The engine has ended. What is sent from now on reaches nobody, and waits for nobody."""
        self._broadcaster = at_once(self.counters.sent)

    def run_on_worker(self, job: Callable[[], None]) -> None:
        """Run a job that may wait, soon."""
        self._submit(job)

    def metrics(self) -> Iterable[Metric]:
        """What is counted of its connections."""
        return self.counters.metrics()

    # What a kind says for itself.

    def check_request(self, event: WebEvent, options: O) -> None:
        """Raise unless the event's request can become a connection."""

    @abstractmethod
    def head_of(self, event: WebEvent, options: O, client_id: str) -> Response:
        """The head of the answer."""

    def keepalive_of(self, options: O) -> Keepalive | None:
        """What the engine sends automatically. One object for all connections that are alike."""
        del options
        return None

    @abstractmethod
    def make_connection(self, event: WebEvent, options: O, **common: Any) -> C:
        """The connection; `common` are the fields that every kind has."""

    def first_frames(self, connection: C, options: O) -> Sequence[bytes]:
        """What the connection begins with."""
        del connection, options
        return ()

    def enter_store(self, connection: C, options: O) -> list[C]:
        """Queue the first frames and enter the store. Returns the connections it replaced."""
        connection.outbox.preload(self.first_frames(connection, options))
        return self.store.add(connection)

    def enter_store_held(self, connection: C) -> list[C]:
        """Enter the store, without the first frames: `catch_up` queues them. Returns the
        connections it replaced."""
        return self.store.add(connection)

    def catch_up(self, connection: C, options: O) -> None:
        """Queue the first frames of a connection that is in the store. May wait for nodes."""
        connection.outbox.preload(self.first_frames(connection, options))

    def entered(self, event: WebEvent, from_address: int) -> None:
        """One more connection was let in, of that many from its address."""

    def opened(self, event: WebEvent, connection: C) -> None:
        """The connection is open."""

    # Opening.

    def open(self, event: WebEvent, options: O) -> C:
        """Turn the event's request into a connection."""
        self.check_request(event, options)
        if options.scope == "global":
            self.nodes.check()
        if self._closing.is_set():
            raise StatusError(503, "The server is stopping.", headers={"Retry-After": "1"})
        client_id = self.client_ids.new(options.client_id, event.request)
        event.make_ready()
        head = self.head_of(event, options, client_id)
        address = event.request.client_address
        from_address = self.admission.enter(options.names, address)
        try:
            self.entered(event, from_address)
            outbox = event.exchange.upgrade(
                head,
                limits=self.slow_clients.limits_of(options.names),
                keepalive=self.keepalive_of(options),
            )
        except BaseException:
            self.admission.leave(options.names, address)
            raise
        connection = self._connection(event, options, client_id, outbox)
        try:
            self._begin(event, options, connection)
        except BaseException:
            # The head is on its way, and nobody would ever end the connection.
            self._unfinished.pop(connection, None)
            connection.cut()
            self.let_out(connection)
            raise
        return connection

    def _connection(self, event: WebEvent, options: O, client_id: str, outbox: Outbox) -> C:
        return self.make_connection(
            event,
            options,
            outbox=outbox,
            keeper=self,
            names=tuple(map(_shared, options.names)),
            groups=options.groups,
            client_id=client_id,
            scope=options.scope,
            remote_address=_shared(event.request.client_address),
            opened_at=self.clock.now(),
            session=event.known("session"),
            _auth=event.known("auth"),
        )

    def _begin(self, event: WebEvent, options: O, connection: C) -> None:
        self.slow_clients.watch(connection)
        finish = self._let_in(event, options, connection)
        self.max_ages.begin(connection)
        self.counters.enter(connection)
        if finish is None:
            connection.outbox.release()
        event.response.status_code = 200
        self.opened(event, connection)
        self.events.fire("connect", connection)
        event.exchange.on_close(connection.leave)
        if self._closing.is_set() and connection.is_global:  # came in as all were closed
            connection.close()
        if finish is not None:
            self._submit(finish)

    def _let_in(self, event: WebEvent, options: O, connection: C) -> Callable[[], None] | None:
        """Queue the first frames, and let it be found. Returns what a worker has to finish."""
        if connection.is_local:
            connection.outbox.preload(self.first_frames(connection, options))
            with self._lock:
                self._locals.add(connection)
            event.finishers.append(lambda failure: self.finish_local(connection, failure))
            return None
        backplane = self.nodes.backplane
        held = backplane is not None and is_on_loop()
        if held:
            self._unfinished[connection] = []
            replaced = self.enter_store_held(connection)
        else:
            replaced = self.enter_store(connection, options)
        for old in replaced:
            old.close()
        self.near_misses.entered(connection)
        if backplane is None:
            return None
        known = backplane.register(connection)
        if held:
            return lambda: self._finish_opening(connection, options, known)
        known()
        return None

    def _finish_opening(self, connection: C, options: O, known: Callable[[], object]) -> None:
        """On a worker: what an opening on the loop could not wait for."""
        try:
            self.catch_up(connection, options)
            known()
        except BaseException:
            # Its head has not been sent yet: the client must not take it for a whole stream.
            connection.cut()
            raise
        finally:
            connection.outbox.release()
            with self._lock:
                ends = self._unfinished.pop(connection, [])
            for end in ends:
                end()

    def finish_local(self, connection: C, failure: BaseException | None) -> None:
        """The route of a local connection has ended."""
        # A route that failed did not say all it had to: the client must not take the end for
        # the end of the story.
        if failure is None:
            connection.close()
        else:
            connection.cut()

    def change(self, connection: C, names: Sequence[str], groups: Sequence[str]) -> bool:
        """Give a global connection other names and groups. False if it is gone."""
        with self._lock:
            before = connection.names
            replaced = self.store.change(connection, names, groups)
            if replaced is None:
                return False
            self.admission.rename(connection, before)
        self.near_misses.entered(connection)
        if self.nodes.backplane is not None:
            known = self.nodes.backplane.register(connection)
            if not is_on_loop():
                known()
        for old in replaced:
            old.close()
        return True

    def let_out(self, connection: C) -> None:
        """The connection is gone; called once."""
        with self._lock:  # its names must not change between the two
            self.admission.leave(connection.names, connection.remote_address)
            if connection.is_global:
                self.store.remove(connection)
            else:
                self._locals.discard(connection)
        if self.nodes.backplane is not None and connection.is_global:
            self.nodes.backplane.unregister(connection)
        self.counters.leave(connection)
        self.events.fire("disconnect", connection)

    # Sending.

    def make_room(self) -> None:
        """Wait while too much is on its way to the connections of this node. Before any lock."""
        self._broadcaster.make_room()

    def check_levels(self, audience: Audience) -> None:
        """Raise PodeError below the broadcast level of a name."""
        for name in audience.names:
            self.levels.check(name, audience.groups, audience.client_ids)

    def send(self, frame: bytes, audience: Audience) -> Delivery:
        """Queue a frame to whoever is meant. Raises PodeError below a broadcast level, and on
        the event loop for far more frames than can be written unless it lets go."""
        self.check_levels(audience)
        self._broadcaster.make_room()
        found = self.find_recent(audience)
        if self.nodes.backplane is not None:
            return self.nodes.backplane.send(frame, audience)
        return self.send_at_once(frame, found)

    def find_recent(self, audience: Audience) -> Sequence[C]:
        """As `find`, for a send: it remembers what it found, and notices near misses."""
        found = self._recent.find(audience)
        if not found:
            self.near_misses.reached_nobody(audience)
        return found

    def find(self, audience: Audience) -> Sequence[C]:
        """The connections that are meant, each once. The name "*" means all names."""
        if audience.names == ("*",):
            names: Collection[str] = self.store.names()
        else:
            names = dict.fromkeys(audience.names)
        if len(names) == 1:
            (name,) = names
            return self.store.select(name, audience.groups, audience.client_ids)
        found: dict[int, C] = {}
        for name in names:
            for one in self.store.select(name, audience.groups, audience.client_ids):
                found[id(one)] = one
        return list(found.values())

    def records(self, audience: Audience) -> Sequence[ConnectionRecord]:
        """How the connections that are meant are doing."""
        return [
            ConnectionRecord(**record_fields(connection, last_write))
            for connection, last_write in self.with_last_writes(audience)
        ]

    def with_last_writes(self, audience: Audience) -> list[tuple[C, datetime | None]]:
        """The connections that are meant, each with when something was last written to it."""
        self._broadcaster.flush()
        now, monotonic = self.clock.now(), self.clock.monotonic()

        def wall(moment: float) -> datetime | None:
            return now - timedelta(seconds=monotonic - moment) if moment else None

        return [(one, wall(one.outbox.last_write)) for one in self.find(audience)]

    def queue(self, frame: bytes, audience: Audience, event_id: str | None = None) -> Delivery:
        """Give a frame, which has this id, to the connections of this node that are meant."""
        pending = self._broadcaster.send(frame, self._recent.find(audience))
        return Delivery(pending, self._broadcaster, event_id)

    def send_at_once(
        self, frame: bytes, found: Sequence[C], event_id: str | None = None
    ) -> Delivery:
        """As `queue_to`; a single connection that is idle is written to on this thread. Not under a
        lock."""
        pending = self._broadcaster.send_at_once(frame, found)
        return Delivery(pending, self._broadcaster, event_id)

    def queue_to(self, frame: bytes, found: Sequence[C], event_id: str | None = None) -> Delivery:
        """Give a frame, which has this id, to these connections."""
        return Delivery(self._broadcaster.send(frame, found), self._broadcaster, event_id)

    def send_local(self, connection: C, frame: bytes, event_id: str | None = None) -> Delivery:
        """Queue a frame to a local connection, at the pace of its client."""
        outbox = connection.outbox
        if outbox.closed:  # nobody is there to go on for
            raise ClientDisconnected
        if is_half_full(outbox, len(frame)):
            # The route goes at the pace of its only client instead of overflowing its queue.
            if not is_on_loop():
                outbox.wait(outbox.queued, LOCAL_GRACE)
            elif outbox.pending_bytes > MOST_UNAWAITED:
                raise self._broadcaster.too_much()
        pending = PendingEvent(frame, (connection,))
        number = 0 if connection.is_ending else outbox.send(frame)
        pending.arrived([number])
        self.counters.sent(1, 1 if number else 0)
        return Delivery(pending, self._broadcaster, event_id, goes_at_pace=True)

    # Closing.

    def end(self, connection: C, *last: bytes, ending: Ending) -> bool:
        """End a connection after all that was sent before. False if it had ended already."""
        if not self._broadcaster.claim_end(connection):
            return False
        if self.nodes.backplane is None:
            self._broadcaster.end(connection, last, ending)
            return True

        def end() -> None:
            self._broadcaster.end(connection, last, ending)

        backplane = self.nodes.backplane
        with self._lock:
            waiting = self._unfinished.get(connection)
            if waiting is not None:
                waiting.append(lambda: backplane.when_arrived(end))
        if waiting is None:
            backplane.when_arrived(end)
        return True

    def close(
        self,
        audience: Audience,
        where: Callable[[C], object] | None = None,
        *,
        reconnect: bool = True,
    ) -> int:
        """End the connections that are meant. Returns how many there were.

        With `where` only those of this node, as nobody else has their session.
        """
        found = self.find(audience)
        if not found:
            self.near_misses.reached_nobody(audience)
        elsewhere = 0
        if where is not None:
            found = [connection for connection in found if where(connection)]
        elif self.nodes.backplane is not None:
            request = {"do": "close", "reconnect": reconnect}
            elsewhere = self.nodes.backplane.ask(audience, request)
        return elsewhere + sum(connection.close(reconnect=reconnect) for connection in found)

    def close_all(self) -> None:
        """End every global connection, and let none in any more: the server stops."""
        self._closing.set()
        for connection in self.store.everybody():
            self._end_gently(connection)

    def close_locals(self) -> None:
        """End the local connections whose route did not finish within the grace time."""
        with self._lock:
            late = list(self._locals)
        for connection in late:
            self._end_gently(connection)

    def spread_of(self, connection: C) -> float:
        """Seconds over which clients of this kind of connection come back."""
        del connection
        return self.reconnect_spread

    def _end_gently(self, connection: C) -> None:
        spread = self.spread_of(connection)
        retry = random.randrange(int(spread * 1000) + 1) if spread else None
        connection.close(retry=retry)


def _shared(text: str) -> str:
    """The text as one object for thousands of connections; a subclass of str stays its own."""
    return sys.intern(text) if type(text) is str else text
