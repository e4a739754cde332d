"""Which routes are slow is learned from the clock, and forgotten again."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest

from pode_py.engine.h11.slow_routes import SlowRoutes
from pode_py.http.headers import RequestHeaders
from pode_py.http.request import Request
from tests.engine.house import plain, wait_until

pytestmark = pytest.mark.own_engine("an ASGI engine has a pool of threads, and no leader")


def request(path: str) -> Request:
    return Request("GET", path, path, "", RequestHeaders([]))


@pytest.fixture
def routes():
    return SlowRoutes(lambda request: request.path)


def test_requests_that_sleep_make_their_route_slow_and_no_other(routes):
    for _ in range(3):
        routes.note(request("/slow"), 0.02)
    assert routes.pace(request("/slow")) != "quick"
    assert routes.pace(request("/quick")) == "quick"


def test_quick_requests_that_were_held_up_do_not(routes):
    for seconds in (5.0, 5.0, 0.00001, 5.0, 0.00001):
        routes.note(request("/quick"), seconds)
    assert routes.pace(request("/quick")) == "quick"


def test_requests_of_a_millisecond_do_so_after_a_while(routes):
    for _ in range(10):
        routes.note(request("/slow"), 0.001)
    assert routes.pace(request("/slow")) != "quick"


def test_a_route_that_has_become_quick_is_quick_again(routes):
    for _ in range(100):
        routes.note(request("/slow"), 0.02)
    for _ in range(20):
        routes.note(request("/slow"), 0.00001)
    assert routes.pace(request("/slow")) == "quick"


def test_where_all_is_quick_nobody_asks_for_routes():
    asked = []
    routes = SlowRoutes(lambda request: asked.append(request.path))
    for _ in range(100):
        assert routes.pace(request("/quick")) == "quick"
        routes.note(request("/quick"), 0.0001)
    assert asked == []


def test_what_was_slow_once_is_forgotten(routes):
    asked = []
    routes = SlowRoutes(lambda request: asked.append(request.path))
    routes.note(request("/slow"), 0.003)
    for _ in range(50):
        routes.note(request("/slow"), 0.00001)
    asked.clear()
    routes.note(request("/slow"), 0.00001)
    assert asked == []


def test_routes_that_take_long_are_told_from_those_that_are_just_slow(routes):
    for _ in range(10):
        routes.note(request("/slow"), 0.002)
        routes.note(request("/long"), 0.02)
    assert (routes.pace(request("/slow")), routes.pace(request("/long"))) == ("slow", "long")


@pytest.fixture
def gate():
    opened = threading.Event()
    yield opened
    opened.set()


def gated(gate):
    """/slow sleeps, so that it is known; /wait, which counts as the same route, waits."""

    def handle(exchange):
        if exchange.request.path == "/slow":
            time.sleep(0.02)
        elif exchange.request.path == "/wait":
            assert gate.wait(30)
        plain(exchange)

    return handle


def make_known(wire):
    for _ in range(3):
        wire.ask("GET", "/slow")
        assert wire.answer().status == 200


def kind_of(request):
    return "slow" if request.path in ("/slow", "/wait") else "quick"


def test_quick_requests_go_on_while_slow_ones_have_all_workers_they_may(build, poller, gate):
    house = build(gated(gate), poller=poller, threads=16, kind_of=kind_of, quiet_time=60)
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(house.wire()) for _ in range(40)]
        quick = stack.enter_context(house.wire())
        make_known(slow[0])
        # The route is known from now on, and while its requests wait there are quick ones.
        for wire in slow:
            wire.ask("GET", "/wait")
            quick.ask("GET", "/quick")
            assert quick.answer().status == 200
        wait_until(lambda: house.engine.waiting)
        for _ in range(50):
            quick.ask("GET", "/quick")
            assert quick.answer().status == 200
        assert house.engine.waiting > 0
        gate.set()
        assert {wire.answer().status for wire in slow} == {200}


def test_without_quick_ones_slow_requests_get_every_worker(build, poller):
    barrier = threading.Barrier(16)

    def handle(exchange):
        if exchange.request.path == "/wait":
            barrier.wait(20)
        else:
            time.sleep(0.02)
        plain(exchange)

    house = build(handle, poller=poller, threads=16, kind_of=kind_of)
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(house.wire()) for _ in range(32)]
        make_known(wires[0])
        for wire in wires:
            wire.ask("GET", "/wait")
        assert {wire.answer().status for wire in wires} == {200}


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_few_workers_do_slow_requests_one_after_the_other(build, poller, threads):
    house = build(gated(threading.Event()), poller=poller, threads=threads, kind_of=kind_of)
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(house.wire()) for _ in range(10)]
        for _ in range(3):
            for wire in wires:
                wire.ask("GET", "/slow")
            assert {wire.answer().status for wire in wires} == {200}


def test_pipelined_requests_of_a_slow_route_are_answered_in_order(build, poller):
    house = build(gated(threading.Event()), poller=poller, threads=4, kind_of=kind_of)
    with house.wire() as wire:
        make_known(wire)
        for number in range(10):
            wire.ask("GET", "/slow" if number % 2 else f"/quick/{number}")
        bodies = [wire.answer().body for _ in range(10)]
    assert bodies == [
        b"GET /slow " if number % 2 else b"GET /quick/%d " % number for number in range(10)
    ]


def test_a_stop_waits_for_slow_requests_that_still_wait_for_a_worker(build, gate):
    house = build(gated(gate), threads=16, kind_of=kind_of)
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(house.wire()) for _ in range(20)]
        make_known(wires[0])
        for wire in wires:
            wire.ask("GET", "/wait")
        wait_until(lambda: len(house.seen) >= 16)
        assert not house.engine.wait_handlers(0.05)
        house.engine.stop_accepting()
        gate.set()
        assert house.engine.wait_handlers(20)
        assert {wire.answer().status for wire in wires} == {200}
