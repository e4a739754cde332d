"""Binder: fills a handler's parameters from its request. A port: typed routes bring it."""

from __future__ import annotations

from typing import Protocol

from pode_py.core.handlers import Arguments
from pode_py.web.event import WebEvent


class Binder(Protocol):
    """Belongs to one route."""

    def bind(self, event: WebEvent) -> Arguments:
        """What the handler gets for its parameters. Raises StatusError for a bad request."""
