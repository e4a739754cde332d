"""ServerOptions: what a server is built from: arguments, environment and file as one value."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from pode_py.core.errors import StartError
from pode_py.engine.options import Limits
from pode_py.server.configuration.configuration import Configuration
from pode_py.server.configuration.settings import Settings

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
    configuration: Configuration = field(default_factory=Configuration)
    settings: Settings = field(default_factory=Settings)

    def following(self, before: ServerOptions) -> ServerOptions:
        """These options at a restart. What only a new start of the program can change stays as it
        was `before`, with a remark. StartError if the rights to read the file are gone."""
        path = before.configuration.path
        is_gone = self.configuration.path is None
        if path is not None and is_gone and not os.access(path.parent, os.X_OK):
            raise StartError(f"{path} can't be read any more: its folder is closed to this user.")
        remarks = [
            f"{path} is {wanted!r} now. It stays {was!r} until the program is started anew."
            for path, wanted, was in (
                ("Server.Workers", self.workers, before.workers),
                (
                    "Server.Console.DisableTermination",
                    self.disable_termination,
                    before.disable_termination,
                ),
            )
            if wanted != was
        ]
        return replace(
            self,
            workers=before.workers,
            disable_termination=before.disable_termination,
            configuration=self.configuration.with_remarks(remarks),
        )
