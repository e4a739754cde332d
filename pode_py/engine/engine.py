"""Engine: accepts connections, has their requests handled, and ends them. Our own, on h11.

Walk of a request: the leader among the workers polls, claims the connection, reads, lets the
reader parse, calls `handle` with an exchange, which answers on the same thread; then the
connection is parked again. Whatever stays open or does not fit the socket goes to the pusher.
"""

from __future__ import annotations

import contextlib
import errno
import resource
import socket
import time
from collections.abc import Callable, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from email.utils import formatdate

from pode_py.core.clock import Clock
from pode_py.engine.connection import Connection
from pode_py.engine.exchange import WireExchange, simple_response
from pode_py.engine.listener import Listener, ListenerSettings, prepare
from pode_py.engine.poller import make_poller
from pode_py.engine.pusher import Pusher
from pode_py.engine.reader import Limits
from pode_py.engine.stream import Stream
from pode_py.engine.workers import Workers
from pode_py.exchange.exchange import Exchange
from pode_py.http.request import Peer, Request
from pode_py.http.response import framing_lines, head_bytes
from pode_py.http.strictness import ProtocolError

# File descriptors kept for files, logs and pipes of the process.
_SPARE_DESCRIPTORS = 64
_ACCEPT_TURN = 64
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

Report = Callable[[BaseException | str, str], None]


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How the engine works. `poller` is "auto" or "selectors"."""

    threads: int = 16
    limits: Limits = field(default_factory=Limits)
    server_name: str = "Pode"
    poller: str = "auto"
    max_connections: int | None = None


@dataclass(frozen=True, slots=True)
class Door:
    """A listening socket as the poller's tag."""

    listener: Listener
    sock: socket.socket


class Engine:
    """Start it with listeners; stop it in the order accepting, handlers, streams, threads."""

    def __init__(
        self,
        options: EngineOptions,
        handle: Callable[[Exchange], None],
        *,
        clock: Clock,
        context: Context,
        report: Report,
    ) -> None:
        self._options = options
        self._limits = options.limits
        self._handle = handle
        self._clock = clock
        self._context = context
        self._report = report
        self._listeners: list[Listener] = []
        self._connections: dict[int, Connection] = {}
        self._paused = False
        self._date = (-1.0, "")
        self._max_connections = options.max_connections or _descriptor_room()
        self.server_name = options.server_name
        self.write_timeout = options.limits.write_timeout
        self.accepting = False
        self._poller = make_poller(options.poller)
        self._pusher = Pusher(
            clock,
            options.limits,
            forget=self._forget,
            give_back=self._resume,
            expire=self._expire,
            report=report,
        )
        self._workers = Workers(
            options.threads,
            self._poller,
            context,
            serve=self._serve,
            accept=self._accept,
            report=report,
        )

    def start(self, settings: Sequence[ListenerSettings]) -> list[Listener]:
        """Listen and serve. Raises StartError, and then listens nowhere."""
        try:
            for wanted in settings:
                listener = Listener(wanted)
                listener.open()
                self._listeners.append(listener)
        except BaseException:
            self._close_listeners()
            raise
        self.accepting = True
        self._pusher.start()
        self._workers.start()
        self._listen()
        return self._listeners

    @property
    def connections(self) -> int:
        """Open client connections, streams included."""
        return len(self._connections)

    @property
    def streams(self) -> int:
        return len(self._pusher.streams)

    def stop_accepting(self) -> None:
        """Close the listening sockets; connections close after their current answer."""
        self.accepting = False
        for listener in self._listeners:
            for sock in listener.sockets:
                self._poller.remove(sock.fileno())
        self._close_listeners()
        for connection in list(self._connections.values()):
            if connection.reader.phase == "idle" and connection.claim_parked():
                self._forget(connection)

    def wait_handlers(self, timeout: float) -> bool:
        """Wait until no handler runs. False if some still do."""
        return self._workers.wait_idle(timeout)

    def drain(self, timeout: float) -> bool:
        """Wait until streams and slow downloads have ended. False if some have not."""
        deadline = time.monotonic() + timeout
        while self._pusher.streams or self._pusher.drains:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.01)
        return True

    def stop(self, timeout: float) -> None:
        """End all threads and close every connection."""
        self._workers.stop(timeout)
        self._pusher.stop(timeout)
        for connection in list(self._connections.values()):
            self._forget(connection)
        self._poller.close()

    # What exchanges ask of it (engine.exchange.Wire).

    def date(self) -> str:
        """The Date field, made anew each second."""
        now = self._clock.monotonic()
        made, text = self._date
        if not text or now - made >= 0.5:
            text = formatdate(self._clock.now().timestamp(), usegmt=True)
            self._date = (now, text)
        return text

    def notify(self, stream: Stream) -> None:
        self._pusher.notify(stream)

    def adopt(self, stream: Stream) -> None:
        self._poller.remove(stream.connection.fd)
        self._pusher.adopt(stream)

    # Accepting.

    def _listen(self) -> None:
        self._paused = False
        for listener in self._listeners:
            for sock in listener.sockets:
                self._poller.add_listener(sock.fileno(), Door(listener, sock))
        self._poller.wake()

    def _accept(self, tag: object) -> None:
        assert isinstance(tag, Door)
        listener, sock = tag.listener, tag.sock
        for _ in range(_ACCEPT_TURN):
            if len(self._connections) >= self._max_connections:
                self._pause("The limit of open connections is reached; new ones wait.")
                return
            try:
                client, address = sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno in _EXHAUSTED:
                    self._pause(f"No new connection can be accepted: {error.strerror}.")
                return
            self._welcome(listener, client, address)

    def _pause(self, why: str) -> None:
        """Accept nothing for a second: polling a listener that can't accept is a busy loop."""
        if self._paused or not self.accepting:
            return
        self._paused = True
        for listener in self._listeners:
            for sock in listener.sockets:
                self._poller.remove(sock.fileno())
        self._report(why, "accept")
        self._pusher.call_later(1.0, self._listen_again)

    def _listen_again(self) -> None:
        if self.accepting:
            self._listen()

    def _welcome(self, listener: Listener, client: socket.socket, address: tuple[str, int]) -> None:
        try:
            prepare(client, self._limits.write_timeout)
            local = client.getsockname()
            peer = Peer(
                _plain(address[0]),
                address[1],
                _plain(local[0]),
                local[1],
                "http" if listener.tls is None else "https",
            )
            if listener.tls is not None:
                client = listener.tls.wrap_socket(
                    client, server_side=True, do_handshake_on_connect=False
                )
        except (OSError, ValueError):  # gone before we looked
            client.close()
            return
        connection = Connection(client, peer, listener.endpoint, self._limits)
        self._connections[connection.fd] = connection
        wait = self._limits.request_timeout
        if connection.is_tls:
            wait = self._limits.handshake_timeout
        self._pusher.watch(connection, self._clock.monotonic() + wait)
        self._poller.add(connection.fd, connection)

    # Serving. All of this runs on a worker that owns the connection.

    def _serve(self, connection: Connection) -> None:
        while True:
            try:
                ours = self._take_turn(connection)
            except ProtocolError as error:
                self._refuse(connection, error)
                return
            except OSError:
                self._forget(connection)
                return
            except Exception as error:  # noqa: BLE001 - a fault of ours costs this connection only
                self._report(error, "engine")
                self._forget(connection)
                return
            if not ours:
                return
            if connection.release():
                if not connection.closed:
                    self._poller.rearm(connection.fd, connection)
                return

    def _take_turn(self, connection: Connection) -> bool:
        """Read and answer what is there. False when the connection is no longer ours."""
        if not connection.handshaken and not connection.handshake():
            return True
        connection.read()
        reader = connection.reader
        while (request := reader.next()) is not None:
            if not self._answer(connection, request):
                return False
        if connection.eof or (not self.accepting and reader.phase == "idle"):
            self._forget(connection)
            return False
        if reader.continue_wanted:
            reader.continue_wanted = False
            connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._set_deadline(connection)
        return True

    def _answer(self, connection: Connection, request: Request) -> bool:
        connection.request_began = 0.0
        exchange = WireExchange(connection, request, self)
        self._context.copy().run(self._handle, exchange)
        if exchange.upgraded:
            return False
        if exchange.aborted or not exchange.replied:
            self._forget(connection)
            return False
        if not exchange.keep_alive:
            connection.close_after = True
            if connection.has_leftover or connection.reader.phase != "idle":
                self._pusher.linger(connection)
            else:
                connection.shutdown()
                self._forget(connection)
            return False
        if connection.has_leftover:
            self._pusher.drain(connection)
            return False
        return True

    def _set_deadline(self, connection: Connection) -> None:
        limits = self._limits
        now = self._clock.monotonic()
        phase = connection.reader.phase
        if phase == "idle":
            connection.request_began = 0.0
            wait = limits.keep_alive_timeout
            self._pusher.watch(connection, now + wait)
            return
        if not connection.request_began or connection.phase_seen != phase:
            connection.request_began = now
            connection.phase_seen = phase
        deadline = connection.request_began + limits.request_timeout
        if phase == "body":
            deadline += connection.reader.body_received / limits.body_rate
        self._pusher.watch(connection, deadline)

    def _refuse(self, connection: Connection, error: ProtocolError) -> None:
        """Answer a request that is none, and close. The client may still be sending."""
        self._send_refusal(connection, error.status, str(error))

    def _send_refusal(self, connection: Connection, status: int, message: str) -> None:
        response = simple_response(status, message)
        framing = framing_lines(response, head_only=False, keep_alive=False, chunks=True)
        head = head_bytes(response, framing, self.date(), self.server_name)
        assert isinstance(response.body, bytes)
        try:
            connection.send(head + response.body)
        except OSError:
            self._forget(connection)
            return
        self._poller.remove(connection.fd)
        self._pusher.linger(connection)

    # What the pusher calls.

    def _expire(self, connection: Connection) -> None:
        """A parked connection's deadline has passed; the pusher has claimed it."""
        if connection.handshaken and connection.reader.phase != "idle":
            self._send_refusal(connection, 408, "The request took too long to arrive.")
        else:
            connection.shutdown()
            self._forget(connection)

    def _resume(self, connection: Connection) -> None:
        """A slow download is through: the connection is a worker's again."""
        connection.again = True
        self._workers.offer(connection)

    def _forget(self, connection: Connection) -> None:
        if connection.closed:  # its descriptor may be another connection's by now
            return
        self._poller.remove(connection.fd)
        if self._connections.get(connection.fd) is connection:
            del self._connections[connection.fd]
        connection.close()

    def _close_listeners(self) -> None:
        for listener in self._listeners:
            listener.close()


def _plain(address: str) -> str:
    """An IPv4 address that came in over IPv6, as IPv4; without a scope."""
    return address.removeprefix("::ffff:").partition("%")[0]


def _descriptor_room() -> int:
    """How many connections fit: the limit of file descriptors, raised as far as it goes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 1 << 20 if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    return max(16, (1 << 20 if soft == resource.RLIM_INFINITY else soft) - _SPARE_DESCRIPTORS)
