"""The end: nothing is left, and what runs may finish."""

from __future__ import annotations

import gc
import os
import threading
import time

import pytest

from pode_py.engine.h11.connection import Connection
from pode_py.exchange.outbox import Ending
from pode_py.http.response import Response
from tests.engine.house import PATIENCE, House, in_thread, plain, text_response, wait_until


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def engine_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("pode-")]


@pytest.fixture(autouse=True)
def _nothing_is_left():
    gc.collect()
    before = descriptors()
    yield
    wait_until(lambda: not engine_threads(), "the engine's threads to end")
    gc.collect()
    assert descriptors() == before


def test_a_stopped_engine_leaves_nothing(poller):
    for _ in range(5):
        house = House(poller=poller, threads=16)
        assert house.get().status == 200
        house.stop()
        assert engine_threads() == []


def test_stopping_twice_is_harmless():
    house = House()
    for _ in range(3):
        house.stop()
        house.engine.stop(1)


def test_a_thousand_connections_leave_nothing(poller):
    house = House(poller=poller)
    try:
        house.get()
        wait_until(lambda: house.engine.connections == 0)
        before, threads = descriptors(), threading.active_count()
        for number in range(1000):
            with house.wire() as wire:
                if number % 3 == 0:
                    wire.ask("GET", "/")
                    assert wire.answer().status == 200
                elif number % 3 == 1:
                    wire.send(b"GET / HT")
                    wire.reset()
        wait_until(lambda: house.engine.connections == 0)
        assert descriptors() == before
        assert threading.active_count() == threads
    finally:
        house.stop()


def test_closed_connections_free_their_memory_before_their_deadline():
    before = len(_living(Connection))
    house = House(threads=4)
    try:
        for _ in range(50):
            house.get()
        wait_until(lambda: house.engine.connections == 0)
        # A worker may still hold the last one that it served.
        wait_until(lambda: len(_living(Connection)) <= before + 4, "the connections to be freed")
    finally:
        house.stop()


def _living(kind):
    gc.collect()
    return [thing for thing in gc.get_objects() if isinstance(thing, kind)]


def test_idle_connections_are_closed_at_the_stop(poller):
    house = House(poller=poller)
    with house.wire() as silent, house.wire() as used:
        used.ask("GET", "/")
        assert used.answer().status == 200
        wait_until(lambda: house.engine.connections == 2)
        house.engine.stop_accepting()
        assert silent.is_closed
        assert used.is_closed
        wait_until(lambda: house.engine.connections == 0)
        house.stop()


def test_a_running_handler_may_finish_and_says_close(poller):
    gate, entered = threading.Event(), threading.Event()

    def handle(exchange):
        entered.set()
        assert gate.wait(PATIENCE)
        plain(exchange)

    house = House(handle, poller=poller)
    with house.wire() as wire:
        wire.ask("GET", "/")
        assert entered.wait(PATIENCE)
        house.engine.stop_accepting()
        with pytest.raises(ConnectionRefusedError):
            house.wire()
        assert not house.engine.wait_handlers(0.05)
        gate.set()
        answer = wire.answer()
        assert (answer.body, answer["Connection"]) == (b"GET / ", "close")
        assert wire.is_closed
        assert house.engine.wait_handlers(PATIENCE)
    house.stop()


def test_a_request_that_has_arrived_is_answered_at_the_stop(poller):
    gate, entered = threading.Event(), threading.Event()

    def handle(exchange):
        if exchange.request.path == "/slow":
            entered.set()
            assert gate.wait(PATIENCE)
        plain(exchange)

    house = House(handle, poller=poller, threads=1)
    with house.wire() as slow, house.wire() as waiting:
        waiting.ask("GET", "/")
        assert waiting.answer().status == 200
        slow.ask("GET", "/slow")
        assert entered.wait(PATIENCE)
        # It lies in the socket: the only worker is busy.
        waiting.ask("GET", "/arrived")
        house.engine.stop_accepting()
        gate.set()
        assert slow.answer().status == 200
        assert waiting.answer().body == b"GET /arrived "
        assert waiting.is_closed
    house.stop()


def test_a_slow_download_may_finish(poller):
    house = House(lambda exchange: exchange.reply(text_response(b"x" * 20_000_000)), poller=poller)
    with house.wire(slow=True) as wire:
        wire.ask("GET", "/")
        wait_until(lambda: house.seen)
        house.engine.stop_accepting()
        assert house.engine.wait_handlers(PATIENCE)
        assert not house.engine.drain(0.05)
        drained = []
        thread = in_thread(lambda: drained.append(house.engine.drain(PATIENCE)))
        assert len(wire.answer().body) == 20_000_000
        thread.join(PATIENCE)
        assert drained == [True]
    house.stop()


def test_streams_get_their_last_frames(poller):
    outboxes = []

    def handle(exchange):
        outboxes.append(exchange.upgrade(Response()))
        outboxes[-1].release()

    house = House(handle, poller=poller)
    wires = [house.wire() for _ in range(20)]
    for wire in wires:
        wire.ask("GET", "/")
    wait_until(lambda: len(outboxes) == 20)
    house.engine.stop_accepting()
    for outbox in outboxes:
        outbox.end(b"farewell")
    assert house.engine.drain(PATIENCE)
    for wire in wires:
        assert wire.answer().body == b"farewell"
        assert wire.is_closed
        wire.close()
    house.stop()


def test_streams_that_nobody_ended_are_cut_and_told(poller):
    gone, outboxes = [], []

    def handle(exchange):
        outbox = exchange.upgrade(Response())
        exchange.on_close(lambda: gone.append(outbox))
        outbox.release()
        outboxes.append(outbox)

    house = House(handle, poller=poller)
    with house.wire() as wire:
        wire.ask("GET", "/")
        wait_until(lambda: outboxes)
        assert not house.engine.drain(0.05)
        house.stop()
        assert gone == outboxes
        assert not wire.rest().endswith(b"0\r\n\r\n")
        assert not outboxes[0].end(ending=Ending.CUT)


def test_a_handler_that_does_not_end_holds_up_no_stop(poller):
    gate, entered, ended = threading.Event(), threading.Event(), threading.Event()

    def handle(exchange):
        entered.set()
        gate.wait(PATIENCE)
        try:
            plain(exchange)
        finally:
            ended.set()

    house = House(handle, poller=poller)
    with house.wire() as wire:
        wire.ask("GET", "/")
        assert entered.wait(PATIENCE)
        house.engine.stop_accepting()
        house.engine.stop(0.2)
        assert not ended.is_set()
        assert wire.is_closed
        gate.set()
        assert ended.wait(PATIENCE)


def test_a_stop_in_the_middle_of_traffic_is_quiet(poller):
    house = House(
        lambda exchange: exchange.reply(
            text_response(b"x" * (3_000_000 if exchange.request.path == "/big" else 3))
        ),
        poller=poller,
    )
    failures = []

    def client(number):
        try:
            while True:
                with house.wire() as wire:
                    for _ in range(5):
                        wire.ask("GET", "/big" if number % 2 else "/")
                        assert wire.answer().status == 200
        except (EOFError, OSError):
            pass  # the stop
        except BaseException as error:
            failures.append(error)

    threads = [in_thread(lambda number=number: client(number)) for number in range(6)]
    time.sleep(0.3)
    house.engine.stop_accepting()
    assert house.engine.wait_handlers(PATIENCE)
    house.engine.drain(1)
    house.engine.stop(PATIENCE)
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert failures == []
    assert house.reports == []


def test_an_idle_connection_gets_one_more_answer_once_listening_has_ended(poller):
    house = House(poller=poller)
    try:
        with house.wire() as wire:
            wire.ask("GET", "/")
            assert wire.answer()["Connection"] is None
            house.engine.stop_listening()
            assert not house.engine.wait_last_requests(0.05)
            wire.ask("GET", "/again")
            last = wire.answer()
            assert (last.status, last["Connection"]) == (200, "close")
            assert wire.is_closed
        assert house.engine.wait_last_requests(PATIENCE)
        with pytest.raises(ConnectionRefusedError):
            house.get()
    finally:
        house.stop()


def test_a_connection_that_was_to_be_kept_is_kept_if_listening_ends_meanwhile(poller):
    def handle(exchange):
        plain(exchange)
        house.engine.stop_listening()

    house = House(handle, poller=poller)
    try:
        with house.wire() as wire:
            wire.ask("GET", "/")
            assert wire.answer()["Connection"] is None
            wire.ask("GET", "/again")
            assert wire.answer().status == 200
    finally:
        house.stop()
