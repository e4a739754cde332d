"""LiveServer: a server on real sockets, in the process of the test, without its main loop.

It listens on free ports of 127.0.0.1 whatever the set-up's endpoints say, so that tests run side
by side. Signals are the test's own; close_server and restart_server are noted as `stop_request`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

from pode_py.core import ambient
from pode_py.core.arguments import Duration, seconds
from pode_py.core.clock import Clock
from pode_py.engine.options import Limits
from pode_py.server.info import ServerInfo, StopKind
from pode_py.server.options import EngineKind, ServerOptions
from pode_py.server.server import Server
from pode_py.testing.conversation import fetch
from pode_py.testing.messages import ClientResponse
from pode_py.testing.sse_client import SseClient
from pode_py.testing.wire import DEADLINE
from pode_py.web.endpoints.endpoint import Endpoint
from pode_py.web.endpoints.endpoints import Endpoints

P = ParamSpec("P")
R = TypeVar("R")

# How long threads may take to end once the server has stopped.
_LAST_BREATH = 2.0
_LIMITS = Limits()


class LeftoverThreads(AssertionError):
    """Threads of a server were still alive after it had stopped."""


class LiveServer:
    """A server on real sockets, which runs while its `with` block does.

    An http endpoint is added if `setup` adds none. `running` is another name for it.

    setup: the function for start_server.
    root_path: the folder of views/, public/, errors/ and routes/.
    threads: number of plain handlers that can run at once.
    clock: such as a FakeClock.
    grace: seconds that handlers and streams get at the end.
    handler_timeout: seconds, as in start_server.
    show_exceptions: whether error pages show exceptions.
    request_body_size: bytes, as in start_server.
    request_timeout: seconds, as in start_server.
    keep_alive_timeout: seconds, as in start_server.
    dead_client_timeout: seconds, as in start_server.
    fast_lane: as in start_server.
    poller: "auto" or "selectors".
    engine: "h11" or "uvicorn".

    Raises LeftoverThreads at the end of the block if threads of the server are still alive.

        def server():
            add_route("get", "/", lambda: "Hello")

        with running(server, threads=2) as live:
            assert live.get("/").text == "Hello"
    """

    def __init__(
        self,
        setup: Callable[[], Any],
        *,
        root_path: str | Path = ".",
        threads: int = 16,
        clock: Clock | None = None,
        grace: Duration = 1.0,
        handler_timeout: Duration | None = None,
        show_exceptions: bool = False,
        request_body_size: int = _LIMITS.body_size,
        request_timeout: Duration = _LIMITS.request_timeout,
        keep_alive_timeout: Duration = _LIMITS.keep_alive_timeout,
        dead_client_timeout: Duration = _LIMITS.write_timeout,
        fast_lane: bool = True,
        poller: str = "auto",
        engine: EngineKind = "h11",
    ) -> None:
        self._setup = setup
        self._stopped = False
        self._streams: list[SseClient] = []
        self._before: set[threading.Thread] = set()
        self.stop_request: StopKind | None = None
        self._stop_requested = threading.Event()
        self.server = Server(
            ServerOptions(
                root=Path(root_path),
                threads=threads,
                grace=seconds("grace", grace),
                handler_timeout=seconds("handler_timeout", handler_timeout or 0),
                limits=replace(
                    _limits(request_timeout, keep_alive_timeout, dead_client_timeout, fast_lane),
                    body_size=request_body_size,
                ),
                show_exceptions=show_exceptions,
                quiet=True,
                free_ports=True,
                poller=poller,
                engine=engine,
            ),
            clock=clock,
        )

    def start(self) -> Self:
        """Set up and start. Raises what the set-up raises."""
        self._before = set(threading.enumerate())
        server = self.server
        try:
            server.set_up(self._setup)
            endpoints = server.room(Endpoints)
            if not endpoints.all():
                endpoints.add(Endpoint("live", "127.0.0.1", 8080))
            server.room(ServerInfo).listen(self._note)
            server.start()
        except BaseException as error:
            self._stopped = True
            server.crash(error)
            server.stop(0.0)
            raise
        # Threads that a handler starts find their server this way.
        ambient.set_running(server)
        return self

    @property
    def port(self) -> int:
        """The port of the first endpoint."""
        return self.ports[0]

    @property
    def ports(self) -> list[int]:
        return self.server.ports

    @property
    def url(self) -> str:
        """The URL of the first endpoint: ``http://127.0.0.1:40123``, without a slash at the end."""
        return self.urls[0]

    @property
    def urls(self) -> list[str]:
        """The URLs of the endpoints, in the order in which they were added."""
        bindings = self.server.room(Endpoints).bindings()
        return [
            f"{'http' if binding.tls is None else 'https'}://127.0.0.1:{port}"
            for binding, port in zip(bindings, self.ports, strict=True)
        ]

    def call(self, function: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
        """Call a function that finds this server, as the server's own code does.

        live.call(send_sse_event, "hello", name="Events")
        """
        return self.server.context.copy().run(function, *arguments, **named)

    def request(self, method: str, path: str, **options: Any) -> ClientResponse:
        """Send a request on a connection of its own; the options are those of `fetch`."""
        return fetch(self.url + path, method, **options)

    def get(self, path: str, **options: Any) -> ClientResponse:
        """Send a GET request on a connection of its own; the options are those of `fetch`."""
        return self.request("GET", path, **options)

    def sse(self, path: str, **options: Any) -> SseClient:
        """Open an event stream; the options are those of SseClient. Closed with the server."""
        client = SseClient(self.url + path, **options)
        self._streams.append(client)
        return client

    def wait_for_stop_request(self, deadline: float = DEADLINE) -> StopKind:
        """Wait until close_server or restart_server was called: "stop" or "restart"."""
        if not self._stop_requested.wait(deadline) or self.stop_request is None:
            raise AssertionError("Nobody called close_server or restart_server in time.")
        return self.stop_request

    def stop(self, grace: float | None = None) -> None:
        """Stop the server, as start_server does at the end. Streams get their last event."""
        if self._stopped:
            return
        self._stopped = True
        ambient.clear_running(self.server)
        self.server.stop(grace)

    def close(self) -> None:
        """Stop, and close the clients that `sse` made."""
        self.stop()
        for client in self._streams:
            client.close()

    def check_threads(self) -> None:
        """Raise LeftoverThreads if the server left any behind."""
        until = time.monotonic() + _LAST_BREATH
        alive = [thread for thread in threading.enumerate() if self._is_ours(thread)]
        for thread in alive:
            thread.join(max(0.0, until - time.monotonic()))
        names = sorted(thread.name for thread in alive if thread.is_alive())
        if names:
            raise LeftoverThreads(
                f"The server has stopped, but these threads of it go on: {', '.join(names)}. "
                "Have their handlers end within the grace time."
            )

    def _is_ours(self, thread: threading.Thread) -> bool:
        if thread is threading.current_thread() or thread in self._before:
            return False
        return thread.name.startswith("pode-")

    def _note(self, kind: StopKind) -> None:
        self.stop_request = kind
        self._stop_requested.set()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
        if error is None:
            self.check_threads()


#: Reads well: ``with running(server) as live``.
running = LiveServer


def _limits(
    request: Duration, keep_alive: Duration, dead_client: Duration, fast_lane: bool
) -> Limits:
    return Limits(
        request_timeout=seconds("request_timeout", request),
        keep_alive_timeout=seconds("keep_alive_timeout", keep_alive),
        write_timeout=seconds("dead_client_timeout", dead_client),
        fast_lane=fast_lane,
    )
