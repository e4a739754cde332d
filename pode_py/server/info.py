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
    """Any thread may read it and wish for a stop or a restart; the main thread carries it out.

    The wishes are flags of this one server. A wish for the old server that comes while another
    takes its place dies with it; a stop is not overruled by a restart.
    """

    def __init__(self, options: ServerOptions, restarts: int) -> None:
        self.options = options
        self.restarts = restarts
        # Which of several worker processes this is.
        self.worker_number = 0
        # Whether another process serves on the same sockets from now on.
        self.replaced = False
        self.state = ServerState.STARTING
        self.started_at: datetime | None = None
        # Random for every start: what it signs is void after a restart. Worker processes share
        # one, which stays as long as their parent lives.
        self.default_secret = secrets.token_urlsafe(32)
        self.stop_wanted = False
        self.restart_wanted = False
        self._tell: Callable[[Wish], None] | None = None

    def listen(self, tell: Callable[[Wish], None]) -> None:
        """Have `tell` called at each wish, after its flag is up."""
        self._tell = tell

    def wish(self, wish: Wish) -> None:
        if wish == "stop":
            self.stop_wanted = True
        elif self.state is ServerState.STARTING:
            return  # it is being made anew; a set-up that asks for a restart would never end
        else:
            self.restart_wanted = True
        if self._tell is not None:
            self._tell(wish)
