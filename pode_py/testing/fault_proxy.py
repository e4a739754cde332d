"""FaultProxy: a TCP proxy on loopback that does to connections what bad networks do."""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable
from types import TracebackType
from urllib.parse import urlsplit

_PIECE = 64 * 1024
_RESET = struct.pack("ii", 1, 0)  # struct linger: on, after 0 seconds


class FaultProxy:
    """A proxy that passes everything on until a test has it go silent or cut.

    What a silent proxy reads is lost; neither side hears of the other again. The system of each
    side still gets acknowledgements: for packets that are lost there is PrivateNetwork. Set
    `cut_after` to the bytes of answers that a new connection passes before both of its sides are
    reset, mostly in the middle of an event.

    target: a URL, or a port of 127.0.0.1.

        with FaultProxy(live.port) as proxy, sse(proxy.url + "/events") as events:
            proxy.go_silent()
    """

    def __init__(self, target: int | str) -> None:
        url = urlsplit(f"http://127.0.0.1:{target}" if isinstance(target, int) else target)
        self._target = (url.hostname or "127.0.0.1", url.port or 80)
        self._selector = selectors.DefaultSelector()
        self._jobs: deque[Callable[[], None]] = deque()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self._listener.setblocking(False)
        self._wake, self._woken = socket.socketpair()
        self._woken.setblocking(False)
        self._pairs: set[_Pair] = set()
        self._stopping = False
        #: Connections that were made so far.
        self.accepted = 0
        self.cut_after: int | None = None
        self.silent = False
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._woken, selectors.EVENT_READ, self._on_wake)
        self._thread = threading.Thread(target=self._run, name="fault-proxy", daemon=True)
        self._thread.start()

    @property
    def open(self) -> int:
        """Connections that are open now."""
        return len(self._pairs)

    def go_silent(self) -> None:
        """Drop what comes from now on, from both sides, and their ends as well."""
        self._do(lambda: setattr(self, "silent", True))

    def speak_again(self) -> None:
        """Pass on what comes from now on. What was dropped is lost."""
        self._do(lambda: setattr(self, "silent", False))

    def cut(self) -> None:
        """Reset both sides of every connection."""
        self._do(self._cut_all)

    def close(self) -> None:
        """Reset what is open, and stop listening."""
        if self._stopping:
            return
        self._do(lambda: setattr(self, "_stopping", True))
        self._thread.join()
        self._cut_all()
        self._selector.close()
        for sock in (self._listener, self._wake, self._woken):
            sock.close()

    def _cut_all(self) -> None:
        for pair in list(self._pairs):
            pair.cut()

    def _do(self, job: Callable[[], object]) -> None:
        """Run `job` on the proxy's thread, and wait for it."""
        done = threading.Event()

        def run() -> None:
            job()
            done.set()

        self._jobs.append(run)
        self._wake.send(b"x")
        done.wait()

    def _run(self) -> None:
        while not self._stopping:
            for key, mask in self._selector.select():
                key.data(mask)

    def _on_wake(self, mask: int) -> None:
        del mask
        self._woken.recv(1024)
        while self._jobs:
            self._jobs.popleft()()

    def _accept(self, mask: int) -> None:
        del mask
        with contextlib.suppress(BlockingIOError):
            client, _ = self._listener.accept()
            self.accepted += 1
            try:
                server = socket.create_connection(self._target)
            except OSError:
                client.close()
                return
            self._pairs.add(_Pair(self, client, server, self.cut_after))

    def watch(self, sock: socket.socket, events: int, owner: Callable[[int], None]) -> None:
        """For the proxy's own use."""
        known = sock in self._selector.get_map()
        if events and known:
            self._selector.modify(sock, events, owner)
        elif events:
            self._selector.register(sock, events, owner)
        elif known:
            self._selector.unregister(sock)

    def forget(self, pair: _Pair) -> None:
        """For the proxy's own use."""
        self._pairs.discard(pair)

    def __enter__(self) -> FaultProxy:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class _Way:
    """One direction of a connection."""

    def __init__(self, source: socket.socket, sink: socket.socket, left: int | None) -> None:
        self.source = source
        self.sink = sink
        self.left = left
        self.pending = b""
        self.ended = False


class _Pair:
    """The two sockets of a proxied connection. Belongs to the proxy's thread."""

    def __init__(
        self, proxy: FaultProxy, client: socket.socket, server: socket.socket, limit: int | None
    ) -> None:
        self._proxy = proxy
        self._ways = (_Way(client, server, None), _Way(server, client, limit))
        for way in self._ways:
            way.source.setblocking(False)
            way.source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._watch()

    def cut(self) -> None:
        for way in self._ways:
            with contextlib.suppress(OSError):
                way.source.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._close()

    def _close(self) -> None:
        for way in self._ways:
            if way.source.fileno() >= 0:
                self._proxy.watch(way.source, 0, self._on_event)
                way.source.close()
        self._proxy.forget(self)

    def _watch(self) -> None:
        for way, back in (self._ways, self._ways[::-1]):
            reading = 0 if way.ended or way.pending else selectors.EVENT_READ
            writing = selectors.EVENT_WRITE if back.pending else 0
            self._proxy.watch(way.source, reading | writing, self._on_event)

    def _on_event(self, mask: int) -> None:
        del mask
        try:
            for way in self._ways:
                self._pass_on(way)
        except OSError:
            if not self._proxy.silent:
                self.cut()
            return
        if all(way.ended and not way.pending for way in self._ways) and not self._proxy.silent:
            self._close()
        elif self._ways[0].source.fileno() >= 0:
            self._watch()

    def _pass_on(self, way: _Way) -> None:
        if way.source.fileno() < 0:
            return
        if not way.pending and not way.ended:
            self._read(way)
        if way.pending:
            sent = _send(way.sink, way.pending)
            way.pending = way.pending[sent:]
        if way.left == 0 and not way.pending:
            raise ConnectionAbortedError
        if way.ended and not way.pending and not self._proxy.silent:
            with contextlib.suppress(OSError):
                way.sink.shutdown(socket.SHUT_WR)

    def _read(self, way: _Way) -> None:
        try:
            data = way.source.recv(_PIECE)
        except BlockingIOError:
            return
        except ConnectionError:
            if not self._proxy.silent:
                raise
            data = b""
        if not data:
            way.ended = True
        elif not self._proxy.silent:
            way.pending = data if way.left is None else data[: way.left]
            if way.left is not None:
                way.left -= len(way.pending)


def _send(sock: socket.socket, data: bytes) -> int:
    try:
        return sock.send(data)
    except BlockingIOError:
        return 0
