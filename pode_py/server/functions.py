"""The Core area of the Pode API: start, stop and know the server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from pode_py.core.ambient import room
from pode_py.core.arguments import Duration, filled, one_of, some_of
from pode_py.core.checks import checked
from pode_py.core.paths import Folders, StrPath
from pode_py.core.signing import derived
from pode_py.observability.logs.logs import Logs
from pode_py.server.callers import check_caller
from pode_py.server.configuration.arguments import StartArguments
from pode_py.server.info import VERSION, ServerInfo, ServerState
from pode_py.server.launch import life_of
from pode_py.server.startup import root_of, set_up_of

__all__ = [
    "ServerState",
    "close_server",
    "get_app_name",
    "get_server_default_secret",
    "get_server_name",
    "get_server_path",
    "get_server_state",
    "get_server_worker_number",
    "get_version",
    "restart_server",
    "start_server",
    "test_server_state",
]

_NO_RESTART = "Nothing is done: Server.AllowedActions.Restart is false in the configuration."
_POOLS = ("timers", "schedules", "tasks", "websockets", "files")


@checked
def start_server(
    handler: Callable[[], Any] | None = None,
    *,
    file_path: StrPath | None = None,
    name: str | None = None,
    app_name: str | None = None,
    threads: int | None = None,
    workers: int | None = None,
    root_path: StrPath | None = None,
    config_file: StrPath | None = None,
    ignore_server_config: bool = False,
    status_page_exceptions: Literal["hide", "show"] | None = None,
    enable_pool: str | Sequence[str] | None = None,
    browse: bool = False,
    current_path: bool = False,
    disable_termination: bool = False,
    quiet: bool = False,
    hide_endpoints: bool = False,
    daemon: bool = False,
    grace: Duration | None = None,
    handler_timeout: Duration | None = None,
    request_body_size: int | None = None,
    request_timeout: Duration | None = None,
    keep_alive_timeout: Duration | None = None,
    dead_client_timeout: Duration | None = None,
    fast_lane: bool = True,
    engine: Literal["h11", "uvicorn"] | None = None,
) -> None:
    """Run a server until it is stopped. Pode: Start-PodeServer.

    Ctrl+C and SIGTERM end it within the grace time, a second one at once. While the handler runs,
    Ctrl+C is a KeyboardInterrupt as anywhere. What is None is left to the configuration, else to
    the default. The environment overrides both: ``PODE_PY__SERVER__THREADS=8``.

    handler: sets the server up: it adds endpoints, routes and schedules. It runs again, on a new
        server, at every restart.
    file_path: a Python file that defines `handler`, or whose code is the set-up.
    name: shown at the start; "Pode" by default.
    threads: number of plain handlers that can run at once, 16 by default; an `async def` handler
        holds no thread.
    workers: number of processes that serve, each with `threads` threads; 1 by default. Not in Pode.
    root_path: the folder of views/, public/, errors/ and routes/; by default that of the script.
    config_file: the configuration, or its folder; by default ``server.toml`` (or json, yaml, psd1)
        next to the script, if there is one.
    ignore_server_config: read no configuration file.
    status_page_exceptions: "show" puts exceptions on error pages, for development; "hide", the
        default, does not.
    enable_pool: not needed: pools start when there is work for them.
    browse: open the first endpoint in a browser.
    current_path: take the current folder as `root_path`.
    disable_termination: ignore Ctrl+C.
    quiet: print nothing at the start.
    hide_endpoints: leave the endpoints out of what is printed at the start.
    daemon: the same as `quiet`.
    grace: seconds that handlers and streams get at the end; 10 by default. Not in Pode.
    handler_timeout: seconds until an answer begins; then the client gets 503. A route may have its
        own. None is no end. Not in Pode.
    request_body_size: bytes; a larger body gets 413. 100 MiB by default. Not in Pode.
    request_timeout: seconds for a head, and for a body that stalls; then 408. 30 by default. Not in
        Pode.
    keep_alive_timeout: seconds for which an idle connection is kept; 75 by default. Not in Pode.
    dead_client_timeout: seconds after which a client that has vanished from the network, or takes
        nothing of what it is sent, is given up; 30 by default. Not in Pode.
    fast_lane: False has h11 read the plain requests as well. Not in Pode.
    engine: "h11" is built in, and the default; "uvicorn" needs the extra of that name. Not in Pode.

    Raises what the handler raises. With several workers the traceback is shown and the program ends
    with exit code 1, because the handler runs in each of them. If the server cannot listen, or the
    handler raises StartError, the program ends with one sentence and exit code 1; in a thread and
    in an interactive session that is a StartError. PodeError for several workers outside of the
    main thread.

        def server():
            add_endpoint(address="*", port=8090, protocol="http")
            add_route("get", "/", lambda: "Hello")

        start_server(server)
    """
    check_caller("start_server")
    set_up = set_up_of(handler, file_path)
    some_of("enable_pool", enable_pool or (), _POOLS)
    folder = root_of(handler, file_path, root_path, current_path=current_path)
    arguments = StartArguments(
        folder=folder,
        root=folder if root_path is not None or current_path else None,
        config_file=config_file,
        ignore_server_config=ignore_server_config,
        name=name,
        app_name=app_name,
        threads=threads,
        workers=workers,
        grace=grace,
        handler_timeout=handler_timeout,
        request_body_size=request_body_size,
        request_timeout=request_timeout,
        keep_alive_timeout=keep_alive_timeout,
        dead_client_timeout=dead_client_timeout,
        fast_lane=fast_lane,
        status_page_exceptions=status_page_exceptions,
        quiet=quiet or daemon,
        hide_endpoints=hide_endpoints,
        disable_termination=disable_termination,
        browse=browse,
        engine=engine,
    )
    life_of(arguments, set_up).run()


def close_server() -> None:
    """Stop the server, as Ctrl+C does. Pode: Close-PodeServer.

    It returns at once. In the set-up handler it means that the server does not start.

        add_route("post", "/stop", close_server)
    """
    room(ServerInfo).request_stop()


def restart_server() -> None:
    """Stop the server and start it again, with a new set-up. Pode: Restart-PodeServer.

    The new set-up runs while the old server still serves. If it fails, that is logged and the old
    server goes on. In the set-up handler this does nothing. Several worker processes are replaced
    one after the other, and no request is refused meanwhile. The configuration is read again. If it
    says ``Server.AllowedActions.Restart = false``, a warning is logged and nothing else is done.

        add_schedule("nightly", "@daily", restart_server)
    """
    info = room(ServerInfo)
    if not info.options.settings.allow_restart:
        room(Logs).write_exception(_NO_RESTART, where="restart_server", level="warning")
        return
    info.request_restart()


def get_server_state() -> ServerState:
    """Return the state of the server, such as "running". Pode: Get-PodeServerState.

    if get_server_state() == "running":
        print("ready")
    """
    return room(ServerInfo).state


def test_server_state(state: str) -> bool:
    """Return whether the server is in a state. Pode: Test-PodeServerState.

    test_server_state("running")
    """
    return room(ServerInfo).state == one_of("state", state, [known.value for known in ServerState])


def get_server_default_secret(*, purpose: str | None = None) -> str:
    """Return a random secret of this start. Pode: Get-PodeServerDefaultSecret.

    What it signs is void after a restart. All worker processes have the same secret, as long as
    their parent lives.

    purpose: any word, such as "cookies": each has a secret of its own. So what was signed for one
        use is worth nothing for another. Not in Pode.

        enable_sse_signing(get_server_default_secret(purpose="sse"))
    """
    secret = room(ServerInfo).default_secret
    return secret if purpose is None else derived(secret, filled("purpose", purpose))


def get_server_path() -> Path:
    """Return the server's root folder. Pode: Get-PodeServerPath.

    data = get_server_path() / "data"
    """
    return room(Folders).root


def get_server_name() -> str:
    """Return the name given to `start_server`. Pode: Get-PodeServerName.

    get_server_name()
    """
    return room(ServerInfo).options.name


def get_app_name() -> str:
    """Return the application's name given to `start_server`. Pode: Get-PodeAppName.

    get_app_name()
    """
    return room(ServerInfo).options.app_name


def get_server_worker_number() -> int:
    """Return the number of this worker process, from 0 on. Not in Pode.

    It is 0 if there is one process. A process that takes the place of another has its number.

        add_endpoint(port=9100 + get_server_worker_number(), name="metrics")
    """
    return room(ServerInfo).worker_number


def get_version() -> str:
    """Return the version of pode_py. Pode: Get-PodeVersion.

    print(get_version())
    """
    return VERSION


test_server_state.__test__ = False  # type: ignore[attr-defined]  # pytest: this is no test
