"""Nodes: the other servers and processes that share connections with this one, and the port to
whatever carries events to them.

A node is one server: a process that runs start_server. A connection belongs to the process that
has its socket. Without a backplane an event reaches the clients of the process that sent it, and
nobody would see why the others get nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from pode_py.core.errors import PodeError
from pode_py.push.connections.audience import Audience
from pode_py.push.connections.connection import PushConnection
from pode_py.push.connections.delivery import Delivery


class Backplane(Protocol):
    """Any thread may call it. Nothing here waits longer than about a second."""

    def start(self) -> None:
        """Join the other nodes, before the first client comes. Raises StartError."""

    def stop(self, timeout: float) -> bool:
        """Leave them. True if all threads have ended in time."""

    def send(self, frame: bytes, audience: Audience, event_id: str | None = None) -> Delivery:
        """Send to the connections of all nodes, this one included. `event_id` is the id that the
        event's sender gave it."""

    def when_arrived(self, job: Callable[[], None]) -> None:
        """Run `job`, which must be quick, when what this node has sent before is on its way to its
        own connections: at once, or when it has come back."""

    def ask(self, audience: Audience, request: Mapping[str, Any]) -> int:
        """Ask other nodes to do something with their connections that are meant. Returns how many
        there are; 0 on the event loop, which must not wait for that."""

    def register(self, connection: PushConnection) -> Callable[[], object]:
        """Let all nodes know of a connection that has opened, or has other names or groups.
        Returns what waits until they do."""

    def unregister(self, connection: PushConnection) -> None:
        """Let them forget it."""

    def prepare(self, cursor: str) -> None:
        """Before a client with this cursor enters: catch up with what it has seen elsewhere."""

    # Tickets that any node takes.

    def keep_ticket(self, ticket: str, text: str, duration: float) -> bool:
        """False if they can't be notified."""

    def take_ticket(self, ticket: str) -> tuple[bool, str | None]:
        """Whether they could be asked; and the text of a ticket that nobody has used."""

    # Who is connected to other nodes.

    def names(self) -> Collection[str]: ...

    def groups(self, name: str) -> Collection[str]: ...

    def client_ids(self, name: str, groups: Collection[str]) -> Collection[str]: ...

    def has(self, audience: Audience) -> bool: ...

    def groups_of(self, name: str, client_id: str) -> Sequence[str] | None:
        """Those of one connection; None if no other node has it."""


class Nodes:
    """The backplane, if there is one. `workers` is how many processes serve the same script,
    `started` says that the server has begun, `wanted_by` names what in the set-up says that
    connections will be opened, `noun` is what they are called, and `remedy` the call that lets
    processes share them."""

    def __init__(self, noun: str, remedy: str) -> None:
        self.backplane: Backplane | None = None
        self.started = False
        self.workers = 1
        self.wanted_by = ""
        self._noun = noun
        self._remedy = remedy

    def check(self) -> None:
        """Raise PodeError for a connection that is about to open, where there are other processes
        and no backplane."""
        if self.workers > 1 and self.backplane is None:
            raise PodeError(self.complaint("a route opens a stream"))

    def complaint(self, why: str) -> str:
        """What is wrong, and what to do."""
        return (
            f"start_server(workers={self.workers}) can't serve {self._noun} alone, and {why}: "
            "an event would reach only the clients of the worker that sends it. Call "
            f"{self._remedy} in the set-up function, or use workers=1."
        )
