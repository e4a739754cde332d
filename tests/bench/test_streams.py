"""The compiled client counts deliveries rightly, however a server cuts them."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from bench.contenders import Contender
from bench.process import Server
from bench.stream_client import StreamClient
from bench.tools import BenchError
from tests.support import need_program

STREAMS = 3
EVENTS = 40
LATENCY_MS = 50


class Scripted(Server):
    """In place of a contender: answers the client with bytes that the test chose."""

    def __init__(self, head: bytes, body: Callable[[], bytes], cut: int) -> None:
        super().__init__(Contender("scripted", "scripted", ()))
        self._head, self._body, self._cut = head, body, cut
        self._streams: list[socket.socket] = []
        self.asked: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for sock in (self._listener, *self._streams):
            sock.close()

    def cpu_seconds(self) -> float:
        return 0.0

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            request = sock.recv(4096)
            self.asked.append(request.split()[1].decode())
            if request.startswith(b"GET /events"):
                self._streams.append(sock)
                self._send_cut(sock, self._head)
                continue
            for stream in self._streams:
                self._send_cut(stream, self._body())
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            sock.close()

    def _send_cut(self, sock: socket.socket, text: bytes) -> None:
        for start in range(0, len(text), self._cut):
            sock.sendall(text[start : start + self._cut])


@pytest.fixture(autouse=True)
def compiler() -> None:
    need_program("gcc")


@pytest.fixture
def scripted() -> Iterator[Callable[..., Scripted]]:
    started: list[Scripted] = []

    def start(head: bytes, body: Callable[[], bytes], cut: int = 1 << 20) -> Scripted:
        started.append(Scripted(head, body, cut))
        return started[-1]

    yield start
    for server in started:
        server.close()


PLAIN_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
CHUNKED_HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def events(newline: str) -> bytes:
    """EVENTS events of which the client must know each, and what it must not count between."""
    sent = time.monotonic_ns() - LATENCY_MS * 1_000_000
    colon = "data: " if newline == "\n" else "data:"
    noise = f": ping{newline}{newline}event: pode.open{newline}data: open{newline}{newline}"
    event = f"id: 7{newline}{colon}@{sent:020d} xxxx{newline}{newline}"
    return ((noise + event) * EVENTS).encode()


def chunked(text: bytes) -> bytes:
    """The text in chunks of odd sizes, some with an extension, as any server may cut it."""
    dice, parts = random.Random(7), []
    while text:
        size = dice.randint(1, 60)
        piece, text = text[:size], text[size:]
        extension = b";a=b" if dice.random() < 0.2 else b""
        parts.append(b"%X%s\r\n%s\r\n" % (len(piece), extension, piece))
    return b"".join(parts)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("cut", [1, 7, 1 << 20])
@pytest.mark.parametrize("coding", ["plain", "chunked"])
def test_every_event_is_counted_once_however_it_is_cut(scripted, newline, cut, coding):
    if coding == "chunked":
        server = scripted(CHUNKED_HEAD, lambda: chunked(events(newline)), cut)
    else:
        server = scripted(PLAIN_HEAD, lambda: events(newline), cut)
    with StreamClient(server, STREAMS) as client:
        for _ in range(2):
            figures = client.run("/burst", EVENTS, 10)
            assert figures["deliveries"] == STREAMS * EVENTS
            assert figures["uneven_streams"] == 0
            assert figures["lost"] == 0
            # The client's buckets of latencies are 1/128 of their value wide.
            assert LATENCY_MS * 127 / 128 <= figures["p50_ms"] <= figures["p99_ms"]
            assert figures["p99_ms"] <= figures["max_ms"]


def test_what_does_not_come_is_lost_when_the_time_is_over(scripted):
    server = scripted(PLAIN_HEAD, lambda: events("\n"))
    with StreamClient(server, STREAMS) as client:
        figures = client.run("/burst", EVENTS + 1, 0.5)
    assert figures["lost"] == STREAMS
    assert figures["uneven_streams"] == STREAMS


def test_what_comes_twice_is_seen(scripted):
    server = scripted(PLAIN_HEAD, lambda: events("\n"))
    with StreamClient(server, STREAMS) as client:
        figures = client.run("/burst", EVENTS - 1, 10)
    assert figures["uneven_streams"] == STREAMS


def test_a_server_that_refuses_streams_is_named_as_such(scripted):
    server = scripted(b"HTTP/1.1 406 Not Acceptable\r\n\r\n", bytes)
    with pytest.raises(BenchError, match=r"0 of 3 streams opened \(status 406"):
        StreamClient(server, STREAMS).__enter__()


def test_bursts_are_repeated_until_the_time_is_over_and_each_is_counted(scripted):
    server = scripted(PLAIN_HEAD, lambda: events("\n"))
    with StreamClient(server, STREAMS) as client:
        figures = client.repeat("/burst", EVENTS, 10, seconds=0.2)
    assert figures["bursts"] > 1
    assert figures["deliveries"] == figures["bursts"] * STREAMS * EVENTS
    assert (figures["lost"], figures["uneven_streams"]) == (0, 0)


def test_gaps_are_those_between_events_of_the_same_stream():
    wait, half = 0.05, events("\n")

    class Halting(Scripted):
        def _send_cut(self, sock: socket.socket, text: bytes) -> None:
            super()._send_cut(sock, text)
            if text is half:
                time.sleep(wait)
                super()._send_cut(sock, text)

    server = Halting(PLAIN_HEAD, lambda: half, 1 << 20)
    try:
        with StreamClient(server, STREAMS) as client:
            figures = client.gaps("/burst", 2 * EVENTS, 10)
            plain = client.run("/burst", 2 * EVENTS, 10)
    finally:
        server.close()
    assert (figures["lost"], plain["lost"]) == (0, 0)
    # One gap in 79 is long; the others are within what arrived at once.
    assert figures["gap_p99_ms"] >= wait * 1000 * 127 / 128
    assert figures["gap_p50_ms"] == 0
    assert plain["gap_p99_ms"] == 0


def test_what_another_server_was_asked_for_is_counted_too(scripted):
    server = scripted(PLAIN_HEAD, lambda: events("\n"))
    with StreamClient(server, STREAMS) as watching, StreamClient(server, STREAMS) as asking:
        watched = watching.watch(EVENTS, 10)
        asked, seen = asking.run("/burst", EVENTS, 10), watched()
    for figures in (asked, seen):
        assert figures["deliveries"] == STREAMS * EVENTS
        assert (figures["lost"], figures["uneven_streams"]) == (0, 0)
        assert figures["began_ns"] < figures["latest_ns"]


def test_who_watches_for_nothing_ends_when_the_time_is_over(scripted):
    server = scripted(PLAIN_HEAD, bytes)
    with StreamClient(server, STREAMS) as client:
        figures = client.watch(1, 0.2)()
    assert (figures["deliveries"], figures["lost"]) == (0, STREAMS)


def test_no_burst_follows_one_that_lost_events(scripted):
    server = scripted(PLAIN_HEAD, lambda: events("\n"))
    with StreamClient(server, STREAMS) as client:
        figures = client.repeat("/burst", EVENTS + 1, 0.3, seconds=10)
    assert (figures["bursts"], figures["lost"]) == (1, STREAMS)


def test_a_stream_can_tell_the_server_its_number(scripted):
    server = scripted(PLAIN_HEAD, bytes)
    with StreamClient(server, STREAMS, path="/events?stream={stream}&more") as client:
        assert client.opened["open"] == STREAMS
        assert client.opened["seconds"] > 0
    assert sorted(server.asked) == [f"/events?stream={number}&more" for number in range(STREAMS)]
