"""ServerState: what a server is doing. The names are Pode's."""

from __future__ import annotations

from enum import StrEnum


class ServerState(StrEnum):
    """Compares equal to its text: ``get_server_state() == "running"``."""

    STARTING = "starting"
    RUNNING = "running"
    RESTARTING = "restarting"
    TERMINATING = "terminating"
    TERMINATED = "terminated"
