"""asgi_app: the server as an ASGI application, for uvicorn, hypercorn, granian and others.

The ASGI server owns the process: its sockets, its signals, its end. Ours starts and stops with the
lifespan it announces, or, where it announces none, with the first request.
"""

from __future__ import annotations

import asyncio
import atexit
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Literal

from pode_py.core import ambient
from pode_py.core.arguments import Duration
from pode_py.core.checks import checked
from pode_py.core.errors import PodeError, StartError
from pode_py.core.loop import EventLoop
from pode_py.core.paths import StrPath
from pode_py.core.tracebacks import text_of
from pode_py.engine.asgi.engine import AsgiEngine
from pode_py.observability.logs.logs import Logs
from pode_py.server.configuration.arguments import StartArguments
from pode_py.server.info import ServerState, StopKind
from pode_py.server.server import Server
from pode_py.server.startup import root_of, set_up_of

_ENDED = (
    "The server stops, and answers 503 from now on. The process is the ASGI server's: end that one "
    "to end it."
)

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


@checked
def asgi_app(
    handler: Callable[[], Any] | None = None,
    *,
    file_path: StrPath | None = None,
    name: str | None = None,
    app_name: str | None = None,
    threads: int | None = None,
    root_path: StrPath | None = None,
    config_file: StrPath | None = None,
    ignore_server_config: bool = False,
    status_page_exceptions: Literal["hide", "show"] | None = None,
    grace: Duration | None = None,
    handler_timeout: Duration | None = None,
    request_body_size: int | None = None,
    request_timeout: Duration | None = None,
    dead_client_timeout: Duration | None = None,
) -> AsgiApp:
    """Make an ASGI 3 application of the server that `start_server` would run. Not in Pode.

    The ASGI server listens, owns the signals and keeps idle connections; endpoints only give names
    to ports. Each process of the ASGI server has a server of its own. Configuration and environment
    count as for `start_server`.

    handler: sets the server up: it adds routes and schedules. It runs again at every restart.
    file_path: a Python file that defines `handler`, or whose code is the set-up.
    threads: number of plain handlers that can run at once.
    root_path: the folder of views/, public/, errors/ and routes/; by default that of the script.
    config_file: the configuration, or its folder; by default ``server.toml`` or the like next to
        the script.
    ignore_server_config: read no configuration file.
    status_page_exceptions: "show" puts exceptions on error pages, for development; "hide" does not.
    grace: seconds that handlers and streams get at the end.
    handler_timeout: seconds until an answer begins; then the client gets 503.
    request_body_size: bytes; a larger body gets 413.
    request_timeout: seconds for a body that stalls; then 408.
    dead_client_timeout: seconds after which a client that takes nothing of what it is sent is given
        up.

    Returns the application: ``uvicorn module:app`` runs it.

        from pode_py.asgi import asgi_app

        def server():
            add_route("get", "/", lambda: "Hello")

        app = asgi_app(server)
    """
    folder = root_of(handler, file_path, root_path, current_path=False)
    arguments = StartArguments(
        folder=folder,
        root=folder if root_path is not None else None,
        config_file=config_file,
        ignore_server_config=ignore_server_config,
        name=name,
        app_name=app_name,
        threads=threads,
        grace=grace,
        handler_timeout=handler_timeout,
        request_body_size=request_body_size,
        request_timeout=request_timeout,
        dead_client_timeout=dead_client_timeout,
        status_page_exceptions=status_page_exceptions,
        quiet=True,
        is_asgi=True,
    )
    return AsgiApp(arguments, set_up_of(handler, file_path, "asgi_app"))


class AsgiApp:
    """What asgi_app makes. One event loop calls it; everything but the set-up runs there."""

    def __init__(self, arguments: StartArguments, set_up: Callable[[], Any]) -> None:
        self._arguments = arguments
        self._set_up = set_up
        self._server: Server | None = None
        self._starting = asyncio.Lock()
        self._granting: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "lifespan":
            await self._live(receive, send)
        elif kind == "http":
            await (await self._engine()).serve(scope, receive, send)
        elif kind == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1000})  # before it is accepted: 403
        else:
            raise PodeError(f"ASGI scopes of type {kind!r} are not served here.")

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()  # lifespan.startup
        try:
            await self._start()
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - the ASGI server is notified, and ends
            await send({"type": "lifespan.startup.failed", "message": _explain(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()  # lifespan.shutdown
        await self._end()
        await send({"type": "lifespan.shutdown.complete"})

    async def _engine(self) -> AsgiEngine:
        async with self._starting:
            if self._server is None:
                await self._start()
                # Without a lifespan nobody will say when it ends.
                atexit.register(self._last_lines)
        assert self._server is not None
        engine = self._server.engine
        assert isinstance(engine, AsgiEngine)
        if engine.event_loop is not asyncio.get_running_loop():
            raise PodeError(
                "This application runs in another event loop already. Make one for each loop with "
                "asgi_app."
            )
        return engine

    async def _start(self) -> None:
        server = Server(await asyncio.to_thread(self._arguments.read))
        server.room(EventLoop).adopt(asyncio.get_running_loop())
        # A set-up may take its time, and may have coroutines run on this loop.
        await asyncio.to_thread(self._begin, server)
        self._server = server

    async def _end(self) -> None:
        """The ASGI server ends. What was requested before may still be going on."""
        if self._granting is not None and self._server is not None:
            await asyncio.wait({self._granting}, timeout=self._server.options.grace)
        await self._stop()

    async def _stop(self) -> None:
        if self._server is not None:
            ambient.clear_running(self._server)
            await asyncio.to_thread(self._server.stop)

    async def _restart(self, old: Server) -> None:
        """Start another server, give it the requests, and stop the old one meanwhile."""
        old.info.state = ServerState.RESTARTING
        try:
            options = await asyncio.to_thread(self._arguments.read)
            new = Server(options.following(old.options), before=old)
            new.room(EventLoop).adopt(asyncio.get_running_loop())
            await asyncio.to_thread(self._begin, new)
        except BaseException as error:  # noqa: BLE001 - what runs is better than nothing
            old.info.state = ServerState.RUNNING
            what = str(error) if isinstance(error, StartError) else error
            old.report(what, "restart_server; the old server goes on")
            return
        self._server = new
        ambient.clear_running(old)
        await asyncio.to_thread(old.stop)
        if old.info.stop_requested:  # a stop is not overruled by a restart
            new.info.stop_requested = True

    # On a thread of its own.

    def _begin(self, server: Server) -> None:
        ambient.set_running(server)
        try:
            server.set_up(self._set_up)
            if server.info.stop_requested:
                raise StartError("The set-up handler called close_server: nothing is started.")
            server.info.listen(partial(self._hear, server))
            server.start()
        except BaseException as error:
            ambient.clear_running(server)
            server.crash(error)
            server.stop(0.0)
            raise

    # On any thread.

    def _hear(self, server: Server, kind: StopKind) -> None:
        del kind  # its flag is up
        server.room(EventLoop).running().call_soon_threadsafe(self._look)

    # On the loop.

    def _look(self) -> None:
        """Somebody has called close_server or restart_server."""
        if self._granting is None or self._granting.done():
            self._granting = asyncio.get_running_loop().create_task(self._grant())

    async def _grant(self) -> None:
        """Carry out what was asked for, and what is asked for meanwhile. A stop comes first."""
        while self._server is not None:
            info = self._server.info
            if info.stop_requested:
                self._server.warn(_ENDED, "close_server")
                await self._stop()
                return
            if not info.restart_requested:
                return
            info.restart_requested = False
            await self._restart(self._server)

    def _last_lines(self) -> None:
        if self._server is not None:
            self._server.room(Logs).flush(1.0)


def _explain(error: BaseException) -> str:
    """What the ASGI server shows: a sentence if there is one, else where it happened."""
    if isinstance(error, StartError):
        return f"pode_py: {error}"
    return text_of(error)
