"""One leader among the workers: blocking handlers run side by side and delay nobody."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest

from tests.engine.house import in_thread, plain, text_response, wait_until


@pytest.mark.parametrize("rounds", [5])
def test_as_many_handlers_run_at_a_time_as_there_are_threads(build, poller, rounds):
    barrier = threading.Barrier(16)

    def handle(exchange):
        barrier.wait(10)
        plain(exchange)

    house = build(handle, poller=poller, threads=16)
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(house.wire()) for _ in range(16)]
        for _ in range(rounds):
            for wire in wires:
                wire.ask("GET", "/")
            assert {wire.answer().status for wire in wires} == {200}


def test_no_more_handlers_run_at_a_time_than_there_are_threads(build):
    running, most, lock = 0, 0, threading.Lock()

    def handle(exchange):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1
        plain(exchange)

    house = build(handle, threads=3)
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(house.wire()) for _ in range(20)]
        for _ in range(3):
            for wire in wires:
                wire.ask("GET", "/")
            assert {wire.answer().status for wire in wires} == {200}
    assert most == 3


@pytest.fixture
def gate():
    opened = threading.Event()
    yield opened
    opened.set()


@pytest.fixture
def gated(gate):
    def handle(exchange):
        if exchange.request.path == "/slow":
            assert gate.wait(30)
        plain(exchange)

    return handle


def test_a_blocking_handler_delays_no_other_client(build, poller, gate, gated):
    house = build(gated, poller=poller, threads=2)
    with house.wire() as slow, house.wire() as quick:
        slow.ask("GET", "/slow")
        for number in range(50):
            quick.ask("GET", f"/{number}")
            assert quick.answer().status == 200
        gate.set()
        assert slow.answer().status == 200


def test_what_was_ready_with_a_blocking_request_is_served_by_the_next(build, poller, gate, gated):
    """All of them come in one look at the poller; the first of them blocks."""
    house = build(gated, poller=poller, threads=2)
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(house.wire()) for _ in range(20)]
        wait_until(lambda: house.engine.connections == 20)
        wires[0].ask("GET", "/slow")
        for wire in wires[1:]:
            wire.ask("GET", "/quick")
        assert {wire.answer().status for wire in wires[1:]} == {200}
        gate.set()
        assert wires[0].answer().status == 200


def test_when_all_workers_are_busy_the_next_free_one_goes_on(build, poller, gate, gated):
    house = build(gated, poller=poller, threads=3)
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(house.wire()) for _ in range(3)]
        for wire in slow:
            wire.ask("GET", "/slow")
        wait_until(lambda: len(house.seen) == 3)
        waiting = [stack.enter_context(house.wire()) for _ in range(10)]
        for wire in waiting:
            wire.ask("GET", "/quick")
        assert not waiting[0].has_input(0.1)
        gate.set()
        assert {wire.answer().status for wire in slow + waiting} == {200}


def test_no_request_is_forgotten_while_leaders_change(build, poller):
    """Handlers of about a tick: the monitor deposes leaders that are just done."""

    def handle(exchange):
        time.sleep(0.0015 + (hash(exchange.request.path) % 10) * 0.0002)
        plain(exchange)

    house = build(handle, poller=poller, threads=4)
    failures = []

    def client(name):
        try:
            with house.wire() as wire:
                for number in range(60):
                    wire.ask("GET", f"/{name}/{number}")
                    assert wire.answer().body == f"GET /{name}/{number} ".encode()
                    if number % 7 == 0:
                        time.sleep(0.003)
        except BaseException as error:
            failures.append(error)

    threads = [in_thread(lambda name=name: client(name)) for name in range(12)]
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert len(house.seen) == 12 * 60


def test_downloads_come_back_from_the_pusher_while_leaders_change(build, poller):
    def handle(exchange):
        time.sleep(0.001)
        exchange.reply(text_response(b"x" * 9_000_000))

    house = build(handle, poller=poller, threads=3)
    failures = []

    def client():
        try:
            with house.wire(slow=True) as wire:
                for _ in range(6):
                    wire.ask("GET", "/")
                    wire.ask("GET", "/")
                    assert len(wire.answer().body) == 9_000_000
                    assert len(wire.answer().body) == 9_000_000
        except BaseException as error:
            failures.append(error)

    threads = [in_thread(client) for _ in range(4)]
    for thread in threads:
        thread.join(60)
    assert failures == []


def test_an_idle_engine_sleeps(build):
    house = build(threads=16)
    with house.wire() as wire:
        wire.ask("GET", "/")
        assert wire.answer().status == 200
        time.sleep(0.2)  # the monitor looks on for some ticks
        before = time.process_time()
        time.sleep(0.5)
        assert time.process_time() - before < 0.1
