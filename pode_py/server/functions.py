"""The Core area of the Pode API: start, stop and know the server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, cast

from pode_py.core.ambient import room
from pode_py.core.arguments import MOST_THREADS, Duration, one_of, seconds, some_of, whole_number
from pode_py.core.checks import checked
from pode_py.core.paths import Folders
from pode_py.engine.options import Limits
from pode_py.server.callers import check_caller
from pode_py.server.info import VERSION, ServerInfo, ServerState
from pode_py.server.lifecycle import Lifecycle
from pode_py.server.options import EngineKind, ServerOptions
from pode_py.server.processes.parent import Parent
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

_POOLS = ("timers", "schedules", "tasks", "websockets", "files")


@checked
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
    handler_timeout: Duration | None = None,
    request_body_size: int = 100 * 1024 * 1024,
    request_timeout: Duration = 30,
    keep_alive_timeout: Duration = 75,
    dead_client_timeout: Duration = 30,
    fast_lane: bool = True,
    engine: Literal["h11", "uvicorn"] = "h11",
) -> None:
    """Run a server until it is stopped. Pode: Start-PodeServer.

    Ctrl+C and SIGTERM end it within the grace time, a second one at once. While the handler runs,
    Ctrl+C is a KeyboardInterrupt as anywhere.

    handler: sets the server up: it adds endpoints, routes and schedules. It runs again, on a new
        server, at every restart.
    file_path: a Python file that defines `handler`, or whose code is the set-up.
    threads: number of plain handlers that can run at once; an `async def` handler holds no thread.
    workers: number of processes that serve, each with `threads` threads. Not in Pode.
    root_path: the folder of views/, public/, errors/ and routes/; by default that of the script.
    status_page_exceptions: "show" puts exceptions on error pages, for development; "hide" does not.
    enable_pool: not needed: pools start when there is work for them.
    browse: open the first endpoint in a browser.
    current_path: take the current folder as `root_path`.
    disable_termination: ignore Ctrl+C.
    quiet: print nothing at the start.
    hide_endpoints: leave the endpoints out of what is printed at the start.
    daemon: the same as `quiet`.
    grace: seconds that handlers and streams get at the end. Not in Pode.
    handler_timeout: seconds until an answer begins; then the client gets 503. A route may have its
        own. None is no end. Not in Pode.
    request_body_size: bytes; a larger body gets 413. Not in Pode.
    request_timeout: seconds for a head, and for a body that stalls; then 408. Not in Pode.
    keep_alive_timeout: seconds for which an idle connection is kept. Not in Pode.
    dead_client_timeout: seconds after which a client that has vanished from the network, or takes
        nothing of what it is sent, is given up. Not in Pode.
    fast_lane: False has h11 read the plain requests as well. Not in Pode.
    engine: "h11" is built in; "uvicorn" needs the extra of that name. Not in Pode.

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
    options = ServerOptions(
        root=root_of(handler, file_path, root_path, current_path=current_path),
        name=name,
        app_name=app_name,
        threads=whole_number("threads", threads, minimum=1, maximum=MOST_THREADS),
        workers=whole_number("workers", workers, minimum=1, maximum=1000),
        grace=seconds("grace", grace),
        handler_timeout=seconds("handler_timeout", handler_timeout or 0),
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
    """Stop the server, as Ctrl+C does. Pode: Close-PodeServer.

    It returns at once. In the set-up handler it means that the server does not start.

        add_route("post", "/stop", close_server)
    """
    room(ServerInfo).request_stop()


def restart_server() -> None:
    """Stop the server and start it again, with a new set-up. Pode: Restart-PodeServer.

    The new set-up runs while the old server still serves. If it fails, that is logged and the old
    server goes on. In the set-up handler this does nothing. Several worker processes are replaced
    one after the other, and no request is refused meanwhile.

        add_schedule("nightly", "@daily", restart_server)
    """
    room(ServerInfo).request_restart()


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


def get_server_default_secret() -> str:
    """Return a random secret of this start. Pode: Get-PodeServerDefaultSecret.

    What it signs is void after a restart. All worker processes have the same secret, as long as
    their parent lives.

        enable_sse_signing(get_server_default_secret())
    """
    return room(ServerInfo).default_secret


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
