"""ServerOptions: the arguments of start_server. A value."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pode_py.engine.options import Limits

#: "asgi" is the engine of `asgi_app`: another server's sockets.
EngineKind = Literal["h11", "uvicorn", "asgi"]


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Times in seconds. `free_ports` is for tests: every endpoint gets a free port on loopback."""

    root: Path = field(default_factory=Path.cwd)
    name: str = "Pode"
    app_name: str = ""
    threads: int = 16
    workers: int = 1
    grace: float = 10.0
    handler_timeout: float = 0.0
    limits: Limits = field(default_factory=Limits)
    show_exceptions: bool = False
    quiet: bool = False
    hide_endpoints: bool = False
    disable_termination: bool = False
    browse: bool = False
    free_ports: bool = False
    poller: str = "auto"
    engine: EngineKind = "h11"
