"""StreamsHere: what has been sent, on whichever node, goes to the streams of this one.

Everything here is called under the hub's order lock.
"""

from __future__ import annotations

from pode_py.push.backplane.codec import Envelope
from pode_py.push.backplane.readers_ahead import Early
from pode_py.push.backplane.replicated_history import SharedHistory
from pode_py.push.backplane.unacknowledged import SharedEvent
from pode_py.push.connections.delivery import Delivery
from pode_py.push.connections.messages import Audience
from pode_py.push.sse import frames
from pode_py.push.sse.connection import SseConnection
from pode_py.push.sse.hub import SseHub


class StreamsHere:
    """Files what is kept, and queues it."""

    def __init__(self, hub: SseHub, history: SharedHistory) -> None:
        self._hub = hub
        self._history = history

    def pass_on(self, envelope: Envelope) -> Delivery:
        """An event that is not kept."""
        frame = envelope.frame
        if envelope.event_id is not None:
            frame = frames.with_id(envelope.event_id, frame)
        return self._hub.queue(frame, envelope.audience)

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
        if history.early or (history.is_ahead and event.own_id is None):
            delivery = self._queue_with_position(event)
            history.check_early(at)
            return delivery
        return self._hub.queue(event.frame, envelope.audience)

    def go_ahead(self, envelope: Envelope, at: float) -> tuple[Delivery, bool]:
        """An event that gets no number now. False if others had to be dropped for it."""
        event = _event(envelope, 0, envelope.event_id or "", at)
        whole = self._history.file_ahead(event)
        return self._queue_with_position(event), whole

    def reset(self) -> None:
        """Tell the streams of kept names that they may have missed something for good."""
        names = tuple(name for name in self._hub.store.names() if self._history.keeps(name))
        told = [one for one in self._hub.find(Audience(names)) if not one.is_plain]
        if told:
            self._hub.queue_to(frames.reset_frame(self._history.position), told)

    def _decide(self, event: SharedEvent) -> None:
        """An event that was delivered here before has its number: for whom that was in doubt, it
        is decided now whether he has seen it."""
        for one in self._history.early:
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
        self._history.check_early(event.at)

    def release(self) -> None:
        """What Redis has to say has not come for so long: give those who wait the rest."""
        for one in self._history.early:
            if one.held_from:
                for event in self._history.held(one):
                    self._queue_alone(event, one)

    def _is_held(self, event: SharedEvent, early: Early) -> bool:
        return bool(early.held_from) and not event.number and event.origin == self._history.node

    def _queue_alone(self, event: SharedEvent, early: Early) -> None:
        after = early.after(self._history.cursor, self._history.node)
        own = event.own_id or str(after)
        found = [one for one in self._hub.find(event.audience) if one is early.reader]
        self._hub.queue_to(frames.with_id(own, event.bare), found)

    def _queue_with_position(self, event: SharedEvent) -> Delivery:
        """Queue it with the id that says all that this node's streams have seen. Those who have
        seen more get an id of their own."""
        frame = frames.with_id(event.own_id or self._history.position, event.bare)
        if not self._history.early:
            return self._hub.queue(frame, event.audience)
        early = {id(one.reader): one for one in self._history.early}
        others: list[SseConnection] = []
        for connection in self._hub.find(event.audience):
            one = early.get(id(connection))
            if one is None:
                others.append(connection)
            elif not self._is_held(event, one) and not _has_seen(one, event):
                self._queue_alone(event, one)
        return self._hub.queue_to(frame, others)


def _has_seen(early: Early, event: SharedEvent) -> bool:
    number = event.number or None
    return early.cursor.covers(number, event.origin, event.serial, event.earlier)


def _event(envelope: Envelope, number: int, event_id: str, at: float) -> SharedEvent:
    audience = envelope.audience
    return SharedEvent(
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
