"""Messages: what is sent, and whom it is for. Values, on their way from a send to the streams."""

from __future__ import annotations

from typing import NamedTuple

from pode_py.push.sse import frames


class Message(NamedTuple):
    """An event on its way: its frame without an id, and the id that its sender gave it."""

    frame: bytes
    event_id: str | None = None

    def with_own_id(self) -> bytes:
        return self.frame if self.event_id is None else frames.with_id(self.event_id, self.frame)


class Audience(NamedTuple):
    """Whom an event is for: these names, any of the groups, one of the client ids."""

    names: tuple[str, ...]
    groups: tuple[str, ...] = ()
    client_ids: tuple[str, ...] = ()
