"""The Core area of the Pode API: start, stop and know the server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal, cast

from pode_py.core.ambient import room
from pode_py.core.arguments import Duration, one_of, seconds, some_of, whole_number
from pode_py.core.paths import Folders
from pode_py.engine.options import Limits
from pode_py.server.info import ServerInfo
from pode_py.server.lifecycle import Lifecycle
from pode_py.server.options import EngineKind, ServerOptions
from pode_py.server.script import root_of, set_up_of
from pode_py.server.states import ServerState
from pode_py.server.workers.parent import Parent

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

_POOLS = ("timers", "schedules", "tasks", "websockets", "files")


def start_server(
    handler: Callable[[], Any] | None = None,
    *,
    file_path: str | Path | None = None,
    name: str = "Pode",
    app_name: str = "",
    threads: int = 16,
    workers: int = 1,
    root_path: str | Path | None = None,
    status_page_exceptions: Literal["hide", "show"] = "hide",
    enable_pool: str | Sequence[str] | None = None,
    browse: bool = False,
    current_path: bool = False,
    disable_termination: bool = False,
    quiet: bool = False,
    hide_endpoints: bool = False,
    daemon: bool = False,
    grace: Duration = 10,
    request_body_size: int = 100 * 1024 * 1024,
    request_timeout: Duration = 30,
    keep_alive_timeout: Duration = 75,
    dead_client_timeout: Duration = 30,
    fast_lane: bool = True,
    engine: Literal["h11", "uvicorn"] = "h11",
) -> None:
    """Run a server until it is stopped; then return. Pode: Start-PodeServer.

    `handler` sets the server up: it adds endpoints, routes, schedules. It runs again, on a fresh
    server, at every restart. Instead of it, `file_path` names a Python file that defines
    `handler`, or whose code is the set-up. `threads` is how many handlers run at once.
    `root_path` is where views/, public/, errors/ and routes/ are; by default the folder of the
    script, or with `current_path` the current folder. `daemon` means quiet. `enable_pool` is not
    needed: pools start when there is work for them.

    Ours: `workers` (how many processes serve, each with `threads` threads), `grace` (seconds that
    handlers and streams get at the end), `request_body_size` (bytes; larger is 413),
    `request_timeout` (seconds for a head, and for a body that stalls; 408),
    `keep_alive_timeout` (seconds that an idle connection is kept), `dead_client_timeout` (seconds
    after which a client that has vanished from the network, or takes nothing of what it is sent,
    is given up), `fast_lane` (False: h11 reads the plain requests, too), `engine` ("h11" is our
    own; "uvicorn" needs the extra of that name).

    Raises what the handler raises; with several workers its traceback is shown and the program
    ends with exit code 1, as the handler runs in each of them. PodeError for several workers
    outside of the main thread. If it can't listen, or the handler raises StartError, the
    program ends with one sentence and exit code 1 (in a thread and in an interactive session:
    StartError). Ctrl+C and SIGTERM end it within the grace time, a second one at once; while the
    handler runs, Ctrl+C is a KeyboardInterrupt as anywhere.

        def server():
            add_endpoint(address="*", port=8090, protocol="http")
            add_route("get", "/", lambda: "Hello")

        start_server(server)
    """
    set_up = set_up_of(handler, file_path)
    options = ServerOptions(
        root=root_of(handler, file_path, root_path, current_path=current_path),
        name=name,
        app_name=app_name,
        threads=whole_number("threads", threads, minimum=1),
        workers=whole_number("workers", workers, minimum=1),
        grace=seconds("grace", grace),
        limits=Limits(
            body_size=whole_number("request_body_size", request_body_size),
            request_timeout=seconds("request_timeout", request_timeout, minimum=0.1),
            keep_alive_timeout=seconds("keep_alive_timeout", keep_alive_timeout, minimum=0.1),
            write_timeout=seconds("dead_client_timeout", dead_client_timeout, minimum=1),
            fast_lane=fast_lane,
        ),
        show_exceptions=one_of("status_page_exceptions", status_page_exceptions, ("hide", "show"))
        == "show",
        quiet=quiet or daemon,
        hide_endpoints=hide_endpoints,
        disable_termination=disable_termination,
        browse=browse,
        engine=cast("EngineKind", one_of("engine", engine, ("h11", "uvicorn"))),
    )
    some_of("enable_pool", enable_pool or (), _POOLS)
    life = Lifecycle(options, set_up) if options.workers == 1 else Parent(options, set_up)
    life.run()


def close_server() -> None:
    """Stop the server, as Ctrl+C does. Returns at once. Pode: Close-PodeServer.

    In the set-up handler it means that the server does not start.

    add_route("post", "/stop", close_server)
    """
    room(ServerInfo).wish("stop")


def restart_server() -> None:
    """Stop the server and start it anew, with a fresh set-up. Pode: Restart-PodeServer.

    The new set-up runs while the old server still serves. If it fails, that is logged and the
    old server goes on. In the set-up handler this does nothing. Several worker processes are
    replaced one after the other, and no request is refused meanwhile.

        add_schedule("nightly", "@daily", restart_server)
    """
    room(ServerInfo).wish("restart")


def get_server_state() -> ServerState:
    """What the server is doing: "running", "terminating", … Pode: Get-PodeServerState.

    if get_server_state() == "running": ...
    """
    return room(ServerInfo).state


def test_server_state(state: str) -> bool:
    """Whether the server is in this state. Pode: Test-PodeServerState.

    test_server_state("running")
    """
    return room(ServerInfo).state == one_of("state", state, [known.value for known in ServerState])


def get_server_default_secret() -> str:
    """A random secret, new at every start: what it signs is void after a restart. All worker
    processes have the same, as long as their parent lives.

    Pode: Get-PodeServerDefaultSecret.

        enable_sse_signing(get_server_default_secret())
    """
    return room(ServerInfo).default_secret


def get_server_path() -> Path:
    """The server's root folder. Pode: Get-PodeServerPath.

    data = get_server_path() / "data"
    """
    return room(Folders).root


def get_server_name() -> str:
    """The name given to start_server. Pode: Get-PodeServerName.

    get_server_name()
    """
    return room(ServerInfo).options.name


def get_app_name() -> str:
    """The application's name given to start_server. Pode: Get-PodeAppName.

    get_app_name()
    """
    return room(ServerInfo).options.app_name


def get_server_worker_number() -> int:
    """Which of the worker processes of `start_server(workers=…)` this is, from 0 on. Ours.

    0 where there is only one. A process that takes another one's place has its number.

        add_endpoint(address="127.0.0.1", port=9100 + get_server_worker_number(), name="metrics")
    """
    return room(ServerInfo).worker_number


def get_version() -> str:
    """The version of pode_py. Pode: Get-PodeVersion.

    print(get_version())
    """
    try:
        return version("pode-py")
    except PackageNotFoundError:  # run from a folder that was never installed
        return "0.0.0"


test_server_state.__test__ = False  # type: ignore[attr-defined]  # pytest: this is no test
