"""ServerInfo: what is known of the server itself, and requests to stop or restart it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Literal

from pode_py.server.options import ServerOptions

# Of pode_py. What builds the package reads it here, too; asking the installed package costs 0.9 MB
# and some milliseconds in every program.
VERSION = "0.1.0"

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

    Requests are flags of this one server. One for the old server that comes while another takes
    its place ends with it; a stop is not overruled by a restart.
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
        self.stop_requested = False
        self.restart_requested = False
        self._notify: Callable[[StopKind], None] = _nobody

    def listen(self, notify: Callable[[StopKind], None]) -> None:
        """Have `notify` called at each request, after its flag is up."""
        self._notify = notify

    def request_stop(self) -> None:
        self.stop_requested = True
        self._notify("stop")

    def request_restart(self) -> None:
        """Does nothing during the set-up: one that asks for a restart would never end."""
        if self.state is not ServerState.STARTING:
            self.restart_requested = True
            self._notify("restart")


def _nobody(request: StopKind) -> None:
    """Hears of a request that was made before anybody listens: its flag is looked at later."""
