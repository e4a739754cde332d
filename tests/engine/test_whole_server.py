"""The same malformed requests at a whole server: no handler sees them, nothing ends in a 500."""

from __future__ import annotations

import random
import socket

import pytest

from pode_py import add_middleware, add_route
from pode_py.testing.live import running
from tests.engine.house import PATIENCE, Wire
from tests.engine.malformed import HIDDEN, REQUESTS, get, post
from tests.support import ENGINES

SEEN: list[str] = []


def see(web_event):
    SEEN.append(web_event.path)
    return True


def set_up():
    add_middleware("see", see)
    add_route("get", "/", lambda: "home")
    add_route("*", "/:id", lambda web_event: web_event.parameters["id"])
    add_route("get", "/hidden", lambda: "hidden")


@pytest.fixture(scope="module", params=ENGINES)
def server(request):
    with running(set_up, engine=request.param) as live:
        yield live


@pytest.fixture
def connect(server):
    SEEN.clear()

    def make():
        return Wire(socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE))

    return make


@pytest.mark.parametrize("name", REQUESTS)
def test_it_is_refused_and_seen_by_no_middleware(connect, name):
    data, status = REQUESTS[name]
    with connect() as wire:
        wire.send(data + HIDDEN)
        assert wire.answer().status == status
        assert wire.is_closed
    assert SEEN == []


VALID = [
    get(),
    get(b"Accept: text/html", b"Cookie: a=b; c=d", b"Range: bytes=0-5"),
    get(b"Accept: */*;q=0.5, text/x;q=", b"If-None-Match: W/", b"If-Modified-Since: yesterday"),
    get(line=b"GET /%E4%B8%AD?a=b&a=c&=&%zz HTTP/1.1"),
    get(line=b"GET /../../etc/passwd HTTP/1.1"),
    get(line=b"GET /..%2f..%2fetc%2fpasswd HTTP/1.1"),
    get(line=b"GET http://x:99/y?z HTTP/1.1"),
    get(line=b"OPTIONS * HTTP/1.1"),
    get(line=b"OPTIONS / HTTP/1.1"),
    get(line=b"HEAD / HTTP/1.1"),
    get(line=b"BREW /coffee HTTP/1.1"),
    get(line=b"GET / HTTP/1.0", host=b""),
    get(host=b"Host:"),
    post(b"Content-Type: application/json", b"Content-Length: 3") + b"{{{",
    post(b"Content-Type: application/x-www-form-urlencoded", b"Content-Length: 7") + b"%=&=%&a",
    post(b"Content-Type: multipart/form-data; boundary=", b"Content-Length: 2") + b"--",
    post(b"Content-Type: text/plain; charset=nonsense", b"Content-Length: 1") + b"\xff",
    post(b"Transfer-Encoding: chunked") + b"3\r\nabc\r\n0\r\n\r\n",
    post(b"Content-Encoding: gzip", b"Content-Length: 1") + b"x",
]


def test_odd_requests_are_answered_and_not_with_500(connect):
    for data in VALID:
        with connect() as wire:
            wire.send(data)
            answer = wire.answer(head_only=data.startswith(b"HEAD"))
            assert 200 <= answer.status < 500, data


def test_mutated_requests_never_end_in_a_500_or_a_hang(connect):
    luck = random.Random(20270101)
    parts = [b"\r\n", b"\n", b"\0", b" ", b":", b"%", b"/", b"?", b"\xff", b"Host: b\r\n", b"9"]
    for _ in range(600):
        data = bytearray(luck.choice(VALID))
        for _ in range(luck.randrange(1, 4)):
            place = luck.randrange(len(data))
            data[place : place + luck.randrange(3)] = luck.choice(parts)
        with connect() as wire:
            wire.send(bytes(data))
            wire.finish_sending()
            answers = wire.rest()
            assert b"HTTP/1.1 500" not in answers, bytes(data)
            assert b"Traceback" not in answers
