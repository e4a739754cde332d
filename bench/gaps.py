"""Whether events go on: the longest time that a stream got none, while others load the server.

It reads a few streams slowly paced, so Python is quick enough; `streams.c` is for many.
"""

import selectors
import socket
import threading
import time
from http.client import HTTPConnection, HTTPException

from bench.process import Server
from bench.scenario import Figures
from bench.servers.payload import MARK
from bench.tools import BenchError

STREAMS = 4
INTERVAL_MS = 20
EVENT = f"data: {MARK}".encode()
OPEN_SECONDS = 10


class Gaps:
    """Streams that are open, and events paced to them, until the time is over."""

    def __init__(self, server: Server, seconds: float) -> None:
        self._server = server
        self._seconds = seconds
        self._events = int(seconds * 1000 / INTERVAL_MS)
        self._arrivals: dict[socket.socket, list[float]] = {}
        self._failure: str | None = None

    def __enter__(self) -> "Gaps":
        try:
            for _ in range(STREAMS):
                self._arrivals[_opened(self._server.port)] = []
        except (OSError, BenchError) as error:
            self._close()
            raise BenchError(f"a stream did not open: {error}") from error
        self._threads = [threading.Thread(target=one) for one in (self._send, self._read)]
        self._until = time.monotonic() + self._seconds
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for thread in self._threads:
            thread.join()
        self._close()

    def figures(self) -> Figures:
        """Return the longest gap of any stream, from the first event due to the last moment."""
        for thread in self._threads:
            thread.join()
        if self._failure:
            raise BenchError(self._failure)
        starts = self._until - self._seconds
        gaps = [
            after - before
            for arrivals in self._arrivals.values()
            for before, after in zip([starts, *arrivals], [*arrivals, self._until], strict=True)
        ]
        counts = [len(arrivals) for arrivals in self._arrivals.values()]
        return {"longest_ms": max(gaps) * 1000, "fewest": min(counts), "planned": self._events}

    def _send(self) -> None:
        """Ask the server for the events; the answer comes when all of them are sent."""
        connection = HTTPConnection("127.0.0.1", self._server.port, timeout=self._seconds + 15)
        try:
            connection.request("GET", f"/paced?n={self._events}&interval_ms={INTERVAL_MS}")
            connection.getresponse().read()
        except (OSError, HTTPException) as error:
            self._failure = f"the paced events did not end: {error}"
        finally:
            connection.close()

    def _read(self) -> None:
        with selectors.DefaultSelector() as selector:
            for stream in self._arrivals:
                selector.register(stream, selectors.EVENT_READ)
            while (left := self._until - time.monotonic()) > 0:
                for key, _ in selector.select(left):
                    stream = key.fileobj
                    assert isinstance(stream, socket.socket)
                    self._take(stream, selector)

    def _take(self, stream: socket.socket, selector: selectors.BaseSelector) -> None:
        try:
            received = stream.recv(65536)
        except OSError as error:
            received, self._failure = b"", f"a stream broke: {error}"
        if not received:
            selector.unregister(stream)
            return
        self._arrivals[stream] += [time.monotonic()] * received.count(EVENT)

    def _close(self) -> None:
        for stream in self._arrivals:
            stream.close()


def _opened(port: int) -> socket.socket:
    """Return a connection on which the head of an event stream has come."""
    stream = socket.create_connection(("127.0.0.1", port), timeout=OPEN_SECONDS)
    stream.sendall(b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n")
    head = b""
    while b"\r\n\r\n" not in head:
        received = stream.recv(4096)
        head += received
        if not received or not head.startswith(b"HTTP/1.1 200"[: len(head)]):
            stream.close()
            raise BenchError(f"GET /events answered {head[:40]!r}")
    return stream
