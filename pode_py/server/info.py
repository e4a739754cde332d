"""ServerInfo: the room that knows the server itself: its name, state, secret and wishes."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Literal

from pode_py.server.options import ServerOptions
from pode_py.server.states import ServerState

Wish = Literal["stop", "restart"]


class ServerInfo:
    """Any thread may read it and wish for a stop or a restart; the main thread carries it out."""

    def __init__(self, options: ServerOptions, restarts: int) -> None:
        self.options = options
        self.restarts = restarts
        self.state = ServerState.STARTING
        self.started_at: datetime | None = None
        # Random for every start: what it signs is void after a restart.
        self.default_secret = secrets.token_urlsafe(32)
        self._ask: Callable[[Wish], None] | None = None

    def listen(self, ask: Callable[[Wish], None]) -> None:
        """Have `ask` called with each wish."""
        self._ask = ask

    def wish(self, wish: Wish) -> None:
        if self._ask is not None:
            self._ask(wish)
