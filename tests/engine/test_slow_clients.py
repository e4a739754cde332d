"""Slow clients cost themselves time, and nobody else."""

from __future__ import annotations

import contextlib

import pytest

from pode_py.engine.options import Limits
from pode_py.http.response import FileBody, Response
from tests.engine.house import PATIENCE, file_body, plain, text_response, wait_until

BIG = 50_000_000


@pytest.fixture
def big_file(tmp_path):
    path = tmp_path / "big"
    with path.open("wb") as file:
        for number in range(50):
            file.write(bytes([number]) * 1_000_000)
    return path


@pytest.fixture
def house(build, poller, big_file):
    def handle(exchange):
        if exchange.request.path == "/bytes":
            exchange.reply(text_response(b"x" * BIG))
        elif exchange.request.path == "/file":
            exchange.reply(Response(200, file_body(big_file)))
        else:
            plain(exchange)

    return build(handle, poller=poller, threads=1)


@pytest.mark.parametrize("target", ["/bytes", "/file"])
def test_a_slow_reader_holds_no_worker(house, target, big_file):
    with house.wire(slow=True) as wire:
        wire.ask("GET", target)
        answer = wire.head()
        assert answer["Content-Length"] == str(BIG)
        for number in range(20):
            assert house.get(f"/{number}").status == 200
        body = wire.exactly(BIG)
        assert body == (big_file.read_bytes() if target == "/file" else b"x" * BIG)
        # The connection is an ordinary one again.
        wire.ask("GET", "/next")
        assert wire.answer().body == b"GET /next "


def test_fifty_slow_readers_hold_no_worker(house):
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(house.wire(slow=True)) for _ in range(50)]
        for wire in wires:
            wire.ask("GET", "/file")
            wire.head()
        assert house.get("/other").status == 200
        for wire in wires[:3]:
            assert len(wire.exactly(BIG)) == BIG


@pytest.mark.parametrize("target", ["/bytes", "/file"])
def test_a_reader_that_goes_away_leaves_nothing(house, target):
    with house.wire(slow=True) as wire:
        wire.ask("GET", target)
        wire.head()
        wire.reset()
    wait_until(lambda: house.engine.connections == 0)
    assert house.get().status == 200


def test_a_slow_reader_that_asked_for_the_end_gets_all_and_the_end(house):
    with house.wire(slow=True) as wire:
        wire.ask("GET", "/bytes", "Connection: close")
        assert len(wire.answer().body) == BIG
        assert wire.is_closed


def test_a_file_that_becomes_shorter_ends_the_connection(house, big_file):
    with house.wire(slow=True) as wire:
        wire.ask("GET", "/file")
        wire.head()
        with big_file.open("r+b") as file:
            file.truncate(20_000_000)
        assert len(wire.rest()) < BIG
    wait_until(lambda: house.engine.connections == 0)
    assert house.get().status == 200


def test_a_file_that_is_shorter_from_the_first_ends_the_connection(build, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"short")
    house = build(lambda ex: ex.reply(Response(200, FileBody(path.open("rb"), 0, 1000))))
    house.may_report = True
    with house.wire() as wire:
        wire.ask("GET", "/")
        assert wire.head()["Content-Length"] == "1000"
        assert len(wire.rest()) < 1000


def test_a_file_that_becomes_longer_sends_no_more_than_it_said(house, big_file):
    with house.wire(slow=True) as wire:
        wire.ask("GET", "/file")
        wire.head()
        with big_file.open("ab") as file:
            file.write(b"more" * 1000)
        assert len(wire.exactly(BIG)) == BIG
        wire.ask("GET", "/next")
        assert wire.answer().body == b"GET /next "


def test_hundreds_of_idle_and_half_sent_requests_delay_nobody(build, poller):
    house = build(poller=poller, threads=2, limits=Limits(request_timeout=60))
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(house.wire()) for _ in range(500)]
        for number, wire in enumerate(wires[300:]):
            half = b"GET / HTTP/1.1\r\n" if number % 2 else b"POST / HTTP/1.1\r\nHost: a\r\n"
            wire.send(half + (b"" if number % 2 else b"Content-Length: 9\r\n\r\n1234"))
        for number in range(20):
            assert house.get(f"/{number}").status == 200
        # None of them was closed for it, and each can go on.
        assert house.engine.connections >= 500
        for number, wire in enumerate(wires[300:]):
            wire.send(b"Host: a\r\n\r\n" if number % 2 else b"56789")
            assert wire.answer().status == 200
        for wire in wires[:300]:
            wire.ask("GET", "/")
            assert wire.answer().status == 200


def test_a_client_that_asks_for_more_than_it_reads_fills_no_memory(build):
    """What it sends stays in the sockets while answers wait for it."""
    body = b"x" * 8_000_000
    house = build(lambda exchange: exchange.reply(text_response(body)), threads=1)
    request = b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"b" * 1000 + b"\r\n\r\n"
    sent, rest = 0, b""
    with house.wire() as wire:
        for _ in range(30):
            wire.sock.settimeout(0.02)
            with contextlib.suppress(TimeoutError):
                while sent < 100_000_000:
                    rest = rest or request * 1000
                    count = wire.sock.send(rest)
                    sent, rest = sent + count, rest[count:]
            wire.sock.settimeout(PATIENCE)
            assert wire.answer().body == body
    assert sent < 20_000_000
