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
from collections.abc import Callable
from dataclasses import dataclass, replace

from pode_py.core.clock import Clock
from pode_py.push.connections.awaiting import check_may_ask, is_on_loop
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
    """The tickets that have not been used. `submit` has a job run on a worker; `taken_by` is the
    function that takes them."""

    def __init__(
        self,
        clock: Clock,
        nodes: Nodes,
        submit: Callable[[Callable[[], None]], None],
        taken_by: str,
    ) -> None:
        self._clock = clock
        self._nodes = nodes
        self._submit = submit
        self._taken_by = taken_by
        self._lock = threading.Lock()
        self._passes: OrderedDict[str, Pass] = OrderedDict()

    def issue(self, name: str, group: str | None, client_id: str | None, duration: float) -> str:
        now = self._clock.monotonic()
        ticket = secrets.token_urlsafe(32)
        made = Pass(name, group, client_id, now + duration)
        with self._lock:
            self._passes[ticket] = made
            self._forget_old(now)
        backplane = self._nodes.backplane
        if backplane is None:
            return ticket
        if is_on_loop():  # which must not wait; nobody comes with the ticket before it is shared
            self._submit(lambda: self._share(backplane, ticket, made, duration))
        else:
            self._share(backplane, ticket, made, duration)
        return ticket

    def _share(self, backplane: Backplane, ticket: str, made: Pass, duration: float) -> None:
        """Let other nodes know of a ticket."""
        if not backplane.keep_ticket(ticket, made.as_text(), duration):
            return
        with self._lock:
            unused = ticket in self._passes
            if unused:
                self._passes[ticket] = replace(made, shared=True)
        if not unused:  # it was used here meanwhile, all the same
            backplane.take_ticket(ticket)

    def take(self, ticket: str) -> Pass | None:
        """What the ticket allows, once; None if it is unknown, used or too old.

        Raises PodeError on the event loop if other nodes had to be asked.
        """
        backplane = self._nodes.backplane
        if backplane is not None:
            check_may_ask(f"{self._taken_by}, ..., ticket=True")
        # Looked up in a dict: its 256 random bits can't be guessed from timing, as they could
        # if they were compared one by one.
        with self._lock:
            found = self._passes.pop(ticket, None)
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
