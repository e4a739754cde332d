"""The compiled load keeps its rate and charges a server for what it would have been asked."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from bench.contenders import Contender
from bench.process import Server
from bench.settings import Settings
from bench.steady import steady
from bench.tools import BenchError
from tests.support import need_program

OK = b"HTTP/1.1 200 OK\r\ncontent-LENGTH: 5\r\n\r\nhello"
Answer = Callable[[socket.socket, int], None]


class Scripted(Server):
    """In place of a contender: `answer` gets each request's connection and number, from 0."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(Contender("scripted", "scripted", ()))
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self.requests = 0
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def cpu_seconds(self) -> float:
        return 0.0

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._threads.append(threading.Thread(target=self._serve, args=(sock,)))
            self._threads[-1].start()

    def _serve(self, sock: socket.socket) -> None:
        with sock:
            while sock.fileno() >= 0 and self._received(sock):
                with self._lock:
                    number, self.requests = self.requests, self.requests + 1
                self._answer(sock, number)

    def _received(self, sock: socket.socket) -> bool:
        try:
            return sock.recv(4096).startswith(b"GET /plain HTTP/1.1\r\n")
        except OSError:
            return False


@pytest.fixture(autouse=True)
def compiler() -> None:
    need_program("gcc")


@pytest.fixture
def scripted() -> Iterator[Callable[[Answer], Scripted]]:
    started: list[Scripted] = []

    def start(answer: Answer) -> Scripted:
        started.append(Scripted(answer))
        return started[-1]

    yield start
    for server in started:
        server.close()


def ask(server: Server, *, connections: int = 4, rate: float = 200, seconds: float = 0.5) -> dict:
    return steady(server, "/plain", Settings(), connections=connections, rate=rate, seconds=seconds)


@pytest.mark.parametrize("cut", [1, 7, len(OK)])
def test_every_request_is_answered_once_however_the_answer_is_cut(scripted, cut):
    def answer(sock: socket.socket, _: int) -> None:
        for start in range(0, len(OK), cut):
            sock.sendall(OK[start : start + cut])

    server = scripted(answer)
    figures = ask(server)
    assert (figures["planned"], figures["answered"], server.requests) == (100, 100, 100)
    assert (figures["unanswered"], figures["errors"], figures["reconnects"]) == (0, 0, 0)
    assert figures["bytes"] == 100 * len(OK)
    assert 0 < figures["p50_ms"] <= figures["p99_ms"] <= figures["max_ms"]


def test_the_rate_is_not_exceeded(scripted):
    figures = ask(scripted(lambda sock, _: sock.sendall(OK)), rate=100, seconds=0.5)
    assert figures["seconds"] >= 49 / 100


def test_a_stall_is_charged_to_every_request_that_was_due_meanwhile(scripted):
    def answer(sock: socket.socket, number: int) -> None:
        if number == 0:
            time.sleep(0.5)  # what is measured
        sock.sendall(OK)

    figures = ask(scripted(answer), connections=1, rate=100, seconds=0.6)
    assert figures["answered"] == 60
    # 50 of the 60 were due within the stall. Who asks only after an answer would see one wait.
    assert figures["p50_ms"] >= 150
    assert figures["max_ms"] >= 500 * 127 / 128


def test_what_is_not_answered_counts_with_the_time_it_has_waited(scripted):
    figures = ask(scripted(lambda sock, number: None), connections=2, seconds=0.1)
    assert (figures["answered"], figures["unanswered"]) == (0, 20)
    assert figures["p50_ms"] >= 1000  # the grace


def test_another_status_than_200_is_an_error(scripted):
    busy = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
    figures = ask(scripted(lambda sock, number: sock.sendall(busy if number % 2 else OK)))
    assert (figures["answered"], figures["errors"]) == (100, 50)


def test_a_server_that_closes_after_each_answer_is_asked_on_new_connections(scripted):
    closing = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")

    def answer(sock: socket.socket, _: int) -> None:
        sock.sendall(closing)
        sock.close()

    figures = ask(scripted(answer))
    assert (figures["answered"], figures["errors"]) == (100, 0)


def test_a_request_that_met_a_closing_is_sent_again_once(scripted):
    def answer(sock: socket.socket, number: int) -> None:
        if number == 3:
            sock.close()
            return
        sock.sendall(OK)

    server = scripted(answer)
    figures = ask(server)
    assert (figures["answered"], figures["errors"], figures["reconnects"]) == (100, 0, 1)
    assert server.requests == 101


def test_an_answer_that_is_cut_off_is_an_error(scripted):
    def answer(sock: socket.socket, number: int) -> None:
        if number == 3:
            sock.sendall(OK[:-1])
            sock.close()
            return
        sock.sendall(OK)

    figures = ask(scripted(answer))
    assert (figures["answered"], figures["errors"]) == (100, 1)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "no Content-Length"),
        (OK + b"!", "longer than its Content-Length"),
    ],
)
def test_an_answer_that_cannot_be_counted_ends_the_load(scripted, text, complaint):
    with pytest.raises(BenchError, match=complaint):
        ask(scripted(lambda sock, _: sock.sendall(text)))


def test_a_server_that_is_not_there_is_said_so():
    gone = Scripted(lambda *_: None)
    gone.close()
    with pytest.raises(BenchError, match="connect: Connection refused"):
        ask(gone)
