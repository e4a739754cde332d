"""Lingering: what the pusher has to do for connections that are no streams.

A *drain* is the rest of a response; then the connection is a worker's again. A *lingerer* was
answered with an error while it still sends: it is read until it stops, or the answer would be
lost to a reset (RFC 9112, 9.6). Parked connections are nobody's: those whose deadline has come are
claimed. Belongs to the pusher's thread.
"""

from __future__ import annotations

from collections.abc import Callable

from pode_py.core.clock import Clock
from pode_py.engine.h11.connection import Connection
from pode_py.engine.h11.deadlines import Deadlines
from pode_py.engine.h11.registrations import READ, WRITE, Registrations
from pode_py.exchange.stream import TURN

# How long a client that was answered with an error may go on sending before it is cut.
_LINGER = 2.0
# Reads of a turn from one client that talks on: a flood must not hold up the streams.
_READS = 16


def skip_input(connection: Connection) -> bool:
    """Read and forget a turn of input. False at its end."""
    try:
        for _ in range(_READS):
            data = connection.try_recv()
            if not data:
                return data is None
    except OSError:
        return False
    return True


class Lingering:
    """Call `go_on` when something happens on the socket of one of these."""

    def __init__(
        self,
        clock: Clock,
        write_timeout: float,
        sockets: Registrations,
        deadlines: Deadlines,
        *,
        give_back: Callable[[Connection], None],
        forget: Callable[[Connection], None],
        expire: Callable[[Connection], None],
    ) -> None:
        self._clock = clock
        self._write_timeout = write_timeout
        self._sockets = sockets
        self._deadlines = deadlines
        self._give_back = give_back
        self._forget = forget
        self._expire = expire
        self.drains: set[Connection] = set()

    def drain(self, connection: Connection) -> None:
        self.drains.add(connection)
        self._watch(connection, WRITE, self._write_timeout)

    def linger(self, connection: Connection) -> None:
        if connection.has_leftover:
            connection.close_after = True
            self.drain(connection)
            return
        connection.shutdown()
        self._watch(connection, READ, _LINGER)
        self._listen(connection)

    def go_on(self, connection: Connection) -> None:
        if connection in self.drains:
            self._send(connection)
        else:
            self._listen(connection)

    def check(self, connection: Connection, now: float) -> None:
        """Look at a connection's deadline: it drains, lingers, or is parked."""
        if connection.closed:
            return
        owned = self._sockets.owner_of(connection.fd) is connection  # it drains or lingers
        if now < connection.deadline:  # moved since the look was planned
            self._deadlines.look_at(connection, connection.deadline)
        elif not owned and not self._claim_due(connection, now):
            # A worker has it, and sets a new deadline when it parks it.
            self._deadlines.look_at(connection, max(connection.deadline, now + 1.0))
        elif owned:
            self.close(connection)
        else:
            self._expire(connection)

    def _claim_due(self, connection: Connection, now: float) -> bool:
        """Claim a parked connection, unless a worker was quicker and has moved its deadline."""
        if not connection.claim_parked():
            return False
        if now >= connection.deadline:
            return True
        if not connection.release():
            self._give_back(connection)
        return False

    def close(self, connection: Connection) -> None:
        self.drains.discard(connection)
        self._sockets.unregister(connection)
        self._forget(connection)

    def close_all(self) -> None:
        for connection in list(self.drains):
            self.close(connection)
        for owner in self._sockets.owners():
            if isinstance(owner, Connection):
                self.close(owner)

    def _watch(self, connection: Connection, events: int, timeout: float) -> None:
        if not self._sockets.register(connection, connection, events):
            self.close(connection)
        self._wait(connection, timeout)

    def _wait(self, connection: Connection, timeout: float) -> None:
        connection.deadline = self._clock.monotonic() + timeout
        self._deadlines.look_at(connection, connection.deadline)

    def _send(self, connection: Connection) -> None:
        try:
            progress = connection.send_leftover(TURN)
        except OSError:
            self.close(connection)
            return
        if progress:
            connection.deadline = self._clock.monotonic() + self._write_timeout
        if connection.has_leftover:
            return
        self.drains.discard(connection)
        self._sockets.unregister(connection)
        if connection.close_after:
            self.linger(connection)
        else:
            self._give_back(connection)

    def _listen(self, connection: Connection) -> None:
        if not skip_input(connection):
            self.close(connection)
