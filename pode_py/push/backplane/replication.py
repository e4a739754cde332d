"""Replication: this node's events on their way to Redis, and those of all nodes on their way here.

Together or alone. While the node is together with the others, an event that is kept travels: it is
delivered here, too, when it comes back with its number. So is one that is not kept while others of
this node travel, else it would overtake them; otherwise it is delivered at once. When Redis is
gone, what travels is delivered as it is, and so is what is sent from then on: the node is alone.
When Redis is back, the node first takes in what it has missed, and then sends again what Redis
does not have, before anything new. Redis takes of each node only events with growing serials, so
nothing comes twice.

One lock, the hub's order lock, is held over each step. No thread, no connection is started here.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pode_py.core.clock import Clock
from pode_py.core.errors import PodeError
from pode_py.push.backplane.codec import PLAIN, REQUEST, STORED, Envelope, EnvelopeBatch
from pode_py.push.backplane.local_delivery import LateDelivery, LocalDelivery
from pode_py.push.backplane.options import MOST_BYTES, BackplaneOptions
from pode_py.push.backplane.replicated_history import ReplicatedHistory
from pode_py.push.backplane.unacknowledged import Key, ReplicatedEvent
from pode_py.push.connections.audience import Audience
from pode_py.push.connections.awaiting import is_on_loop
from pode_py.push.connections.delivery import Delivery
from pode_py.push.sse.hub import SseHub

_BATCH = 256
_BATCH_BYTES = 1024 * 1024
# How long a sender that is far ahead of Redis is slowed down before its event is queued anyway.
_GRACE = 2.0
# How long a client from another node that may have seen this node's latest events waits for what
# Redis says of them, before it gets what came after them.
_DOUBT = 15.0


class Gap(Exception):
    """Events are missing before the one that has come: they must be read from the history."""


class OtherEpoch(Exception):
    """Redis goes by another epoch than this node."""


class Replication:
    """`work` is notified when there is something to send, `changed` when something has arrived."""

    def __init__(
        self,
        hub: SseHub,
        history: ReplicatedHistory,
        node: str,
        options: BackplaneOptions,
        clock: Clock,
    ) -> None:
        self._order = hub.order
        self._make_room = hub.make_room
        self._history = history
        self._node = node
        self._options = options
        self._clock = clock
        self._local = LocalDelivery(hub, history)
        self.work = threading.Condition(hub.order)
        self.changed = threading.Condition(hub.order)
        #: Whether the node is together with the others; if not, it is alone.
        self.together = False
        self._serial = 0
        self._outgoing: deque[Envelope] = deque()
        self._outgoing_bytes = 0
        self._unconfirmed: list[Envelope] = []
        self._travelling: dict[int, tuple[Envelope, LateDelivery]] = {}
        # What is to be done when the event with a serial, and those before, have arrived.
        self._waiting: deque[tuple[int, Callable[[], None]]] = deque()
        # Up to which number everything must have come before these are known to be passed by.
        self._passing: deque[tuple[int, list[Key]]] = deque()
        #: The monotonic time from which on there can have been streams.
        self.began = 0.0
        #: Whether events had to be dropped that other nodes have not got.
        self.overflowed = False
        self.sent = self.received = 0

    # Out.

    def send(self, frame: bytes, audience: Audience, event_id: str | None = None) -> Delivery:
        """An event of this node. Raises PodeError if it is too large."""
        if len(frame) > MOST_BYTES:
            raise PodeError(
                f"This event has {len(frame):,} bytes. With a backplane an event may have "
                f"{MOST_BYTES:,}: send a link to what it is about."
            )
        with self._order:
            self._wait_for_room()
            kept = self._history.keeps_any(audience.names)
            envelope = self._envelope(STORED if kept else PLAIN, audience, frame, event_id)
            if not self.together:
                return self._deliver_alone(envelope)
            self._put(envelope)
            if not kept and not self._travelling:
                return self._local.pass_on(envelope)
            delivery = LateDelivery(self.changed)
            self._travelling[envelope.serial] = envelope, delivery
            return delivery

    def ask(self, audience: Audience, request: Mapping[str, Any]) -> bool:
        """Ask the other nodes for something, in order with the events. False while alone."""
        with self._order:
            if self.together:
                envelope = self._envelope(REQUEST, audience)._replace(request=dict(request))
                self._put(envelope)
            return self.together

    def take(self) -> list[Envelope]:
        """What is to be sent next, in one step; until it is confirmed it may be sent again."""
        with self._order:
            batch, size = self._unconfirmed, 0
            while self._outgoing and len(batch) < _BATCH:
                size += len(self._outgoing[0].frame)
                if batch and size > _BATCH_BYTES:
                    break
                batch.append(self._outgoing.popleft())
                self._outgoing_bytes -= len(batch[-1].frame)
            if batch:
                self.changed.notify_all()
            return list(batch)

    def confirm(self, number: int) -> None:
        """Redis has taken the batch; it has given numbers up to this one."""
        with self._order:
            keys = [
                (one.origin, one.serial)
                for one in self._unconfirmed
                if one.kind == STORED and self._history.was_delivered(one.origin, one.serial)
            ]
            self.sent += len(self._unconfirmed)
            self._unconfirmed = []
            if keys:
                self._passing.append((number, keys))
                self._pass_by()

    @property
    def is_waiting(self) -> bool:
        """Whether there is something to send."""
        return bool(self._outgoing)

    def when_arrived(self, job: Callable[[], None]) -> None:
        """Run `job` when what was sent before has arrived here; under the lock."""
        with self._order:
            self._waiting.append((self._serial, job))
            self._run_waiting()

    # In.

    def receive(self, batch: EnvelopeBatch, obey: Callable[[Envelope], None]) -> None:
        """What has been published. Raises Gap or OtherEpoch: then the rest has to be read."""
        own = batch.sender == self._node
        if own and batch.before == batch.last and not self._travelling:
            return  # it was delivered when it was sent
        envelopes = iter(batch.envelopes)
        number = batch.before
        request: Envelope | None = None
        while True:
            self._make_room()
            with self._order:
                if batch.epoch != self._history.epoch:
                    raise OtherEpoch
                number, request = self._take_in(envelopes, number)
                self.changed.notify_all()
            if request is None:
                return
            if not own:
                obey(request)

    def catch_up(self, events: Iterable[tuple[int, Envelope, float]]) -> None:
        """Kept events in their order: number, envelope, age."""
        now = self._clock.monotonic()
        self._make_room()
        with self._order:
            for number, envelope, age in events:
                if number > self._history.number + 1:
                    self._skip_to(number - 1)
                if number == self._history.number + 1:
                    self._catch_up_with(number, envelope, now - age)
            self.changed.notify_all()

    def skip_to(self, number: int) -> None:
        """Up to this number nothing is left to be had."""
        with self._order:
            if number > self._history.number:
                self._skip_to(number)

    # Together and alone.

    def enter(self, epoch: str, forks: list[tuple[str, int]]) -> None:
        """Redis goes by this epoch."""
        with self._order:
            self._history.enter(epoch, forks)
            self._passing.clear()

    def join(self) -> None:
        """The node has caught up: send what Redis does not have, then what waits, then the new."""
        with self._order:
            waiting = [*self._unconfirmed, *self._outgoing]
            self._deliver_lost({one.serial for one in waiting if one.origin == self._node})
            ahead = [_envelope_of(event) for event in self._history.unacknowledged]
            repeated = {(one.origin, one.serial) for one in ahead}
            fresh = [one for one in waiting if (one.origin, one.serial) not in repeated]
            self._outgoing = deque([*ahead, *fresh])
            self._outgoing_bytes = sum(len(one.frame) for one in self._outgoing)
            self._unconfirmed = []
            self._history.joined = self.together = True
            self._history.known_number = self._history.number
            self.overflowed = False
            self.changed.notify_all()

    def part(self) -> None:
        """Redis is gone: deliver what travels, and go on alone."""
        with self._order:
            self.together = False
            self._history.known_number = float("inf")  # who knows what others have seen
            self._history.unacknowledged.doubtful.update(self._doubtful())
            self._history.doubt_until = self._clock.monotonic() + _DOUBT
            self._outgoing.clear()
            self._unconfirmed = []
            self._outgoing_bytes = 0
            self._deliver_lost(set())
            self.changed.notify_all()

    def release(self) -> None:
        """Hold nothing back any more, if Redis has been gone for long."""
        with self._order:
            if not self.together and self._clock.monotonic() >= self._history.doubt_until:
                self._local.release()

    # All below is called under the lock.

    def _envelope(
        self, kind: bytes, audience: Audience, frame: bytes = b"", event_id: str | None = None
    ) -> Envelope:
        self._serial += 1
        return Envelope(kind, self._node, self._serial, audience, frame, event_id)

    def _put(self, envelope: Envelope) -> None:
        self._outgoing.append(envelope)
        self._outgoing_bytes += len(envelope.frame)
        self.work.notify()

    def _wait_for_room(self) -> None:
        if not self._is_full(1):
            return
        if not is_on_loop():
            self.changed.wait_for(lambda: not self._is_full(1), _GRACE)
        elif self._is_full(2):
            raise PodeError(
                "Redis takes events more slowly than this handler sends them on the event loop. "
                "Let go of the loop in between, for instance with `await asyncio.sleep(0.1)`."
            )

    def _is_full(self, times: int) -> bool:
        events, size = times * self._options.limit, times * self._options.size
        return self.together and (len(self._outgoing) >= events or self._outgoing_bytes >= size)

    def _run_waiting(self) -> None:
        """Run what waited for events that have arrived by now."""
        while self._waiting:
            last, job = self._waiting[0]
            if next(iter(self._travelling), last + 1) <= last:
                return
            self._waiting.popleft()
            job()

    def _doubtful(self) -> Iterable[Key]:
        """Kept events of this node that Redis has, or may have, and that have not come back."""
        waiting = {one.serial for one in self._outgoing if one.origin == self._node}
        for serial, (envelope, _) in self._travelling.items():
            if envelope.kind == STORED and serial not in waiting:
                yield self._node, serial
        for _, keys in self._passing:
            yield from (key for key in keys if key[0] == self._node)
        for one in self._unconfirmed:
            if one.kind == STORED and one.origin == self._node:
                yield one.origin, one.serial

    def _deliver_alone(self, envelope: Envelope) -> Delivery:
        if envelope.kind != STORED:
            return self._local.pass_on(envelope)
        delivery, whole = self._local.go_ahead(envelope, self._clock.monotonic())
        self.overflowed = self.overflowed or not whole
        return delivery

    def _take_in(self, envelopes: Iterable[Envelope], number: int) -> tuple[int, Envelope | None]:
        """Up to the next request. Returns the number reached, and the request."""
        now = self._clock.monotonic()
        for envelope in envelopes:
            if envelope.kind == STORED:
                number += 1
                if number > self._history.number + 1:
                    raise Gap
                if number == self._history.number + 1:
                    self._take_kept(envelope, number, now, deliver=True)
            elif envelope.kind == PLAIN:
                self._take_plain(envelope)
            else:
                return number, envelope
        return number, None

    def _take_kept(self, envelope: Envelope, number: int, at: float, *, deliver: bool) -> None:
        self.received += 1
        travelling = self._arrived(envelope)
        delivery = self._local.file(envelope, number, at, deliver=deliver)
        if travelling is not None and delivery is not None:
            travelling.arrive(delivery)
        self._run_waiting()
        if self._passing:
            self._pass_by()

    def _take_plain(self, envelope: Envelope) -> None:
        self.received += 1
        if envelope.origin != self._node:
            if self._history.saw(envelope.origin, envelope.serial):
                self._local.pass_on(envelope)
            return
        travelling = self._arrived(envelope)
        if travelling is not None:
            travelling.arrive(self._local.pass_on(envelope))
        self._run_waiting()

    def _arrived(self, envelope: Envelope) -> LateDelivery | None:
        """The delivery of an event of this node that has come back. What was sent before it and
        has not come will not come any more: it was published while nobody listened here."""
        if envelope.origin != self._node:
            return None
        while self._travelling:
            first = next(iter(self._travelling))
            if first > envelope.serial:
                return None
            sent, delivery = self._travelling.pop(first)
            if first == envelope.serial:
                return delivery
            delivery.arrive(self._deliver_alone(sent))
            self._run_waiting()
        return None

    def _deliver_lost(self, waiting: set[int]) -> None:
        """What travels, is not going to be sent again and has not come."""
        for serial in [serial for serial in self._travelling if serial not in waiting]:
            envelope, delivery = self._travelling.pop(serial)
            delivery.arrive(self._deliver_alone(envelope))
            self._run_waiting()

    def _catch_up_with(self, number: int, envelope: Envelope, at: float) -> None:
        # What was sent before this node began is due to nobody here.
        due = self._history.joined or at >= self.began
        self._take_kept(envelope, number, at, deliver=due)
        if not due:
            self._history.begin_after(number)

    def _skip_to(self, number: int) -> None:
        self._history.skip(number)
        if self._history.joined:
            self._local.reset()
        else:
            self._history.begin_after(number)

    def _pass_by(self) -> None:
        while self._passing and self._passing[0][0] <= self._history.number:
            self._history.pass_by(self._passing.popleft()[1])


def _envelope_of(event: ReplicatedEvent) -> Envelope:
    """What a kept event was sent in."""
    return Envelope(
        STORED,
        event.origin,
        event.serial,
        event.audience,
        event.bare,
        event.own_id,
        event.earlier,
        event.position,
    )
