"""LiveServer: a server on real sockets, in the process of the test, without its main loop.

It listens on free ports of 127.0.0.1 whatever the set-up's endpoints say, so that tests run side
by side. Signals are the test's own; close_server and restart_server are noted as `stop_request`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

from pode_py.core import ambient
from pode_py.core.arguments import Duration
from pode_py.core.clock import Clock
from pode_py.core.paths import StrPath
from pode_py.server.configuration.arguments import StartArguments
from pode_py.server.info import ServerInfo, StopKind
from pode_py.server.options import EngineKind
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
# A test need not wait as long as clients may.
_GRACE = 1.0


class LeftoverThreads(AssertionError):
    """Threads of a server were still alive after it had stopped."""


class LiveServer:
    """A server on real sockets, which runs while its `with` block does.

    An http endpoint is added if `setup` adds none. `running` is another name for it.

    setup: the function for start_server.
    root_path: the folder of views/, public/, errors/ and routes/; by default the current one.
    config: what a configuration file would say; without it there is none, whatever the folder has.
    threads: number of plain handlers that can run at once.
    clock: such as a FakeClock.
    grace: seconds that handlers and streams get at the end; 1 by default.
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
        root_path: StrPath | None = None,
        config: Mapping[str, Any] | None = None,
        threads: int | None = None,
        clock: Clock | None = None,
        grace: Duration | None = None,
        handler_timeout: Duration | None = None,
        show_exceptions: bool | None = None,
        request_body_size: int | None = None,
        request_timeout: Duration | None = None,
        keep_alive_timeout: Duration | None = None,
        dead_client_timeout: Duration | None = None,
        fast_lane: bool = True,
        poller: str = "auto",
        engine: EngineKind | None = None,
    ) -> None:
        self._setup = setup
        self._stopped = False
        self._streams: list[SseClient] = []
        self._before: set[threading.Thread] = set()
        self.stop_request: StopKind | None = None
        self._stop_requested = threading.Event()
        shown = None if show_exceptions is None else ("show" if show_exceptions else "hide")
        options = StartArguments(
            folder=Path.cwd(),
            root=None if root_path is None else Path(root_path),
            config=config,
            threads=threads,
            grace=grace,
            handler_timeout=handler_timeout,
            status_page_exceptions=shown,
            request_body_size=request_body_size,
            request_timeout=request_timeout,
            keep_alive_timeout=keep_alive_timeout,
            dead_client_timeout=dead_client_timeout,
            fast_lane=fast_lane,
            poller=poller,
            engine=engine,
            quiet=True,
            is_test=True,
        ).read()
        if grace is None and "Server.Grace" not in options.configuration.settings:
            options = replace(options, grace=_GRACE)
        self.server = Server(options, clock=clock)

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
