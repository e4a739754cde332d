"""Direct sends: the thread that sends writes to an idle stream itself, and meets the pusher, other
senders, hang-ups and stops there. On real sockets."""

from __future__ import annotations

import random
import socket
import threading
from collections import Counter

import pytest

from pode_py.engine.certificates import TlsSettings
from pode_py.exchange.overflow import OutboxLimits
from tests.engine.h11.test_direct import open_idle
from tests.engine.house import PATIENCE, HandClock, Streams, frames, in_thread, wait_until

pytestmark = pytest.mark.own_engine("an ASGI server writes by itself")

BIG = b"x" * 4_000_000 + b";"


class StoppedSocket:
    """A stream's socket whose next `send` waits for `go_on`: somebody is in the middle of it."""

    def __init__(self, sock):
        self._sock = sock
        self.inside, self.go_on = threading.Event(), threading.Event()
        self.closed_inside = False

    def send(self, data):
        self.inside.set()
        assert self.go_on.wait(PATIENCE)
        self.closed_inside = self._sock.fileno() < 0
        return self._sock.send(data)

    def __getattr__(self, name):
        return getattr(self._sock, name)


@pytest.fixture
def streams():
    return Streams()


@pytest.fixture
def house(build, poller, streams):
    return build(streams, poller=poller, threads=2)


@pytest.fixture
def calm(build, poller, streams):
    """A house and its clock. What is sent after it was moved is in the middle of no burst."""
    clock = HandClock()
    return build(streams, poller=poller, threads=2, clock=clock), clock


def idle(streams, house, clock, wire):
    outbox = open_idle(streams, house, wire)
    clock.advance(1)
    return outbox


def stop_in_send(outbox):
    """Have another thread write to the stream, and stop in the middle of that."""
    stream = outbox.direct
    stream.sock = StoppedSocket(stream.sock)
    thread = in_thread(lambda: outbox.send(b"direct;"))
    assert stream.sock.inside.wait(PATIENCE)
    return stream.sock, thread


def let_pusher_turn(house):
    turned = threading.Event()
    house.engine.run_soon(turned.set)
    assert turned.wait(PATIENCE)


def test_an_idle_stream_gets_what_is_sent_without_the_pusher(calm, streams):
    house, clock = calm
    with house.wire() as wire:
        outbox = idle(streams, house, clock, wire)
        held, let = threading.Event(), threading.Event()

        def hold():
            held.set()
            assert let.wait(PATIENCE)

        house.engine.run_soon(hold)
        assert held.wait(PATIENCE)
        try:
            assert outbox.send(b"event;") == 2
            assert next(wire.chunks()) == b"event;"
            assert outbox.was_written(2)
            assert (outbox.pending, outbox.flushed, outbox.sent_frames) == (0, 2, 2)
        finally:
            let.set()


def test_what_is_sent_while_another_thread_writes_comes_after_it(calm, streams):
    house, clock = calm
    with house.wire() as wire:
        outbox = idle(streams, house, clock, wire)
        sock, thread = stop_in_send(outbox)
        assert [outbox.send(b"second;"), outbox.put(b"third;")] == [3, 4]
        assert house.engine.deliver([b"fourth;"], [outbox]) == [5]
        let_pusher_turn(house)
        sock.go_on.set()
        thread.join(PATIENCE)
        assert frames(wire, b"fourth;") == b"direct;second;third;fourth;"


def test_an_end_waits_for_the_thread_that_writes(calm, streams):
    house, clock = calm
    with house.wire() as wire:
        outbox = idle(streams, house, clock, wire)
        sock, thread = stop_in_send(outbox)
        outbox.end(b"bye;")
        let_pusher_turn(house)
        assert not outbox.closed
        sock.go_on.set()
        thread.join(PATIENCE)
        assert b"".join(wire.chunks()) == b"direct;bye;"
        wait_until(lambda: streams.gone == [outbox])


def test_a_connection_is_not_closed_while_a_thread_writes_to_it(calm, streams):
    house, clock = calm
    with house.wire() as wire:
        outbox = idle(streams, house, clock, wire)
        sock, thread = stop_in_send(outbox)
        ended = outbox.direct
        wire.reset()
        wait_until(lambda: ended.ends_soon)
        assert (outbox.closed, streams.gone) == (False, [])
        sock.go_on.set()
        thread.join(PATIENCE)
        wait_until(lambda: streams.gone == [outbox])
        assert not sock.closed_inside
        assert outbox.send(b"late;") == 0


def test_a_stop_waits_for_the_thread_that_writes(calm, streams):
    house, clock = calm
    with house.wire() as wire:
        outbox = idle(streams, house, clock, wire)
        sock, thread = stop_in_send(outbox)
        stop = in_thread(house.stop)
        wait_until(lambda: outbox.direct is None)
        assert not outbox.closed
        sock.go_on.set()
        thread.join(PATIENCE)
        stop.join(PATIENCE)
        assert outbox.closed
        assert not sock.closed_inside


def test_the_rest_of_a_short_write_goes_out_in_its_place(calm, streams):
    house, clock = calm
    with house.wire(slow=True) as wire:
        outbox = idle(streams, house, clock, wire)
        assert outbox.send(BIG) == 2
        assert outbox.send(b"after;") == 3
        wait_until(lambda: outbox.stuck)
        assert not outbox.was_written(2)
        assert frames(wire, b"after;") == BIG + b"after;"
        assert outbox.wait(3, PATIENCE)
        wait_until(lambda: outbox.direct)
        clock.advance(1)
        assert outbox.send(b"again;") == 4
        assert next(wire.chunks()) == b"again;"


def test_a_client_that_has_gone_is_noticed_by_the_thread_that_writes(calm, streams):
    house, clock = calm
    with house.wire() as wire:
        outbox = idle(streams, house, clock, wire)
        outbox.direct.sock.shutdown(socket.SHUT_WR)  # the next write fails
        outbox.send(b"lost;")
        wait_until(lambda: streams.gone == [outbox])
        assert not outbox.was_written(2)


def test_over_tls_the_pusher_writes(build, poller, streams, pki):
    house = build(streams, poller=poller, threads=2, tls=TlsSettings(pki.certificate, pki.key))
    with house.tls_wire() as wire:
        outbox, _ = streams.open(house, wire)
        for number in range(50):
            outbox.send(b"%d;" % number)
        assert frames(wire, b"49;") == b"".join(b"%d;" % number for number in range(50))
        assert outbox.direct is None


def test_without_chunks_the_frame_goes_out_as_it_is(calm, streams):
    house, clock = calm
    with house.wire() as wire:
        wire.send(b"GET /stream HTTP/1.0\r\n\r\n")
        wait_until(lambda: streams.outboxes)
        outbox = streams.outboxes[0]
        wait_until(lambda: outbox.direct)
        clock.advance(1)
        outbox.send(b"event;")
        wire.head()
        assert wire.exactly(6) == b"event;"


@pytest.mark.parametrize("policy", ["disconnect", "drop_oldest"])
def test_threads_that_send_put_and_deliver_at_once_lose_nothing(build, poller, policy, monkeypatch):
    monkeypatch.setattr("pode_py.exchange.outbox._BURST_PAUSE", 0.0)
    streams = Streams(limits=OutboxLimits(policy, size=1 << 24))
    house = build(streams, poller=poller, threads=2)
    count = 400
    with house.wire() as wire:
        outbox = open_idle(streams, house, wire)
        ways = {
            b"a": outbox.send,
            b"b": outbox.send,
            b"c": outbox.put,
            b"d": lambda frame: house.engine.run_soon(
                lambda: house.engine.deliver([frame], [outbox])
            ),
        }

        def send(mark):
            for number in range(count):
                ways[mark](b"%s%d;" % (mark, number))

        threads = [in_thread(lambda mark=mark: send(mark)) for mark in ways]
        for thread in threads:
            thread.join(PATIENCE)
        wait_until(lambda: outbox.flushed == 4 * count + 1)
        assert outbox.sent_frames == 4 * count + 1
        outbox.end(b"end;")
        got = b"".join(wire.chunks()).split(b";")[:-2]
        for mark in ways:
            assert [one for one in got if one[:1] == mark] == [
                b"%s%d" % (mark, number) for number in range(count)
            ]


def test_no_byte_reaches_the_connection_that_gets_the_descriptor_next(house, streams, monkeypatch):
    """Clients leave while threads write to their streams, and others come in their places."""
    monkeypatch.setattr("pode_py.exchange.outbox._BURST_PAUSE", 0.0)
    rounds, senders = 120, 3
    over = threading.Event()
    current: list[tuple[int, object]] = []

    def keep_sending():
        while not over.is_set():
            for number, outbox in current[-2:]:
                outbox.send(b"%d;" % number)

    threads = [in_thread(keep_sending) for _ in range(senders)]
    descriptors: Counter[int] = Counter()
    chance = random.Random(5)
    try:
        for number in range(rounds):
            with house.wire() as wire:
                wire.ask("GET", "/stream")
                wait_until(lambda number=number: len(streams.outboxes) > number)
                outbox = streams.outboxes[number]
                wait_until(lambda outbox=outbox: outbox.direct or outbox.closed)
                if outbox.direct is not None:
                    descriptors[outbox.direct.sock.fileno()] += 1
                current.append((number, outbox))
                wire.head()
                chunks = wire.chunks()
                for _ in range(chance.randrange(1, 5)):
                    assert set(next(chunks).split(b";")) == {b"%d" % number, b""}
                if chance.random() < 0.5:
                    wire.reset()
                elif chance.random() < 0.5:
                    outbox.end()
    finally:
        over.set()
        for thread in threads:
            thread.join(PATIENCE)
    assert descriptors.most_common(1)[0][1] > 5  # they were used again
    wait_until(lambda: len(streams.gone) == rounds)
    assert not house.reports
