"""Gaps between events are found, on the very server that is measured."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator

import pytest

from bench.contenders import CEILING, PODE_PY, Contender
from bench.gaps import INTERVAL_MS, Gaps
from bench.process import Server
from bench.servers.work import SLEEP_SECONDS
from bench.tools import BenchError
from pode_py.testing import fetch
from tests.support import need_program

SECONDS = 1.0


class Silent(Server):
    """In place of a contender: answers whatever it is asked with one head, and then nothing."""

    def __init__(self, head: bytes) -> None:
        super().__init__(Contender("silent", "silent", ()))
        self._head = head
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Silent:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for sock in (self._listener, *self._open):
            sock.close()

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(sock)
            asked = sock.recv(4096)
            if asked.startswith(b"GET /events"):
                sock.sendall(self._head)
            else:
                sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


@pytest.fixture(scope="module")
def measured() -> Iterator[Server]:
    need_program("gcc")
    with Server(PODE_PY) as server:
        yield server


def test_events_that_arrive_are_counted_on_each_stream(measured):
    with Gaps(measured, SECONDS) as gaps:
        figures = gaps.figures()
    assert figures["planned"] == SECONDS * 1000 / INTERVAL_MS
    assert 0 < figures["fewest"] <= figures["planned"]
    assert 0 < figures["longest_ms"] <= SECONDS * 1000


def test_a_stream_without_events_is_one_gap():
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    with Silent(head) as server, Gaps(server, SECONDS) as gaps:
        figures = gaps.figures()
    assert figures["fewest"] == 0
    assert figures["longest_ms"] == pytest.approx(SECONDS * 1000)


def test_a_stream_that_does_not_open_is_said_so():
    with (
        Silent(b"HTTP/1.1 503 Service Unavailable\r\n\r\n") as server,
        pytest.raises(BenchError, match=r"GET /events answered b'HTTP/1\.1 503"),
    ):
        Gaps(server, SECONDS).__enter__()


def test_the_server_that_is_measured_has_every_route(measured):
    url = f"http://127.0.0.1:{measured.port}"
    assert json.loads(fetch(url + "/users/7").text) == {"id": "7", "name": "Ada"}
    assert "<title>Users &amp; friends</title>" in fetch(url + "/page").text
    assert fetch(url + "/sleep").text == "slept"
    assert int(fetch(url + "/burn?seconds=0.01").text) > 0
    assert SLEEP_SECONDS == 0.02


def test_the_yardstick_answers_like_a_contender():
    need_program("gcc")
    with Server(CEILING) as server:
        answer = fetch(f"http://127.0.0.1:{server.port}/users/7")
    assert json.loads(answer.text) == {"id": "7", "name": "Ada"}
