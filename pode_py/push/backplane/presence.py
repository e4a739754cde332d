"""Presence: the streams of this node as other nodes see them, and theirs as this one does.

What opens or ends is noted, and written to Redis in batches by the node's sending thread. Each
stream has a token, so that the end of one is not taken for the end of another that has its name
and client id by now. Whatever is asked is answered for other nodes only.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from pode_py.push.backplane.options import BackplaneOptions
from pode_py.push.backplane.redis import scripts
from pode_py.push.backplane.redis.server import RedisNode
from pode_py.push.connections.audience import Audience
from pode_py.push.connections.connection import PushConnection

_BATCH = 200
_REFRESHED_AT_ONCE = 100


@dataclass(slots=True, eq=False)
class _Change:
    """A stream that has opened (`sign` is +) or ended. `done` is set when Redis knows."""

    sign: str
    token: int
    client_id: str
    names: tuple[str, ...]
    groups: tuple[str, ...] = ()
    done: threading.Event | None = field(default=None)


class Presence:
    """Any thread may call it."""

    def __init__(self, options: BackplaneOptions, node: str) -> None:
        self._options = options
        self._node = node
        self._lock = threading.Lock()
        self._tokens = count(1)
        self._streams: dict[int, PushConnection] = {}
        self._written: dict[PushConnection, tuple[int, tuple[str, ...]]] = {}
        self._changes: deque[_Change] = deque()
        self._refreshed: list[str] = []

    # Streams of this node.

    def note(self, connection: PushConnection) -> threading.Event:
        """A stream has opened, or has other names or groups. Returns an event: Redis knows."""
        done = threading.Event()
        with self._lock:
            token, names = self._written.get(connection) or (next(self._tokens), ())
            gone = tuple(name for name in names if name not in connection.names)
            if gone:
                self._changes.append(_Change("-", token, connection.client_id, gone))
            self._streams[token] = connection
            self._written[connection] = (token, connection.names)
            self._changes.append(_opened(connection, token, done))
        return done

    def forget(self, connection: PushConnection) -> None:
        """A stream has ended."""
        with self._lock:
            token, names = self._written.pop(connection, (0, ()))
            if token:
                del self._streams[token]
                self._changes.append(_Change("-", token, connection.client_id, names))

    def stream_of(self, token: int) -> PushConnection | None:
        with self._lock:
            return self._streams.get(token)

    @property
    def is_waiting(self) -> bool:
        """Whether there are changes that Redis does not know yet."""
        return bool(self._changes)

    # What the sending thread does.

    def note_all(self) -> None:
        """Redis knows nothing of this node: all that is open has opened anew."""
        with self._lock:
            waiting = [change for change in self._changes if change.done is not None]
            self._changes = deque(
                _opened(connection, token, None) for connection, (token, _) in self._written.items()
            )
            # Who waits for one of them is let go when all are written.
            self._changes.extend(waiting)

    def drop_changes(self) -> None:
        """Redis can't be reached: nobody shall wait for it."""
        with self._lock:
            changes = list(self._changes)
            self._changes.clear()
        _finish(changes)

    def write(self, redis: RedisNode) -> None:
        """Write the next changes. What fails stays noted."""
        with self._lock:
            changes = [self._changes[place] for place in range(min(_BATCH, len(self._changes)))]
        if not changes:
            return
        options = self._options
        head = (options.tag, self._node, redis.publish, options.life_ms, options.expiry_ms)
        rows = [field for change in changes for field in self._rows(change)]
        redis.script(scripts.PRESENCE, [options.key("nodes")], [*head, *rows])
        with self._lock:
            for _ in changes:
                self._changes.popleft()
        _finish(changes)

    def to_refresh(self) -> list[bytes]:
        """Some names whose keys in Redis are to live on: in turn all of them."""
        with self._lock:
            if not self._refreshed:
                names = {name for _, names in self._written.values() for name in names}
                self._refreshed = list(names)
            some = self._refreshed[:_REFRESHED_AT_ONCE]
            del self._refreshed[:_REFRESHED_AT_ONCE]
        return [_utf8(name) for name in some]

    @staticmethod
    def _rows(change: _Change) -> Iterable[bytes | str | int]:
        groups = json.dumps({group.casefold(): group for group in change.groups})
        for name in change.names:
            yield from (change.sign, _utf8(name), _utf8(change.client_id), change.token, groups)

    # Streams of other nodes.

    def names(self, redis: RedisNode) -> list[str]:
        found = redis.ask(scripts.ASK, [self._options.key("nodes")], self._asked("names"))
        return list(dict.fromkeys(map(_text, found)))

    def has(self, redis: RedisNode, audience: Audience) -> bool:
        """Whether one of the names has such a stream."""
        return any(self._entry(redis, name, audience) for name in audience.names)

    def groups_of(self, redis: RedisNode, name: str, client_id: str) -> list[str] | None:
        """The groups of one stream; None if there is none."""
        entry = self._entry(redis, name, Audience((name,), (), (client_id,)))
        return list(json.loads(entry.partition(b" ")[2]).values()) if entry else None

    def groups(self, redis: RedisNode, name: str) -> list[str]:
        """The groups of a name, as their first member spelled them."""
        groups: dict[str, str] = {}
        for _, _, own in self._entries(redis, name):
            groups = own | groups
        return list(groups.values())

    def client_ids(self, redis: RedisNode, name: str, groups: Collection[str]) -> list[str]:
        wanted = {group.casefold() for group in groups}
        return [
            client_id
            for client_id, _, own in self._entries(redis, name)
            if not wanted or not wanted.isdisjoint(own)
        ]

    def count(self, redis: RedisNode, audience: Audience) -> int:
        """How many streams are meant, each once. The name "*" means all names."""
        names = self.names(redis) if audience.names == ("*",) else list(audience.names)
        if len(names) == 1 and not audience.groups and not audience.client_ids:
            keys = [self._options.key("nodes")]
            return int(redis.ask(scripts.ASK, keys, [*self._asked("count"), _utf8(names[0])]))
        wanted = {group.casefold() for group in audience.groups}
        return len(
            {
                stream
                for name in names
                for client_id, stream, own in self._entries(redis, name)
                if (not wanted or not wanted.isdisjoint(own))
                and (not audience.client_ids or client_id in audience.client_ids)
            }
        )

    def epoch(self, redis: RedisNode) -> str:
        """The epoch that Redis goes by."""
        return (redis.ask_raw("HGET", self._options.key("state"), "epoch") or b"").decode()

    def latest_number(self, redis: RedisNode) -> int:
        """The latest number that Redis has given."""
        return int(redis.ask_raw("HGET", self._options.key("state"), "number") or 0)

    def _entry(self, redis: RedisNode, name: str, audience: Audience) -> Any:
        """The entry of a stream of this name that is meant; 1 if there is one, 0 if there is
        none."""
        groups = json.dumps([group.casefold() for group in audience.groups])
        asked = [*self._asked("has"), _utf8(name), groups, json.dumps(audience.client_ids)]
        return redis.ask(scripts.ASK, [self._options.key("nodes")], asked)

    def _entries(
        self, redis: RedisNode, name: str
    ) -> Iterable[tuple[str, tuple[bytes, bytes], dict[str, str]]]:
        """Of each stream: its client id, what it is known by, its groups folded and spelled."""
        keys = [self._options.key("nodes")]
        found = redis.ask(scripts.ASK, keys, [*self._asked("entries"), _utf8(name)])
        for node, client_id, entry in zip(found[::3], found[1::3], found[2::3], strict=True):
            token, _, groups = entry.partition(b" ")
            yield _text(client_id), (node, token), json.loads(groups)

    def _asked(self, what: str) -> Sequence[str | int]:
        return (self._options.tag, self._node, self._options.life_ms, what)


def _opened(connection: PushConnection, token: int, done: threading.Event | None) -> _Change:
    return _Change("+", token, connection.client_id, connection.names, connection.groups, done)


def _finish(changes: Iterable[_Change]) -> None:
    for change in changes:
        if change.done is not None:
            change.done.set()


def _utf8(text: str) -> bytes:
    """As Redis gets it: any str, halves of surrogate pairs included."""
    return text.encode("utf-8", "surrogatepass")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")
