"""UvicornEngine: our server on uvicorn, which we start and stop.

uvicorn runs on the server's own loop, one uvicorn server for each listener of ours, because each
has its own TLS. It installs no signal handlers there, and is never left to wait for anybody: by
the time it has to end, its streams have been closed, and whatever is still connected is cut.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from pode_py.core.errors import StartError
from pode_py.engine.asgi.channel import TRANSPORT, Channel, Gone, Receive, Send
from pode_py.engine.asgi.doors import Doors
from pode_py.engine.asgi.engine import AsgiEngine
from pode_py.engine.asgi.messages import Scope
from pode_py.engine.asgi.uvicorn_protocol import UvicornProtocol
from pode_py.engine.descriptors import descriptor_room
from pode_py.engine.listener import Listener, ListenerSettings, set_dead_after
from pode_py.engine.options import EngineOptions
from pode_py.engine.replies import distrusted

# How long uvicorn may take to begin, and to end: seconds in which nothing has to happen.
_TIMEOUT = 5.0


class UvicornEngine(AsgiEngine):
    """See EnginePort. Raises StartError if uvicorn is not installed."""

    _listeners: Sequence[Listener] = ()
    _servers: Sequence[Any] = ()
    _tasks: Sequence[asyncio.Task[None]] = ()
    _doors: Doors | None = None

    def __init__(self, options: EngineOptions, *arguments: Any, **named: Any) -> None:
        need_uvicorn()
        super().__init__(options, *arguments, **named)
        self._max_connections = options.max_connections or descriptor_room()
        self._arriving: set[asyncio.Task[None]] = set()

    def start(self, settings: Sequence[ListenerSettings]) -> list[Listener]:
        listeners = open_all(settings, self._warn)
        for listener in listeners:
            for sock in listener.sockets:
                set_dead_after(sock, self._limits.write_timeout)
        self._listeners = listeners
        super().start(settings)
        self.server_name = "Pode"
        try:
            self._loop.run(self._begin(listeners), to_the_end=True)
        except BaseException:
            self.stop(0.0)
            raise
        return listeners

    @property
    def connections(self) -> int:
        """Open client connections, streams included."""
        return sum(len(server.server_state.connections) for server in self._servers)

    def stop_listening(self) -> None:
        super().stop_listening()
        self._on_loop(self._close_doors)

    def wait_last_requests(self, timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        while self.connections > self.streams:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.01)
        return True

    def stop_accepting(self) -> None:
        super().stop_accepting()
        self._on_loop(self._let_go)

    def stop(self, timeout: float) -> None:
        super().stop(timeout)
        if self._on_loop(self._send_home):
            self._wait_until(lambda: all(task.done() for task in self._tasks))
        for listener in self._listeners:
            listener.close()

    # On the loop.

    async def _begin(self, listeners: Sequence[Listener]) -> None:
        self._servers = [self._server(listener) for listener in listeners]
        # Without sockets: the doors are ours.
        self._tasks = [asyncio.create_task(server.serve(sockets=[])) for server in self._servers]
        until = time.monotonic() + _TIMEOUT
        while not all(server.started for server in self._servers):
            failed = [task for task in self._tasks if task.done()]
            if failed or time.monotonic() > until:
                raise StartError(f"uvicorn did not start: {_reason(failed)}.")
            await asyncio.sleep(0.001)
        self._doors = Doors(
            asyncio.get_running_loop(),
            listeners,
            room=self._room,
            welcome=self._welcome,
            report=self._report,
        )
        self._doors.open()

    def _room(self) -> int:
        return self._max_connections - self.connections - len(self._arriving)

    def _welcome(self, listener: Listener, client: socket.socket) -> None:
        task = asyncio.create_task(self._shake_hands(listener, client))
        self._arriving.add(task)
        task.add_done_callback(self._arriving.discard)

    async def _shake_hands(self, listener: Listener, client: socket.socket) -> None:
        """Make it one of uvicorn's connections. A client that can't is nobody's error."""
        server = self._servers[self._listeners.index(listener)]
        timeout = None if listener.tls is None else self._limits.handshake_timeout
        address = ""
        try:
            address = str(client.getpeername()[0])
            await asyncio.get_running_loop().connect_accepted_socket(
                partial(
                    self._make_protocol, config=server.config, server_state=server.server_state
                ),
                client,
                ssl=listener.tls,
                ssl_handshake_timeout=timeout,
            )
        except (OSError, ValueError) as error:
            if isinstance(error, ssl.SSLCertVerificationError):
                self._refused(distrusted(error), address)
            client.close()

    def _server(self, listener: Listener) -> Any:
        import uvicorn

        limits = self._limits
        config = uvicorn.Config(
            partial(self._serve_on, listener),
            interface="asgi3",
            lifespan="off",
            http="h11",
            ws="none",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=limits.keep_alive_timeout,  # type: ignore[arg-type]  # or a float
            h11_max_incomplete_event_size=limits.header_size,
        )
        config.load()
        return uvicorn.Server(config)

    def _make_protocol(self, **options: Any) -> UvicornProtocol:
        """Ours, with uvicorn's on h11 in it."""
        from uvicorn.protocols.http.h11_impl import H11Protocol

        name = "" if self.head_defaults.hides_server else self.server_name
        protocol = UvicornProtocol(self.timer, self._limits, name, self._refused)
        protocol.inner = H11Protocol(app_state={TRANSPORT: protocol}, **options)
        return protocol

    async def _serve_on(
        self, listener: Listener, scope: Scope, receive: Receive, send: Send
    ) -> None:
        channel = Channel(scope, receive, send, self.timer, self._limits.write_timeout)
        try:
            await self._serve(scope, channel, listener.endpoint)
        except Gone:
            pass
        finally:
            await channel.close()

    def _close_doors(self) -> None:
        if self._doors is not None:
            self._doors.close()

    def _let_go(self) -> None:
        """Close what is idle now, and the rest after its answer."""
        self._close_doors()
        for server in self._servers:
            for connection in list(server.server_state.connections):
                connection.shutdown()

    def _send_home(self) -> None:
        """What uvicorn would do at its end, but without waiting for anybody."""
        self._close_doors()
        for server in self._servers:
            for connection in list(server.server_state.connections):
                connection.transport.abort()
        for task in (*self._tasks, *self._arriving):
            task.cancel()


def need_uvicorn() -> None:
    """Raise StartError if uvicorn is not installed."""
    try:
        import uvicorn
    except ImportError as error:
        raise StartError(
            'engine="uvicorn" needs the uvicorn package. '
            "Install it with: pip install 'pode-py[uvicorn]'"
        ) from error
    # Its lines go to whatever logging the program has set up; without any, to nowhere.
    logging.getLogger(uvicorn.__name__).addHandler(logging.NullHandler())


def open_all(settings: Sequence[ListenerSettings], warn: Callable[[str], object]) -> list[Listener]:
    """Listen on all, or raise StartError and listen on none."""
    opened: list[Listener] = []
    try:
        for wanted in settings:
            listener = Listener(wanted)
            listener.open(warn)
            opened.append(listener)
    except BaseException:
        for listener in opened:
            listener.close()
        raise
    return opened


def _reason(failed: Sequence[asyncio.Task[None]]) -> str:
    for task in failed:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            return str(error) or type(error).__name__
    return "it took too long"
