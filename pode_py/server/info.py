"""ServerInfo: the room that knows the server: its name, state, secret, and requests to stop it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Literal

from pode_py.server.options import ServerOptions

StopKind = Literal["stop", "restart"]


class ServerState(StrEnum):
    """What a server is doing, with Pode's names. Pode: Get-PodeServerState.

    Compares equal to its text: ``get_server_state() == "running"``.
    """

    STARTING = "starting"
    RUNNING = "running"
    RESTARTING = "restarting"
    TERMINATING = "terminating"
    TERMINATED = "terminated"


class ServerInfo:
    """Any thread may read it and request a stop or a restart; the main thread carries it out.

    The requests are flags of this one server. One that reaches the old server while another takes
    its place is dropped with it; a restart does not overrule a stop.
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
        self._notify: Callable[[StopKind], None] | None = None

    def listen(self, notify: Callable[[StopKind], None]) -> None:
        """Have `notify` called at each request, after its flag is up."""
        self._notify = notify

    def request_stop(self, kind: StopKind) -> None:
        """Stop the server, or restart it."""
        if kind == "stop":
            self.stop_wanted = True
        elif self.state is ServerState.STARTING:
            return  # it is being made anew; a set-up that asks for a restart would never end
        else:
            self.restart_wanted = True
        if self._notify is not None:
            self._notify(kind)
