"""Envelopes: events and requests between nodes as bytes. Pure.

Redis gets each event as one opaque envelope, and publishes several in a row as one batch: a line
with the epoch, the number before the first numbered event in it, that of the last, and the
sender's id; then the envelopes, each of which says how long it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from struct import Struct
from typing import Any, NamedTuple

from pode_py.push.connections.audience import Audience

# Kind, origin, serial; the lengths of audience, extras and frame.
_HEAD = Struct("!c8sQIII")

#: It has a number, and is kept.
STORED = b"k"
#: It passes by: its names keep no history.
PLAIN = b"p"
#: Not an event but something that the nodes are asked to do, in order with the events.
REQUEST = b"r"


class Envelope(NamedTuple):
    """An event as nodes hand it on: the `serial`-th of node `origin`. Of a request, `extras` says
    what is asked. `earlier` and `position` are those of ReplicatedEvent."""

    kind: bytes
    origin: str
    serial: int
    audience: Audience
    frame: bytes = b""
    event_id: str | None = None
    earlier: tuple[tuple[str, int], ...] = ()
    position: str | None = None
    request: dict[str, Any] | None = None

    def pack(self) -> bytes:
        audience = _packed_audience(self.audience)
        extras = b""
        if self.event_id is not None or self.earlier or self.request is not None:
            more = [self.event_id, self.earlier, self.position, self.request]
            extras = json.dumps(more).encode()
        lengths = (len(audience), len(extras), len(self.frame))
        head = _HEAD.pack(self.kind, self.origin.encode(), self.serial, *lengths)
        return b"".join((head, audience, extras, self.frame))


@dataclass(frozen=True, slots=True)
class EnvelopeBatch:
    """Envelopes in a row. Those that are numbered come after `before`, up to `last`."""

    epoch: str
    before: int
    last: int
    sender: str
    body: bytes

    @staticmethod
    def unpack(data: bytes) -> EnvelopeBatch:
        head, _, body = data.partition(b"\n")
        epoch, before, last, sender = head.decode().split(" ")
        return EnvelopeBatch(epoch, int(before), int(last), sender, body)

    @property
    def envelopes(self) -> Iterator[Envelope]:
        return unpack_all(self.body)


def unpack_all(body: bytes) -> Iterator[Envelope]:
    """The envelopes that stand in a row. ValueError for anything else."""
    place = 0
    while place < len(body):
        if len(body) - place < _HEAD.size:
            raise ValueError("An envelope is cut off.")
        kind, origin, serial, audience, extras, frame = _HEAD.unpack_from(body, place)
        a = place + _HEAD.size
        b = a + audience
        c = b + extras
        place = c + frame
        if place > len(body):
            raise ValueError("An envelope is cut off.")
        event_id, earlier, position, request = json.loads(body[b:c]) if extras else _NO_EXTRAS
        yield Envelope(
            kind,
            origin.decode(),
            serial,
            _unpacked_audience(body[a:b]),
            body[c:place],
            event_id,
            tuple((epoch, number) for epoch, number in earlier),
            position,
            request,
        )


_NO_EXTRAS: tuple[None, tuple[()], None, None] = (None, (), None, None)


# Events in a row are mostly for the same audience; and the same object for it makes one batch.
@lru_cache(maxsize=1024)
def _packed_audience(audience: Audience) -> bytes:
    return json.dumps([audience.names, audience.groups, audience.client_ids]).encode()


@lru_cache(maxsize=1024)
def _unpacked_audience(data: bytes) -> Audience:
    names, groups, client_ids = json.loads(data)
    return Audience(tuple(names), tuple(groups), tuple(client_ids))
