"""Limits of size and time: a clear answer, then the end of the connection."""

from __future__ import annotations

import threading
import time

import pytest

from pode_py.engine.options import Limits
from tests.engine.house import PATIENCE, HandClock, plain, text_response, wait_until

SHORT = 0.3


def test_a_body_over_the_limit_is_413_before_it_is_sent(build):
    house = build(limits=Limits(body_size=1000))
    with house.wire() as wire:
        wire.ask("POST", "/", "Content-Length: 1001", "Expect: 100-continue")
        assert wire.answer().status == 413  # and no 100 before it
        assert wire.is_closed
    assert house.seen == []


def test_a_chunked_body_over_the_limit_is_413(build):
    house = build(limits=Limits(body_size=1000))
    with house.wire() as wire:
        wire.ask("POST", "/", "Transfer-Encoding: chunked")
        wire.send(b"1f4\r\n" + b"x" * 500 + b"\r\n" + b"1f4\r\n" + b"x" * 500 + b"\r\n1\r\nx")
        answer = wire.answer()
        assert answer.status == 413
        assert b"1000 bytes" in answer.body
        assert wire.is_closed
    assert house.seen == []


def test_a_body_of_the_limit_is_taken(build):
    house = build(limits=Limits(body_size=1000))
    with house.wire() as wire:
        wire.ask("POST", "/", body=b"x" * 1000)
        assert wire.answer().status == 200
        wire.ask("POST", "/", "Transfer-Encoding: chunked")
        wire.send(b"3e8\r\n" + b"x" * 1000 + b"\r\n0\r\n\r\n")
        assert wire.answer().status == 200


@pytest.mark.parametrize(
    "part",
    [
        b"G",
        b"GET / HTTP/1.1\r\nHost: a\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe",
    ],
)
@pytest.mark.parametrize("before", [0, 2])
def test_a_request_that_does_not_end_in_time_is_408(build, part, before):
    house = build(limits=Limits(request_timeout=SHORT, body_rate=1000))
    with house.wire() as wire:
        for _ in range(before):
            wire.ask("GET", "/")
            assert wire.answer().status == 200
        began = time.monotonic()
        wire.send(part)
        assert wire.answer().status == 408
        assert time.monotonic() - began >= SHORT * 0.9
        assert wire.is_closed
    assert len(house.seen) == before


def test_a_head_that_drips_gets_no_more_time_for_it(build):
    house = build(limits=Limits(request_timeout=SHORT))
    with house.wire() as wire:
        began = time.monotonic()
        wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n")
        while not wire.has_input(0.02):
            wire.send(b"A: b\r\n")
            assert time.monotonic() - began < PATIENCE
        assert wire.answer().status == 408
        assert time.monotonic() - began >= SHORT * 0.9


def test_a_body_slower_than_the_least_rate_is_408(build):
    house = build(limits=Limits(request_timeout=SHORT, body_rate=2000))
    with house.wire() as wire:
        began = time.monotonic()
        wire.ask("POST", "/", "Content-Length: 1000000")
        while not wire.has_input(0.02):
            wire.send(b"x" * 10)
            assert time.monotonic() - began < PATIENCE
        assert wire.answer().status == 408
        assert wire.is_closed


def test_a_body_may_take_longer_than_the_limit_if_it_goes_on(build):
    house = build(limits=Limits(request_timeout=SHORT, body_rate=1000))
    with house.wire() as wire:
        began = time.monotonic()
        wire.ask("POST", "/", "Content-Length: 100000")
        for _ in range(20):
            wire.send(b"x" * 5000)
            time.sleep(0.04)
        assert wire.answer().status == 200
        assert time.monotonic() - began > 2 * SHORT


def test_a_connection_that_sends_nothing_is_closed_in_silence(build):
    house = build(limits=Limits(request_timeout=SHORT))
    with house.wire() as wire:
        began = time.monotonic()
        assert wire.is_closed
        assert time.monotonic() - began >= SHORT * 0.9
    wait_until(lambda: house.engine.connections == 0)


def test_an_idle_connection_is_closed_in_silence(build):
    house = build(limits=Limits(keep_alive_timeout=SHORT))
    with house.wire() as wire:
        for _ in range(4):
            wire.ask("GET", "/")
            assert wire.answer().status == 200
            time.sleep(SHORT / 2)
        wire.ask("GET", "/")
        assert wire.answer().status == 200
        began = time.monotonic()
        assert wire.is_closed
        assert time.monotonic() - began >= SHORT * 0.9


def test_a_head_that_began_behind_another_request_has_its_whole_time(build):
    house = build(limits=Limits(keep_alive_timeout=SHORT, request_timeout=30))
    with house.wire() as wire, house.wire() as idle:
        wire.send(b"GET /one HTTP/1.1\r\nHost: a\r\n\r\nGET /two HTTP/1.1\r\n")
        assert wire.answer().status == 200
        idle.ask("GET", "/idle")
        assert idle.answer().status == 200
        assert idle.is_closed  # it waited longer than a connection may that sends nothing
        wire.send(b"Host: a\r\n\r\n")
        assert wire.answer().status == 200
    assert house.targets == ["/one", "/idle", "/two"]


def test_a_handler_may_take_longer_than_every_limit(build):
    gate = threading.Event()

    def handle(exchange):
        gate.wait(2.5)
        exchange.reply(text_response(b"late"))

    limits = Limits(request_timeout=0.1, keep_alive_timeout=0.1, write_timeout=0.1)
    house = build(handle, limits=limits)
    with house.wire() as wire:
        wire.ask("GET", "/")
        assert wire.answer().body == b"late"
        assert wire.is_closed  # idle for too long only now


@pytest.mark.own_engine("uvicorn keeps idle connections by the real clock")
def test_time_that_nobody_awaits_costs_no_connection(build):
    clock = HandClock()
    house = build(clock=clock, limits=Limits(request_timeout=30, keep_alive_timeout=75))
    with house.wire() as wire:
        wire.ask("GET", "/")
        assert wire.answer().status == 200
        for _ in range(7):
            clock.advance(10)
            assert not wire.has_input(0.01)
        wire.ask("GET", "/")
        assert wire.answer().status == 200
        wait_until(lambda: clock.advance(10) or wire.has_input(0.01))
        assert wire.is_closed


def test_a_jump_of_hours_harms_no_running_handler(build):
    clock, gate, entered = HandClock(), threading.Event(), threading.Event()

    def handle(exchange):
        entered.set()
        assert gate.wait(30)
        plain(exchange)

    house = build(handle, clock=clock)
    with house.wire() as wire:
        wire.ask("GET", "/")
        assert entered.wait(30)
        for _ in range(5):
            clock.advance(3600)
        gate.set()
        assert wire.answer().status == 200
        wire.ask("GET", "/again")
        assert wire.answer().body == b"GET /again "


def test_a_client_that_reads_nothing_is_cut_at_the_write_deadline(build):
    house = build(
        lambda exchange: exchange.reply(text_response(b"x" * 30_000_000)),
        limits=Limits(write_timeout=SHORT),
    )
    with house.wire() as wire:
        wire.ask("GET", "/")
        wait_until(lambda: house.seen)
        wait_until(lambda: house.engine.connections == 0)
        assert len(wire.rest()) < 30_000_000


def test_an_iterator_whose_client_reads_nothing_is_cut_at_the_write_deadline(build):
    closed = threading.Event()

    def body():
        try:
            while True:
                yield b"x" * 1_000_000
        finally:
            closed.set()

    house = build(
        lambda exchange: exchange.reply(text_response(body())), limits=Limits(write_timeout=SHORT)
    )
    with house.wire() as wire:
        wire.ask("GET", "/")
        assert closed.wait(30)
        assert not wire.rest().endswith(b"0\r\n\r\n")
    assert house.reports == []  # a client that went away is nobody's error
