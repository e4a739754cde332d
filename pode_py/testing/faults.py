"""Clients with bad manners: one that reads slowly or not at all, and many that come at once."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from pode_py.testing.conversation import Headers, pairs, request_bytes
from pode_py.testing.sse_client import SseClient, sse_fields
from pode_py.testing.wire import DEADLINE, Wire

_TICKS = 20  # reads a second of a slow reader
_AT_ONCE = 512  # connections on their way


class SlowReader:
    """A client of a stream that reads slowly, or not at all.

    Its receive buffer is tiny, so that the server notices soon. `stream` is its SseClient; with a
    rate of 0 the test can read from it when it likes.

    rate: about how many bytes a second it reads; 0 reads nothing.
    receive_buffer: bytes of the socket's buffer.
    source: the address that it connects from, such as 127.0.0.2.
    deadline: seconds for each wait.

        with SlowReader(live.url + "/events") as stuck:
            stuck.wait_until_cut()
    """

    def __init__(
        self,
        url: str,
        *,
        rate: int = 0,
        headers: Headers = (),
        last_event_id: str | None = None,
        receive_buffer: int = 4096,
        source: str | None = None,
        deadline: float = DEADLINE,
    ) -> None:
        self.stream = SseClient(
            url,
            headers=headers,
            last_event_id=last_event_id,
            receive_buffer=receive_buffer,
            source=source,
            deadline=deadline,
        )
        self._rate = rate
        self._over = threading.Event()
        #: Bytes that were read of the body.
        self.bytes_read = 0
        self._thread: threading.Thread | None = None
        if rate:
            self._thread = threading.Thread(target=self._read, name="slow-reader", daemon=True)
            self._thread.start()

    def wait_until_cut(self, deadline: float | None = None) -> None:
        """Wait until the server says that it has ended the connection.

        A connection that the server's system dropped ends in silence: it shows in `stream`, once
        that is read. Raises TimeoutError if the server does not say so.
        """
        wait = self.stream.deadline if deadline is None else deadline
        poll = select.poll()
        # Not POLLIN: what has arrived and was not read says nothing.
        poll.register(self.stream.wire.sock, select.POLLRDHUP)
        if not self._over.is_set() and not poll.poll(wait * 1000):
            raise TimeoutError("The server did not end the connection of a slow reader in time.")

    def close(self) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        self.stream.close()

    def reset(self) -> None:
        """Cut the connection: the server sees an error, not an end."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        self.stream.reset()

    def _read(self) -> None:
        sock = self.stream.wire.sock
        while not self._over.wait(1 / _TICKS):
            sock.settimeout(0)
            try:
                data = sock.recv(max(1, self._rate // _TICKS))
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if not data:
                self._over.set()
            self.bytes_read += len(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def storm(
    url: str,
    clients: int,
    *,
    last_event_id: str | Callable[[int], str | None] | None = None,
    headers: Headers = (),
    deadline: float = DEADLINE,
) -> list[SseClient]:
    """Open streams as nearly at once as one thread can; http only.

    Every request has been sent before the first answer is read. Close what is returned.

    clients: number of streams.
    last_event_id: can be a function of the client's number.
    deadline: seconds for each wait.

        streams = storm(live.url + "/events", 500)
    """
    until = time.monotonic() + deadline
    made: list[SseClient] = []
    socks = _connect_all(url, clients, until)
    try:
        for number, sock in enumerate(socks):
            cursor = last_event_id(number) if callable(last_event_id) else last_event_id
            sock.settimeout(deadline)
            sock.sendall(request_bytes("GET", url, sse_fields(list(pairs(headers)), cursor)))
        for sock in socks:
            wire = Wire(url, deadline=deadline, sock=sock)
            made.append(SseClient(url, headers=headers, deadline=deadline, wire=wire))
    except BaseException:
        for sock in socks:
            sock.close()
        raise
    return made


def _connect_all(url: str, count: int, until: float) -> list[socket.socket]:
    parts = urlsplit(url)
    address = (parts.hostname or "127.0.0.1", parts.port or 80)
    socks: list[socket.socket] = []
    try:
        while len(socks) < count:
            batch = [_begin(address) for _ in range(min(_AT_ONCE, count - len(socks)))]
            socks += batch
            _wait_connected(batch, until)
    except BaseException:
        for sock in socks:
            sock.close()
        raise
    return socks


def _begin(address: tuple[str, int]) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
    sock.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        sock.connect(address)
    return sock


def _wait_connected(socks: list[socket.socket], until: float) -> None:
    poll = select.poll()
    for sock in socks:
        poll.register(sock, select.POLLOUT)
    missing = len(socks)
    while missing:
        ready = poll.poll(max(0.0, until - time.monotonic()) * 1000)
        if not ready:
            raise TimeoutError(f"{missing} connections were not accepted in time.")
        for number, _ in ready:
            poll.unregister(number)
        missing -= len(ready)
    for sock in socks:
        if number := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise ConnectionError(number, "A connection was refused.")
