"""StartArguments: what start_server was called with, and the options that follow from it.

Options are read anew at each start and restart: a file that has changed is a part of them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from pode_py.core.arguments import MOST_THREADS, Duration, one_of, seconds, whole_number
from pode_py.engine.options import Limits
from pode_py.server.configuration.configuration import (
    Configuration,
    given_configuration,
    load_configuration,
)
from pode_py.server.configuration.keys import MOST_WORKERS
from pode_py.server.configuration.settings import Settings
from pode_py.server.options import EngineKind, ServerOptions

_DEFAULTS: Final = ServerOptions(root=Path())
_LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class StartArguments:
    """None, and False for a switch, leave it to the configuration.

    `folder` is where the script is; `root` is another folder that the caller named. `config` are
    the values of a test, in place of a file and of the environment. `is_asgi`: another server has
    the sockets.
    """

    folder: Path
    root: Path | None = None
    config_file: str | Path | None = None
    ignore_server_config: bool = False
    config: Mapping[str, Any] | None = None
    name: str | None = None
    app_name: str | None = None
    threads: int | None = None
    workers: int | None = None
    grace: Duration | None = None
    handler_timeout: Duration | None = None
    request_body_size: int | None = None
    request_timeout: Duration | None = None
    keep_alive_timeout: Duration | None = None
    dead_client_timeout: Duration | None = None
    fast_lane: bool = True
    status_page_exceptions: str | None = None
    quiet: bool = False
    hide_endpoints: bool = False
    disable_termination: bool = False
    browse: bool = False
    engine: str | None = None
    is_asgi: bool = False
    is_test: bool = False
    poller: str = "auto"

    def __post_init__(self) -> None:
        """Whatever is wrong is said by the call itself, and not by a restart."""
        if self.config_file is not None and self.ignore_server_config:
            raise ValueError("Give config_file or ignore_server_config, not both.")
        self._limits(Configuration())
        self._own(Configuration())

    def read(self) -> ServerOptions:
        """The options as of now. Raises StartError for what is wrong in file or environment."""
        configuration = self._configuration()
        return ServerOptions(
            root=self._root(configuration),
            limits=self._limits(configuration),
            browse=self.browse,
            poller=self.poller,
            free_ports=self.is_test,
            configuration=configuration,
            settings=Settings.of(configuration),
            **self._own(configuration),
        )

    def _configuration(self) -> Configuration:
        listens = not self.is_asgi
        if self.is_test:
            if self.config is None:
                return Configuration()
            return given_configuration(self.config, listens=listens)
        return load_configuration(
            self.folder,
            self.config_file,
            os.environ,
            ignore_file=self.ignore_server_config,
            listens=listens,
        )

    def _root(self, configuration: Configuration) -> Path:
        chosen = configuration.choose("Server.Root", self.root, self.folder)
        root = (self.folder / Path(chosen).expanduser()).resolve()
        if chosen not in (self.root, self.folder) and not os.path.isdir(root):
            raise configuration.error(
                "Server.Root", f"is {chosen!r}, and there is no folder {root}."
            )
        return root

    def _own(self, configuration: Configuration) -> dict[str, Any]:
        """What is a field of ServerOptions, by its name."""
        choose = configuration.choose
        pages = self.status_page_exceptions
        shown = None
        if pages is not None:
            shown = one_of("status_page_exceptions", pages, ("hide", "show")) == "show"
        listed = choose(
            "Server.Console.ShowEndpoints", False if self.hide_endpoints else None, True
        )
        return {
            "name": choose("Server.Name", self.name, _DEFAULTS.name),
            "app_name": choose("Server.AppName", self.app_name, _DEFAULTS.app_name),
            "threads": choose(
                "Server.Threads", _whole("threads", self.threads, 1, MOST_THREADS), 16
            ),
            "workers": choose(
                "Server.Workers", _whole("workers", self.workers, 1, MOST_WORKERS), 1
            ),
            "grace": choose("Server.Grace", _seconds("grace", self.grace, 0), _DEFAULTS.grace),
            "handler_timeout": choose(
                "Server.HandlerTimeout",
                _seconds("handler_timeout", self.handler_timeout, 0),
                _DEFAULTS.handler_timeout,
            ),
            "show_exceptions": choose("Web.ErrorPages.ShowExceptions", shown, False),
            "quiet": choose("Server.Console.Quiet", self.quiet or None, False),
            "hide_endpoints": not listed,
            "disable_termination": choose(
                "Server.Console.DisableTermination", self.disable_termination or None, False
            ),
            "engine": self._engine(configuration),
        }

    def _engine(self, configuration: Configuration) -> EngineKind:
        if self.is_asgi:
            return "asgi"
        given = self.engine
        if given is not None:
            given = one_of("engine", given, ("h11", "uvicorn"))
        return cast("EngineKind", configuration.choose("Server.Engine", given, "h11"))

    def _limits(self, configuration: Configuration) -> Limits:
        choose = configuration.choose
        return Limits(
            body_size=choose(
                "Server.Request.BodySize",
                _whole("request_body_size", self.request_body_size, 0),
                _LIMITS.body_size,
            ),
            request_timeout=choose(
                "Server.Request.Timeout",
                _seconds("request_timeout", self.request_timeout, 0.1),
                _LIMITS.request_timeout,
            ),
            keep_alive_timeout=choose(
                "Server.KeepAliveTimeout",
                _seconds("keep_alive_timeout", self.keep_alive_timeout, 0.1),
                _LIMITS.keep_alive_timeout,
            ),
            write_timeout=choose(
                "Server.DeadClientTimeout",
                _seconds("dead_client_timeout", self.dead_client_timeout, 1),
                _LIMITS.write_timeout,
            ),
            fast_lane=self.fast_lane,
        )


def _whole(name: str, value: int | None, minimum: int, maximum: int | None = None) -> int | None:
    return None if value is None else whole_number(name, value, minimum=minimum, maximum=maximum)


def _seconds(name: str, value: Duration | None, minimum: float) -> float | None:
    return None if value is None else seconds(name, value, minimum=minimum)
