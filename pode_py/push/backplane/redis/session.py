"""Session: one attachment to Redis, from its connections to the first of them that fails.

All of it but the inbox belongs to the sending thread.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pode_py.push.backplane.codec import STORED, Envelope, unpack_all
from pode_py.push.backplane.cursors import NODE_DIGITS
from pode_py.push.backplane.options import BackplaneOptions
from pode_py.push.backplane.redis import scripts
from pode_py.push.backplane.redis.server import RedisServer
from pode_py.push.backplane.replication import OtherEpoch

# So many entries of the history, which have many events each.
_PAGE = 50


@dataclass(frozen=True, slots=True)
class Standing:
    """How far Redis is: epoch and latest number, the latest forks, and its time in ms."""

    epoch: str
    number: int
    forks: list[tuple[str, int]]
    time: int


@dataclass(frozen=True, slots=True)
class Pulse:
    """What a sign of life brought: the epoch, whether the lease is held, whether Redis had heard
    of this node before; and when it was asked."""

    epoch: str
    leads: bool
    known: bool
    asked: float


class Session:
    """Raises one of the server's `errors` as soon as something fails, and is of no use then."""

    def __init__(self, server: RedisServer, options: BackplaneOptions, node: str) -> None:
        self._options = options
        self._node = node
        self._refusal = server.refusal
        self.redis = server.connect(options.tag)
        try:
            self.inbox = self.redis.inbox([options.channel, options.channel_of(node)])
        except BaseException:
            self.redis.close()
            raise
        self._state = [options.key("state"), options.key("history")]

    def attach(self, epoch: str, number: int) -> Standing:
        """Tell Redis how far this node is, and learn how far Redis is."""
        answer = self.redis.script(
            scripts.ATTACH,
            self._state,
            [new_epoch(), epoch, number, self._options.expiry_ms],
        )
        current, latest, lineage, now = (part.decode() for part in answer)
        forks = [fork.split(":") for fork in lineage.split()]
        return Standing(current, int(latest), [(before, int(at)) for before, at in forks], int(now))

    def history(
        self, since: Callable[[], int], now: int
    ) -> Iterator[list[tuple[int, Envelope, float]]]:
        """The kept events after number `since()`, page by page: number, envelope, age."""
        while True:
            page = self.redis.raw("XRANGE", self._state[1], f"{since() + 1}-0", "+", "COUNT", _PAGE)
            yield [event for entry in page for event in _kept(entry, now)]
            if len(page) < _PAGE:
                return

    def publish(self, batch: Sequence[Envelope], epoch: str) -> int:
        """Have the batch numbered, kept and published. Returns the latest number."""
        options = self._options
        kept = [envelope for envelope in batch if envelope.kind == STORED]
        origins: dict[str, tuple[int, int]] = {}
        for envelope in kept:
            first, _ = origins.get(envelope.origin, (envelope.serial, 0))
            origins[envelope.origin] = first, envelope.serial
        everything = b"".join([envelope.pack() for envelope in batch])
        some = b""
        if kept and len(kept) < len(batch):
            some = b"".join([envelope.pack() for envelope in kept])
        keys = [*self._state, *(options.key("serial", origin) for origin in origins)]
        bounds = (options.limit, options.size, options.expiry_ms)
        head = (epoch, self._node, options.channel, self.redis.publish, *bounds, len(kept))
        rows = [part for origin, ends in origins.items() for part in (origin, *ends)]
        arguments = [*head, everything, some, *rows]
        try:
            return int(self.redis.script(scripts.PUBLISH, keys, arguments))
        except self._refusal as error:
            if str(error).startswith("STALE"):
                raise OtherEpoch from None
            raise

    def beat(self, names: Sequence[bytes]) -> Pulse:
        """A sign of life. The keys of these names are to live on."""
        options = self._options
        asked = time.monotonic()
        keys = [*self._state, options.key("nodes"), options.key("lease")]
        head = (options.tag, self._node, options.life_ms, options.expiry_ms)
        epoch, leads, known = self.redis.script(scripts.BEAT, keys, [*head, *names])
        return Pulse(epoch.decode(), bool(leads), bool(known), asked)

    def mark(self) -> None:
        """Have the inbox hear a mark, after all that has been published before."""
        channel = self._options.channel_of(self._node)
        self.redis.raw(self.redis.publish, channel, "mark")

    def leave(self) -> None:
        """Take what other nodes see of this one away."""
        keys = [self._options.key("nodes"), self._options.key("lease")]
        self.redis.script(scripts.LEAVE, keys, [self._options.tag, self._node])

    def close(self) -> None:
        """Close the connections but the inbox, which belongs to who reads it."""
        self.redis.close()


def new_epoch() -> str:
    return secrets.token_hex(NODE_DIGITS // 2)


def _kept(entry: tuple[bytes, list[bytes]], now: int) -> Iterator[tuple[int, Envelope, float]]:
    _, fields = entry
    values = dict(zip(fields[::2], fields[1::2], strict=True))
    age = max(0.0, (now - int(values[b"t"])) / 1000)
    for number, envelope in enumerate(unpack_all(values[b"e"]), int(values[b"n"]) + 1):
        yield number, envelope, age
