"""Requests that are none get a status and a closed connection, and hide nothing."""

from __future__ import annotations

import random

import pytest

from tests.engine.house import House
from tests.engine.malformed import CHUNKED, HIDDEN, REQUESTS, get, post
from tests.support import ENGINES


@pytest.fixture(scope="module", params=ENGINES)
def house(request):
    opened = House(kind=request.param)
    yield opened
    opened.stop()
    assert opened.reports == []


@pytest.fixture(autouse=True)
def _nothing_seen_yet(house):
    house.seen.clear()


def _refused(house, data, status):
    with house.wire() as wire:
        wire.send(data)
        answer = wire.answer()
        assert answer.status == status
        assert answer["Connection"] == "close"
        assert answer["Content-Type"] == "text/plain; charset=utf-8"
        assert b"Traceback" not in answer.body
        assert wire.is_closed
    assert house.seen == []


@pytest.mark.parametrize("name", REQUESTS)
def test_it_is_refused_and_the_connection_closed(house, name):
    data, status = REQUESTS[name]
    _refused(house, data + HIDDEN, status)


@pytest.mark.parametrize("name", REQUESTS)
def test_it_is_refused_the_same_after_a_good_request(house, name):
    data, status = REQUESTS[name]
    with house.wire() as wire:
        wire.send(b"GET /first HTTP/1.1\r\nHost: a\r\n\r\n" + data + HIDDEN)
        assert wire.answer().body == b"GET /first "
        assert wire.answer().status == status
        assert wire.is_closed
    assert house.targets == ["/first"]


@pytest.mark.parametrize("name", [name for name, (data, _) in REQUESTS.items() if len(data) < 300])
def test_it_is_refused_the_same_when_it_drips(house, name):
    data, status = REQUESTS[name]
    with house.wire() as wire:
        try:
            for byte in data:
                wire.send(bytes([byte]))
            wire.send(HIDDEN)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it was cut in the middle, which is well
        else:
            assert wire.answer().status == status
            assert wire.is_closed
    assert house.seen == []


def test_there_are_enough_of_them():
    assert len(REQUESTS) > 150


@pytest.mark.parametrize(
    "data",
    [
        b"G",
        b"GET / HT",
        b"GET / HTTP/1.1\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n",
        post(b"Content-Length: 10") + b"12345",
        CHUNKED,
        CHUNKED + b"5\r\nhel",
        CHUNKED + b"5\r\nhello\r\n",
        CHUNKED + b"5\r\nhello\r\n0\r\n",
    ],
)
@pytest.mark.parametrize("how", ["finish_sending", "reset"])
def test_a_request_that_ends_early_reaches_nobody(house, data, how):
    with house.wire() as wire:
        wire.send(data)
        getattr(wire, how)()
        if how == "finish_sending":
            assert wire.is_closed
    assert house.get("/after").body == b"GET /after "
    assert house.targets == ["/after"]


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (get(host=b"Host:"), "/"),
        (get(host=b"Host: "), "/"),
        (get(host=b"Host: [::1]:80"), "/"),
        (get(host=b"Host: a.b-c_d:"), "/"),
        (get(b"A: \xe4\xf6"), "/"),
        (get(b"A:b"), "/"),
        (get(b"A:"), "/"),
        (get(b"A: \t b \t "), "/"),
        (get(line=b"get / HTTP/1.1"), "/"),
        (get(line=b"GET //a HTTP/1.1"), "//a"),
        (get(line=b"GET /a%2fb%20c HTTP/1.1"), "/a%2Fb c"),
        (get(line=b"GET /%C3%A4 HTTP/1.1"), "/ä"),
        (get(line=b"GET /%zz% HTTP/1.1"), "/%zz%"),
        (get(line=b"GET /?a=%00%ff HTTP/1.1"), "/"),
        (post(b"Content-Length: 0"), "/"),
        (post(b"Content-Length: 000"), "/"),
        (post(b"Content-Length:\t0 "), "/"),
        (get(line=b"GET / HTTP/1.2"), "/"),
        (get(line=b"GET / HTTP/1.9"), "/"),
        (post(b"Transfer-Encoding: Chunked") + b"0\r\n\r\n", "/"),
        (CHUNKED + b"0000\r\n\r\n", "/"),
        (CHUNKED + b"5;a=b\r\nhello\r\n0;c\r\n\r\n", "/"),
        (CHUNKED + b'5;a="b;\\" c";d\r\nhello\r\n0\r\n\r\n', "/"),
        (CHUNKED + b"5 ; a\t=\tb\r\nhello\r\n0\r\n\r\n", "/"),
        (CHUNKED + b"5;%b\r\nhello\r\n0\r\n\r\n" % (b"a" * 4000), "/"),
        (CHUNKED + b"0\r\nA:b\r\nC: d\r\n\r\n", "/"),
    ],
)
def test_what_is_odd_but_plain_is_served(house, data, path):
    with house.wire() as wire:
        wire.send(data + get(line=b"GET /next HTTP/1.1"))
        assert wire.answer().status == 200
        assert wire.answer().body == b"GET /next "
    assert [request.path for request in house.seen] == [path, "/next"]
    assert {request.http_version for request in house.seen} == {"1.1"}
    assert house.seen[0].raw_body in (b"", b"hello")


def test_random_bytes_end_their_connection(house):
    luck = random.Random(11)
    for _ in range(100):
        with house.wire() as wire:
            wire.send(luck.randbytes(luck.randrange(1, 500)))
            wire.finish_sending()
            assert b" 200 " not in wire.rest()
    assert house.seen == []


def test_a_refused_upload_gets_its_answer_before_it_has_ended(house):
    with house.wire() as wire:
        wire.send(post(b"Content-Length: 200000000") + b"x" * 2_000_000)
        assert wire.answer().status == 413


def test_a_refusal_of_head_bytes_needs_no_end_of_the_head(house):
    _refused(house, b"\x16\x03\x01", 400)
