"""Backplane: what the hub asks of whatever carries events to other nodes. A port, no more.

A node is one server: a process that runs start_server. Where there is no backplane, the hub is
alone, and none of this costs anything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

from pode_py.push.connections.delivery import Delivery
from pode_py.push.connections.messages import Audience, Message
from pode_py.push.sse.connection import SseConnection


class Backplane(Protocol):
    """Any thread may call it. Nothing here waits longer than about a second."""

    def start(self) -> None:
        """Join the other nodes, before the first client comes. Raises StartError."""

    def stop(self, timeout: float) -> bool:
        """Leave them. True if all threads have ended in time."""

    def send(self, message: Message, audience: Audience) -> Delivery:
        """Send to the streams of all nodes, this one included."""

    def when_arrived(self, job: Callable[[], None]) -> None:
        """Run `job`, which must be quick, when what this node has sent before is on its way to its
        own streams: at once, or when it has come back."""

    def ask(self, audience: Audience, request: Mapping[str, Any]) -> int:
        """Ask other nodes to do something with their streams that are meant. Gives how many there
        are."""

    def register(self, connection: SseConnection) -> None:
        """Let all nodes know of a stream that has opened, or has other names or groups."""

    def unregister(self, connection: SseConnection) -> None:
        """Let them forget it."""

    def prepare(self, cursor: str) -> None:
        """Before a client with this cursor enters: catch up with what it has seen elsewhere."""

    # Tickets that any node takes.

    def keep_ticket(self, ticket: str, text: str, duration: float) -> bool:
        """False if they can't be told."""

    def take_ticket(self, ticket: str) -> tuple[bool, str | None]:
        """Whether they could be asked; and the text of a ticket that nobody has used."""

    # Who is connected to other nodes.

    def names(self) -> Collection[str]: ...

    def groups(self, name: str) -> Collection[str]: ...

    def client_ids(self, name: str, groups: Collection[str]) -> Collection[str]: ...

    def has(self, audience: Audience) -> bool: ...
