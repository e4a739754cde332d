"""Connections that stay: the pusher writes to them, and nobody waits for them."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest

from pode_py.engine.options import Limits
from pode_py.exchange.outbox import Ending
from pode_py.exchange.overflow import OutboxLimits
from pode_py.exchange.stream import Keepalive
from pode_py.http.response import Response
from tests.engine.house import Streams, frames, in_thread, plain, wait_until


@pytest.fixture
def streams():
    return Streams()


@pytest.fixture
def house(build, poller, streams):
    return build(streams, poller=poller, threads=2)


def test_a_stream_has_a_head_and_its_frames(house, streams):
    with house.wire() as wire:
        outbox, answer = streams.open(house, wire)
        assert answer.status == 200
        assert answer["Content-Type"] == "text/event-stream"
        assert (answer["Transfer-Encoding"], answer["Connection"]) == ("chunked", "close")
        for number in range(100):
            outbox.put(b"%d;" % number)
        assert frames(wire, b"99;") == b"".join(b"%d;" % number for number in range(100))
        assert house.engine.streams == 1


def test_a_stream_of_http_1_0_has_no_chunks(house, streams):
    with house.wire() as wire:
        wire.send(b"GET /stream HTTP/1.0\r\n\r\n")
        wait_until(lambda: streams.outboxes)
        streams.outboxes[0].put(b"one")
        assert wire.head()["Transfer-Encoding"] is None
        streams.outboxes[0].end(b"two")
        assert wire.rest() == b"onetwo"


def test_head_of_a_stream_is_its_head_alone(build, poller):
    gone = threading.Event()

    def handle(exchange):
        outbox = exchange.upgrade(Response())
        exchange.on_close(gone.set)
        outbox.preload([b"history"])
        outbox.put(b"event")
        outbox.release()

    house = build(handle, poller=poller)
    for _ in range(20):
        gone.clear()
        with house.wire() as wire:
            wire.ask("HEAD", "/")
            assert wire.head()["Transfer-Encoding"] == "chunked"
            assert wire.is_closed
            assert gone.wait(30)


def test_a_clean_end_has_the_last_chunk(house, streams):
    with house.wire() as wire:
        outbox, _ = streams.open(house, wire)
        assert outbox.end(b"bye")
        assert b"".join(wire.chunks()) == b"bye"
        assert wire.is_closed
    wait_until(lambda: streams.gone == [outbox])
    assert house.engine.streams == 0


def test_a_cut_has_no_last_chunk(house, streams):
    with house.wire() as wire:
        outbox, _ = streams.open(house, wire)
        outbox.end(ending=Ending.CUT)
        assert wire.rest() == b""
    wait_until(lambda: streams.gone == [outbox])


def test_a_stream_ended_at_once_is_whole(build, poller):
    def handle(exchange):
        exchange.upgrade(Response()).end(b"all")

    house = build(handle, poller=poller)
    for _ in range(20):
        assert house.get().body == b"all"


@pytest.mark.parametrize("how", ["close", "reset", "finish_sending"])
def test_a_client_that_goes_is_missed_without_traffic(house, streams, how):
    with house.wire() as wire:
        outbox, _ = streams.open(house, wire)
        getattr(wire, how)()
        wait_until(lambda: streams.gone)
        assert streams.gone == [outbox]
        assert outbox.closed
        assert outbox.put(b"nobody") == 0
        wait_until(lambda: house.engine.connections == 0)


@pytest.mark.parametrize("how", ["close", "reset", "finish_sending"])
def test_a_client_that_goes_before_its_stream_opens_is_missed(build, poller, how):
    gate, gone = threading.Event(), threading.Event()

    def handle(exchange):
        assert gate.wait(30)
        outbox = exchange.upgrade(Response())
        exchange.on_close(gone.set)
        outbox.put(b"x")
        outbox.release()

    house = build(handle, poller=poller)
    for _ in range(10):
        gate.clear()
        gone.clear()
        with house.wire() as wire:
            wire.ask("GET", "/")
            wait_until(lambda: house.seen)
            house.seen.clear()
            getattr(wire, how)()
            gate.set()
            assert gone.wait(30)
    wait_until(lambda: house.engine.connections == 0)
    assert house.engine.streams == 0


def test_on_close_of_a_stream_that_has_gone_is_called(build):
    gate, exchanges, outboxes = threading.Event(), [], []

    def handle(exchange):
        outboxes.append(exchange.upgrade(Response()))
        exchanges.append(exchange)
        outboxes[0].end(ending=Ending.CUT)
        assert gate.wait(30)

    house = build(handle)
    with house.wire() as wire:
        wire.ask("GET", "/")
        wire.rest()
        wait_until(lambda: outboxes and outboxes[0].closed)
        called = threading.Event()
        exchanges[0].on_close(called.set)
        assert called.wait(30)
        gate.set()


def test_a_handler_that_raises_after_the_upgrade_cuts_its_stream(build, poller):
    gone = threading.Event()

    def handle(exchange):
        outbox = exchange.upgrade(Response())
        exchange.on_close(gone.set)
        outbox.put(b"x")
        outbox.release()
        raise RuntimeError("after the upgrade")

    house = build(handle, poller=poller)
    house.may_report = True
    with house.wire() as wire:
        wire.ask("GET", "/")
        assert wire.head().status == 200
        assert wire.rest() == b"1\r\nx\r\n"
        assert gone.wait(30)
    wait_until(lambda: house.reports)
    assert len(house.reports) == 1
    assert house.engine.connections == 0


def test_an_upgrade_with_a_bad_head_leaves_room_for_an_answer(build):
    def handle(exchange):
        head = Response()
        head.reason = "bad\r\n"
        with pytest.raises(ValueError, match="reason"):
            exchange.upgrade(head)
        plain(exchange)

    with build(handle).wire() as wire:
        for _ in range(2):
            wire.ask("GET", "/")
            assert wire.answer().status == 200


def test_what_a_client_sends_on_its_stream_is_never_answered(house, streams):
    with house.wire() as wire:
        outbox, _ = streams.open(house, wire)
        wire.send(b"GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n" * 1000)
        assert house.get("/other").status == 200
        outbox.put(b"still")
        assert frames(wire, b"still") == b"still"
    assert "/hidden" not in house.targets


def test_a_flood_from_one_client_holds_up_no_other_stream(house, streams):
    stop = threading.Event()

    def flood(wire):
        with contextlib.suppress(OSError):
            while not stop.is_set():
                wire.send(b"x" * 1_000_000)

    with house.wire() as loud, house.wire() as wire:
        streams.open(house, loud)
        outbox, _ = streams.open(house, wire)
        thread = in_thread(lambda: flood(loud))
        for number in range(20):
            outbox.put(b"%d;" % number)
            assert frames(wire, b"%d;" % number)
        stop.set()
        thread.join(10)


def test_a_client_that_does_not_read_is_cut_when_its_queue_is_full(build, poller):
    streams = Streams(limits=OutboxLimits(size=100_000))
    house = build(streams, poller=poller)
    with house.wire() as other, house.wire(slow=True) as wire:
        outbox, _ = streams.open(house, wire)
        healthy, _ = streams.open(house, other)
        while outbox.put(b"x" * 50_000):
            time.sleep(0)
        wait_until(lambda: outbox in streams.gone)
        healthy.put(b"alive")
        assert frames(other, b"alive") == b"alive"
    assert outbox.closed


def test_a_client_that_does_not_read_is_cut_at_the_write_deadline(build, poller):
    streams = Streams(limits=OutboxLimits(size=1 << 30, frames=1 << 30))
    house = build(streams, poller=poller, limits=Limits(write_timeout=0.5))
    with house.wire(slow=True) as wire:
        outbox, _ = streams.open(house, wire)
        for _ in range(200):
            outbox.put(b"x" * 100_000)
        wait_until(lambda: streams.gone == [outbox])


def test_a_slow_client_that_reads_on_gets_everything(build, poller):
    streams = Streams(limits=OutboxLimits(size=1 << 30, frames=1 << 30))
    house = build(streams, poller=poller)
    with house.wire(slow=True) as wire:
        outbox, _ = streams.open(house, wire)
        for number in range(300):
            outbox.put(b"%03d" % number + b"x" * 99_997)
        outbox.end()
        text = b"".join(wire.chunks())
        assert [text[at : at + 3] for at in range(0, len(text), 100_000)] == [
            b"%03d" % number for number in range(300)
        ]


def test_a_silent_stream_gets_its_keepalive(build, poller):
    streams = Streams(keepalive=Keepalive(b": ping\n\n", 0.1))
    house = build(streams, poller=poller)
    with house.wire() as wire:
        outbox, _ = streams.open(house, wire)
        chunks = wire.chunks()
        assert [next(chunks) for _ in range(3)] == [b": ping\n\n"] * 3
        outbox.end()
        assert b"".join(chunks).replace(b": ping\n\n", b"") == b""


def test_streams_flow_while_all_workers_are_blocked(house, streams):
    streams.gate = threading.Event()
    with contextlib.ExitStack() as stack:
        wire = stack.enter_context(house.wire())
        blocked = [stack.enter_context(house.wire()) for _ in range(2)]
        outbox, _ = streams.open(house, wire)
        for other in blocked:
            other.ask("GET", "/blocked")
        wait_until(lambda: house.targets.count("/blocked") == 2)
        for number in range(10):
            outbox.put(b"%d;" % number)
            assert frames(wire, b"%d;" % number)
        outbox.end()
        assert wire.rest() == b"0\r\n\r\n"
        streams.gate.set()
        assert {other.answer().status for other in blocked} == {200}


def test_every_thread_keeps_its_order(house, streams):
    with house.wire() as wire:
        outbox, _ = streams.open(house, wire)

        def sender(name):
            for number in range(500):
                outbox.put(b"%d:%d;" % (name, number))

        threads = [in_thread(lambda name=name: sender(name)) for name in range(6)]
        for thread in threads:
            thread.join(10)
        outbox.end()
        events = b"".join(wire.chunks()).split(b";")[:-1]
    assert len(events) == 3000
    for name in range(6):
        mine = [int(event.split(b":")[1]) for event in events if event.startswith(b"%d:" % name)]
        assert mine == list(range(500))


def test_hundreds_of_streams_come_and_go(house, streams):
    def churn():
        for _ in range(25):
            with house.wire() as wire:
                wire.ask("GET", "/stream")

    threads = [in_thread(churn) for _ in range(8)]
    while any(thread.is_alive() for thread in threads):
        for outbox in list(streams.outboxes):
            outbox.put(b"broadcast")
        time.sleep(0.001)
    # Those that wait in the system's queue are let in before one more.
    assert house.get().status == 200
    wait_until(lambda: house.engine.connections == 0)
    wait_until(lambda: len(streams.gone) == len(streams.outboxes))
    assert house.engine.streams == 0
