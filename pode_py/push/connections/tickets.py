"""Tickets: short-lived passes for one connection each, for clients that can't send headers.

A browser sets no Authorization header when it opens a connection that stays. So a route that knows
who asks hands out a ticket, and the page opens the connection with ``?ticket=…``. A ticket in a
log or a history is worthless: it works once, and not for long.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace

from pode_py.core.clock import Clock
from pode_py.push.connections.nodes import Backplane, Nodes

# More than are handed out in their lifetime by any sane page; the oldest go first.
_MOST = 100_000


@dataclass(frozen=True, slots=True)
class Pass:
    """What a ticket allows: a connection of this name, with this group and client id."""

    name: str
    group: str | None
    client_id: str | None
    until: float
    # Whether other nodes know of it.
    shared: bool = False

    def as_text(self) -> str:
        """As other nodes get it."""
        return json.dumps([self.name, self.group, self.client_id])


class Tickets:
    """The tickets that have not been used."""

    def __init__(self, clock: Clock, nodes: Nodes) -> None:
        self._clock = clock
        self._nodes = nodes
        self._lock = threading.Lock()
        self._passes: OrderedDict[str, Pass] = OrderedDict()

    def issue(self, name: str, group: str | None, client_id: str | None, duration: float) -> str:
        now = self._clock.monotonic()
        ticket = secrets.token_urlsafe(32)
        made = Pass(name, group, client_id, now + duration)
        backplane = self._nodes.backplane
        if backplane is not None:
            shared = backplane.keep_ticket(ticket, made.as_text(), duration)
            made = replace(made, shared=shared)
        with self._lock:
            self._passes[ticket] = made
            self._forget_old(now)
        return ticket

    def take(self, ticket: str) -> Pass | None:
        """What the ticket allows, once; None if it is unknown, used or too old."""
        # Looked up in a dict: its 256 random bits can't be guessed from timing, as they could
        # if they were compared one by one.
        with self._lock:
            found = self._passes.pop(ticket, None)
        backplane = self._nodes.backplane
        if backplane is not None and (found is None or found.shared):
            found = self._take_anywhere(backplane, ticket, found)
        if found is None or found.until < self._clock.monotonic():
            return None
        return found

    def _take_anywhere(self, backplane: Backplane, ticket: str, own: Pass | None) -> Pass | None:
        """A ticket that any node may have issued, and any other used."""
        answered, text = backplane.take_ticket(ticket)
        if not answered:
            return own
        if text is None or own is not None:
            return None if text is None else own
        name, group, client_id = json.loads(text)
        return Pass(name, group, client_id, self._clock.monotonic() + 1)

    def _forget_old(self, now: float) -> None:
        while self._passes:
            first = next(iter(self._passes))
            if len(self._passes) <= _MOST and self._passes[first].until >= now:
                return
            del self._passes[first]
