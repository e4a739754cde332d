"""Guards: who may pass to a route. A port: rooms of the security wing bring the guards.

A guard that fails refuses: only a plain True lets a request in.
"""

from __future__ import annotations

from typing import Protocol

from pode_py.core.calls import Steps
from pode_py.core.errors import StatusError
from pode_py.web.event import WebEvent


class Guard(Protocol):
    """Stands before a route, between global middleware and the route's own."""

    def check(self, event: WebEvent) -> Steps:
        """Steps that return True to let the request in. They may write the response that refuses
        it, or raise; what they return else, and nothing at all, refuses too."""


def let_in(guards: tuple[Guard, ...], event: WebEvent) -> Steps:
    """Ask each guard. True if all let the request in; a refusal without a response is a 403."""
    for guard in guards:
        answer = yield from guard.check(event)
        if answer is True:
            continue
        if not event.response.written:
            raise StatusError(403)
        return False
    return True
