"""LocalDelivery: what has been sent, on whichever node, goes to the streams of this one.

Everything here is called under the hub's order lock.
"""

from __future__ import annotations

import threading
import time

from pode_py.core.arguments import Duration, seconds
from pode_py.push.backplane.codec import Envelope
from pode_py.push.backplane.replicated_history import ReaderAhead, ReplicatedHistory
from pode_py.push.backplane.unacknowledged import ReplicatedEvent
from pode_py.push.connections.audience import Audience
from pode_py.push.connections.awaiting import Wakeup
from pode_py.push.connections.delivery import Delivery, check_may_wait
from pode_py.push.sse import frames
from pode_py.push.sse.connection import SseConnection
from pode_py.push.sse.hub import SseHub

# It comes sooner: without an answer from Redis the event is delivered without it.
_LONGEST = 10.0


class LocalDelivery:
    """Files what is kept, and queues it."""

    def __init__(self, hub: SseHub, history: ReplicatedHistory) -> None:
        self._hub = hub
        self._history = history

    def pass_on(self, envelope: Envelope) -> Delivery:
        """An event that is not kept."""
        frame = frames.with_own_id(envelope.event_id, envelope.frame)
        return self._hub.queue(frame, envelope.audience, envelope.event_id)

    def file(self, envelope: Envelope, number: int, at: float, *, deliver: bool) -> Delivery | None:
        """An event with the next number: keep it, and queue it to whoever has not got it."""
        history = self._history
        known = not deliver or history.was_delivered(envelope.origin, envelope.serial)
        event_id = envelope.event_id or f"{history.epoch}-{number}"
        event = _event(envelope, number, event_id, at)
        history.file(event)
        if known:
            self._decide(event)
            return None
        if history.readers_ahead or (history.is_ahead and event.own_id is None):
            delivery = self._queue_with_position(event)
            history.check_readers_ahead(at)
            return delivery
        return self._queue(event.frame, event, event_id)

    def go_ahead(self, envelope: Envelope, at: float) -> tuple[Delivery, bool]:
        """An event that gets no number now. False if others had to be dropped for it."""
        event = _event(envelope, 0, envelope.event_id or "", at)
        whole = self._history.file_unacknowledged(event)
        return self._queue_with_position(event), whole

    def reset(self) -> None:
        """Tell the streams of kept names that they may have missed something permanently."""
        names = tuple(name for name in self._hub.store.names() if self._history.keeps(name))
        behind = [
            one
            for one in self._hub.find(Audience(names))
            if not (one.is_plain or one in self._hub.catching_up)
        ]
        if behind:
            self._hub.queue_to(frames.reset_frame(self._history.position), behind)

    def _decide(self, event: ReplicatedEvent) -> None:
        """An event that was delivered here before has its number: for whom that was in doubt, it
        is decided now whether he has seen it."""
        for one in self._history.readers_ahead:
            if one.held_from and event.origin == self._history.node:
                one.held_from = event.serial + 1
                if not _has_seen(one, event):
                    self._queue_alone(event, one)
            elif one.cursor.is_in_hole(event.origin, event.serial):
                seen = _has_seen(one, event)
                _, last = one.cursor.holes[event.origin]
                one.cursor = one.cursor.with_hole(event.origin, event.serial + 1, last)
                if not seen:
                    self._queue_alone(event, one)
        self._history.check_readers_ahead(event.at)

    def release(self) -> None:
        """What Redis has to say has not come for so long: give those who wait the rest."""
        for one in self._history.readers_ahead:
            if one.held_from:
                for event in self._history.held(one):
                    self._queue_alone(event, one)

    def _is_held(self, event: ReplicatedEvent, reader: ReaderAhead) -> bool:
        return bool(reader.held_from) and not event.number and event.origin == self._history.node

    def _queue(self, frame: bytes, event: ReplicatedEvent, event_id: str) -> Delivery:
        """Queue it to all that are meant, but for those that get it with what they have missed."""
        if not self._hub.catching_up:
            return self._hub.queue(frame, event.audience, event_id)
        found = self._hub.find(event.audience)
        now = [one for one in found if not self._comes_later(event, one)]
        return self._hub.queue_to(frame, now, event_id)

    def _comes_later(self, event: ReplicatedEvent, connection: SseConnection) -> bool:
        """Whether the stream still has to get what it missed, and this is part of that."""
        return connection in self._hub.catching_up and any(
            name in connection.names and self._history.keeps(name) for name in event.audience.names
        )

    def _queue_alone(self, event: ReplicatedEvent, reader: ReaderAhead) -> None:
        after = reader.after(self._history.cursor, self._history.node)
        own = event.own_id or str(after)
        found = [one for one in self._hub.find(event.audience) if one is reader.reader]
        self._hub.queue_to(frames.with_id(own, event.bare), found)

    def _queue_with_position(self, event: ReplicatedEvent) -> Delivery:
        """Queue it with the id that says all that this node's streams have seen. Those who have
        seen more get an id of their own."""
        event_id = event.own_id or self._history.position
        frame = frames.with_id(event_id, event.bare)
        if not self._history.readers_ahead:
            return self._queue(frame, event, event_id)
        ahead = {id(one.reader): one for one in self._history.readers_ahead}
        others: list[SseConnection] = []
        for connection in self._hub.find(event.audience):
            one = ahead.get(id(connection))
            if one is None:
                if not self._comes_later(event, connection):
                    others.append(connection)
            elif not self._is_held(event, one) and not _has_seen(one, event):
                self._queue_alone(event, one)
        return self._hub.queue_to(frame, others, event_id)


class LateDelivery(Delivery):
    """What became of an event that gets its number, and goes to streams, only later.

    Its numbers are of this node's streams, as those of every delivery. `arrived` is notified, and
    its lock is held, when one arrives.
    """

    __slots__ = ("_arrived", "_local", "_wakeups")

    def __init__(self, arrived: threading.Condition) -> None:
        self._arrived = arrived
        self._local: Delivery | None = None
        self._wakeups: tuple[Wakeup, ...] = ()

    def arrive(self, local: Delivery) -> None:
        """The event was queued to this node's streams."""
        self._local = local
        for wakeup in self._wakeups:
            wakeup()

    @property
    def event_id(self) -> str | None:
        local = self._await(_LONGEST)
        return None if local is None else local.event_id

    @property
    def matched(self) -> int:
        local = self._await(_LONGEST)
        return 0 if local is None else local.matched

    @property
    def queued(self) -> int:
        local = self._await(_LONGEST)
        return 0 if local is None else local.queued

    def wait(self, timeout: Duration | None = None) -> bool:
        """As `Delivery.wait`, with the time until the event is there."""
        limit = None if timeout is None else seconds("timeout", timeout)
        check_may_wait(SseHub.example)
        if limit is None:
            local = self._await(_LONGEST)
            return local is not None and local.wait()
        deadline = time.monotonic() + limit
        local = self._await(max(0.0, deadline - time.monotonic()))
        return local is not None and local.wait(max(0.0, deadline - time.monotonic()))

    async def _go_out(self) -> bool:
        wakeup = Wakeup()
        with self._arrived:
            if self._local is None:
                self._wakeups += (wakeup,)
            else:
                wakeup()
        await wakeup.wait(_LONGEST)
        local = self._local
        return local is not None and await local

    def __repr__(self) -> str:
        return "Delivery(on its way)" if self._local is None else repr(self._local)

    def _await(self, timeout: float) -> Delivery | None:
        if self._local is None:
            check_may_wait(SseHub.example)
            with self._arrived:
                self._arrived.wait_for(lambda: self._local is not None, timeout)
        return self._local


def _has_seen(reader: ReaderAhead, event: ReplicatedEvent) -> bool:
    number = event.number or None
    return reader.cursor.covers(number, event.origin, event.serial, event.earlier)


def _event(envelope: Envelope, number: int, event_id: str, at: float) -> ReplicatedEvent:
    audience = envelope.audience
    return ReplicatedEvent(
        number=number,
        event_id=event_id,
        frame=frames.with_id(event_id, envelope.frame),
        groups=_folded(audience.groups),
        client_ids=frozenset(audience.client_ids),
        at=at,
        audience=audience,
        origin=envelope.origin,
        serial=envelope.serial,
        own_id=envelope.event_id,
        earlier=envelope.earlier,
        position=envelope.position,
    )


def _folded(groups: tuple[str, ...]) -> frozenset[str]:
    return frozenset(group.casefold() for group in groups) if groups else _NO_GROUPS


_NO_GROUPS: frozenset[str] = frozenset()
