"""SlowClients: what may wait for a client that does not read, by name of its connection."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pode_py.exchange.outbox import Outbox
from pode_py.exchange.overflow import OutboxLimits
from pode_py.push.connections.connection import PushConnection

_DEFAULT = OutboxLimits()

_WHAT = {
    "disconnect": "It is disconnected.",
    "drop_oldest": "Its oldest events are dropped.",
    "drop_newest": "New events for it are dropped.",
    "keep_latest": "Of each event type it gets the latest only.",
}


class SlowClients:
    """The limits of a name, else those of "*". They hold for connections opened from now on."""

    def __init__(self, warn: Callable[[str], None]) -> None:
        self._warn = warn
        self._limits: dict[str, OutboxLimits] = {}
        self._full = self._tell  # one object for all connections

    def set(self, name: str, limits: OutboxLimits) -> None:
        self._limits[name] = limits

    def limits_of(self, names: Iterable[str]) -> OutboxLimits:
        if self._limits:
            for name in (*names, "*"):
                if name in self._limits:
                    return self._limits[name]
        return _DEFAULT

    def watch(self, connection: PushConnection) -> None:
        """Log the first time that the connection's outbox is full."""
        connection.outbox.owner = connection
        connection.outbox.on_full = self._full

    def _tell(self, outbox: Outbox) -> None:
        connection, limits = outbox.owner, outbox.limits
        if connection is None:  # it has closed by now
            return
        # Before its stream has begun nothing could be written to it: that says nothing about it.
        why = "reads too slowly" if outbox.stuck else "was sent too much before its stream began"
        self._warn(
            f"The client {connection.client_id!r} ({connection.remote_address}) of "
            f"{connection.name!r} {why}: {outbox.pending_bytes} bytes wait for it, of "
            f"{limits.size} allowed. {_WHAT[limits.policy]}"
        )
