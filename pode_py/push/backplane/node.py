"""Node: this server among others that share its event streams through Redis. The backplane that
the hub talks to.

    any thread --send--> Replication --take--> Sender -----> Redis: number, keep, publish
                            ^                              |
    streams <--queue------- Replication <--receive-- Receiver <-
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from pode_py.core.clock import Clock
from pode_py.observability.metrics.metric import Metric
from pode_py.push.backplane.codec import Envelope
from pode_py.push.backplane.cursors import NODE_DIGITS, Cursor
from pode_py.push.backplane.lease import Lease
from pode_py.push.backplane.options import BackplaneOptions
from pode_py.push.backplane.presence import Presence
from pode_py.push.backplane.redis.receiver import Receiver
from pode_py.push.backplane.redis.sender import Sender
from pode_py.push.backplane.redis.server import RedisNode, RedisServer
from pode_py.push.backplane.redis.session import new_epoch
from pode_py.push.backplane.replicated_history import ReplicatedHistory
from pode_py.push.backplane.replication import Replication
from pode_py.push.connections.audience import Audience
from pode_py.push.connections.awaiting import is_on_loop
from pode_py.push.connections.connection import PushConnection
from pode_py.push.connections.delivery import Delivery
from pode_py.push.connections.regrouping import Change, regroup_here
from pode_py.push.sse.hub import SseHub

T = TypeVar("T")

_LONGEST_TICKET = 100


class Node:
    """Build it during set-up; start it before the server listens, stop it after the streams."""

    def __init__(
        self, hub: SseHub, server: RedisServer, options: BackplaneOptions, clock: Clock
    ) -> None:
        self.id = secrets.token_hex(NODE_DIGITS // 2)
        self.lease = Lease(options.life)
        self._hub = hub
        self._options = options
        self._errors = server.errors
        self._history = ReplicatedHistory(
            self.id, new_epoch(), most_events=options.limit, most_bytes=options.size
        )
        self._presence = Presence(options, self.id)
        self._replication = Replication(hub, self._history, self.id, options, clock)
        self._sender = Sender(
            server,
            options,
            self.id,
            replication=self._replication,
            history=self._history,
            presence=self._presence,
            lease=self.lease,
            clock=clock,
            warn=hub.warn,
        )
        self._receiver = Receiver(
            options,
            replication=self._replication,
            sender=self._sender,
            obey=self._obey,
            replaced=self._close_replaced,
        )

    def join_hub(self) -> None:
        """From now on the hub sends through this node. Its settings of histories stay."""
        self._history.take_limits(self._hub.history)
        self._hub.join(self, self._history)

    def start(self) -> None:
        self._sender.start()
        self._receiver.start()

    def stop(self, timeout: float) -> bool:
        ended = self._sender.stop(timeout)
        return self._receiver.stop(timeout) and ended

    # Events.

    def send(self, frame: bytes, audience: Audience, event_id: str | None = None) -> Delivery:
        return self._replication.send(frame, audience, event_id)

    def when_arrived(self, job: Callable[[], None]) -> None:
        self._replication.when_arrived(job)

    def ask(self, audience: Audience, request: Mapping[str, Any]) -> int:
        if is_on_loop():  # which must not wait for the count
            self._replication.ask(audience, request)
            return 0
        # Counted before, as they may be gone at once afterwards.
        found = self._ask(lambda redis: self._presence.count(redis, audience), 0)
        return found if self._replication.ask(audience, request) else 0

    # Streams.

    def register(self, connection: PushConnection) -> Callable[[], object]:
        done = self._presence.note(connection)
        with self._replication.work:
            self._replication.work.notify()
            if not self._replication.together or self._receiver.is_current:
                done.set()
        return lambda: done.wait(self._options.timeout)

    def unregister(self, connection: PushConnection) -> None:
        self._presence.forget(connection)
        with self._replication.work:
            self._history.forget_reader_ahead(connection)
            self._replication.work.notify()

    def prepare(self, cursor: str) -> None:
        """A client may come here before what it has seen elsewhere does."""
        if self._locate(cursor) is None and Cursor.parse(cursor) is not None:
            self._learn_epoch(cursor)
        with self._replication.changed:
            self._replication.changed.wait_for(
                lambda: not self._is_ahead(cursor), self._options.timeout
            )
            ahead = self._is_ahead(cursor) and self._replication.together
        if ahead:
            number = self._ask(self._presence.latest_number, 0)
            with self._replication.work:
                self._history.known_number = number

    def _learn_epoch(self, cursor: str) -> None:
        """The cursor is of an epoch that this node may be about to hear of."""
        self._sender.hurry(self._options.timeout)
        known = self._history.epoch
        if self._ask(self._presence.epoch, known) != known:
            with self._replication.changed:
                self._replication.changed.wait_for(
                    lambda: self._history.locate(cursor, ()) is not None, self._options.timeout
                )

    def _locate(self, cursor: str) -> Cursor | None:
        with self._replication.work:
            return self._history.locate(cursor, ())

    def _is_ahead(self, cursor: str) -> bool:
        if not self._replication.together:
            return False
        seen = self._history.locate(cursor, ())
        return seen is not None and self._history.is_behind(seen)

    # Tickets.

    def keep_ticket(self, ticket: str, text: str, duration: float) -> bool:
        command = ("SET", self._options.key("ticket", ticket), text, "PX", round(duration * 1000))
        return self._ask(lambda redis: bool(redis.ask_raw(*command)), False)

    def take_ticket(self, ticket: str) -> tuple[bool, str | None]:
        def take(redis: RedisNode) -> tuple[bool, str | None]:
            # Whatever a client has sent, it must be text that can be asked for.
            key = self._options.key("ticket", ticket[:_LONGEST_TICKET])
            found = redis.ask_raw("GETDEL", key.encode("utf-8", "replace"))
            return True, None if found is None else found.decode()

        unknown: tuple[bool, str | None] = (False, None)
        return self._ask(take, unknown)

    # Who is connected to other nodes.

    def names(self) -> Collection[str]:
        return self._ask(self._presence.names, [])

    def groups(self, name: str) -> Collection[str]:
        return self._ask(lambda redis: self._presence.groups(redis, name), [])

    def client_ids(self, name: str, groups: Collection[str]) -> Collection[str]:
        return self._ask(lambda redis: self._presence.client_ids(redis, name, groups), [])

    def has(self, audience: Audience) -> bool:
        return self._ask(lambda redis: self._presence.has(redis, audience), False)

    def groups_of(self, name: str, client_id: str) -> Sequence[str] | None:
        return self._ask(lambda redis: self._presence.groups_of(redis, name, client_id), None)

    def _ask(self, question: Callable[[RedisNode], T], otherwise: T) -> T:
        """What Redis answers; something else while it can't be reached."""
        session = self._sender.session
        if session is None:
            return otherwise
        try:
            return question(session.redis)
        except self._errors:
            # The sending thread will notice, too, and say so.
            return otherwise

    # What other nodes ask of this one.

    def _obey(self, envelope: Envelope) -> None:
        request = envelope.request or {}
        if request["do"] == "close":
            for connection in self._hub.find(envelope.audience):
                connection.close(reconnect=bool(request["reconnect"]))
        else:
            change = Change(request["do"], tuple(request["items"]))
            regroup_here(self._hub, envelope.audience, change)

    def _close_replaced(self, token: int) -> None:
        connection = self._presence.stream_of(token)
        if connection is not None:
            connection.close()

    # For the metrics.

    def metrics(self) -> Collection[Metric]:
        """How the backplane is doing."""
        together, history = int(self._replication.together), self._history
        waits = len(history.unacknowledged)
        return (
            Metric("gauge", "pode_backplane_up", "1 while Redis can be used.", together),
            Metric("counter", "pode_backplane_outages", "Times it was lost.", self._sender.outages),
            Metric("counter", "pode_backplane_sent", "Events published.", self._replication.sent),
            Metric(
                "counter", "pode_backplane_received", "Events received.", self._replication.received
            ),
            Metric("gauge", "pode_backplane_ahead", "Events Redis does not have.", waits),
            Metric(
                "gauge", "pode_backplane_leads", "1 if timers run here.", int(self.lease.is_ours())
            ),
        )
