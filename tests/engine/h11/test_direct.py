"""Direct writes: past the queues of idle streams, in order with what is queued, and as promised."""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest

from pode_py.engine.certificates import TlsSettings
from pode_py.engine.options import Limits
from pode_py.exchange.overflow import OutboxLimits
from pode_py.exchange.stream import Keepalive
from pode_py.http.response import Response
from tests.engine.house import PATIENCE, HandClock, Streams, frames, wait_until

pytestmark = pytest.mark.own_engine("an ASGI server writes by itself")

BIG = 200_000


@pytest.fixture
def streams():
    return Streams()


@pytest.fixture
def house(build, poller, streams):
    return build(streams, poller=poller, threads=2)


def deliver(house, frames, outboxes):
    """Give the frames to the outboxes on the I/O thread. Gives their numbers."""
    done = threading.Event()
    numbers = []

    def job():
        try:
            numbers.append(house.engine.deliver(frames, outboxes))
        finally:
            done.set()

    house.engine.run_soon(job)
    assert done.wait(PATIENCE)
    return numbers[0]


def open_idle(streams, house, wire):
    """A stream to which can be written directly."""
    outbox, _ = streams.open(house, wire)
    wait_until(lambda: outbox.direct)
    return outbox


def fill(house, outbox, frame=b"x" * BIG):
    """Write directly until the client's socket takes no more. Gives how many frames that took."""
    for count in range(1, 1000):
        deliver(house, [frame], [outbox])
        if outbox.direct is None:
            return count
    raise AssertionError("The socket takes everything.")


def test_an_idle_stream_gets_an_event_without_its_queue(house, streams):
    with house.wire() as one, house.wire() as two:
        outboxes = [open_idle(streams, house, wire) for wire in (one, two)]
        before = [outbox.last_write for outbox in outboxes]
        assert deliver(house, [b"event;"], outboxes) == [2, 2]
        for wire, outbox, earlier in zip((one, two), outboxes, before, strict=True):
            assert next(wire.chunks()) == b"event;"
            assert outbox.wait(2, PATIENCE)
            assert (outbox.pending, outbox.queued, outbox.flushed) == (0, 2, 2)
            assert (outbox.sent_frames, outbox.bytes_sent) == (2, len(b"firstevent;"))
            assert outbox.last_write > earlier


def test_events_in_a_row_are_one_chunk(house, streams):
    with house.wire() as wire:
        outbox = open_idle(streams, house, wire)
        assert deliver(house, [b"a;", b"b;", b"c;"], [outbox]) == [2]
        assert next(wire.chunks()) == b"a;b;c;"
        assert (outbox.queued, outbox.flushed, outbox.sent_frames) == (4, 4, 4)
        assert outbox.put(b"d;") == 5
        assert next(wire.chunks()) == b"d;"


def test_another_thread_only_queues(house, streams):
    with house.wire() as wire:
        outbox = open_idle(streams, house, wire)
        assert house.engine.deliver([b"event;"], [outbox]) == [2]
        assert next(wire.chunks()) == b"event;"


def test_direct_writes_and_queued_frames_keep_their_orders(house, streams):
    with house.wire() as wire:
        outbox = open_idle(streams, house, wire)

        def put():
            for number in range(2000):
                outbox.put(b"p%d;" % number)

        thread = threading.Thread(target=put)
        thread.start()
        numbers = []
        for number in range(500):
            numbers += deliver(house, [b"d%d;" % number], [outbox])
        thread.join(PATIENCE)
        outbox.put(b"end;")
        got = frames(wire, b"end;").split(b";")[:-2]
        assert [one for one in got if one[:1] == b"p"] == [b"p%d" % at for at in range(2000)]
        assert [one for one in got if one[:1] == b"d"] == [b"d%d" % at for at in range(500)]
        # The number of each says where it went: the first frame was "first".
        assert [got[number - 2] for number in numbers] == [b"d%d" % at for at in range(500)]


def test_what_the_socket_does_not_take_waits_for_the_client(house, streams):
    with house.wire(slow=True) as wire:
        outbox = open_idle(streams, house, wire)
        count = fill(house, outbox)
        assert not outbox.wait(count + 1, 0)
        assert deliver(house, [b"queued;"], [outbox]) == [count + 2]
        assert outbox.pending == 1
        text = frames(wire, b"queued;")
        assert text == b"x" * BIG * count + b"queued;"
        assert outbox.wait(count + 2, PATIENCE)
        assert (outbox.sent_frames, outbox.bytes_sent) == (count + 2, len(b"first" + text))
        # It is idle again.
        wait_until(lambda: outbox.direct)
        assert deliver(house, [b"again;"], [outbox]) == [count + 3]
        assert next(wire.chunks()) == b"again;"


def test_a_client_that_stops_reading_is_cut_after_the_write_timeout(build, poller, streams):
    clock = HandClock()
    house = build(streams, poller=poller, clock=clock, threads=2, limits=Limits(write_timeout=30.0))
    with house.wire(slow=True) as slow, house.wire() as other:
        outbox = open_idle(streams, house, slow)
        healthy = open_idle(streams, house, other)
        count = fill(house, outbox)
        clock.advance(29)
        assert deliver(house, [b"event;"], [outbox, healthy]) == [count + 2, 2]
        assert next(other.chunks()) == b"event;"
        assert not outbox.closed
        clock.advance(2)
        wait_until(lambda: outbox.closed)
        assert streams.gone == [outbox]
        assert not outbox.wait(count + 1, 0)
        assert deliver(house, [b"later;"], [outbox, healthy]) == [0, 3]


@pytest.mark.parametrize(
    ("policy", "numbers"),
    [
        ("disconnect", [1, 2, 3, 4]),
        ("drop_oldest", [1, 2, 3, 4]),
        ("drop_newest", [1, 2, 0, 0]),
        ("keep_latest", [1, 2, 3, 4]),
    ],
)
def test_a_stuck_client_has_its_policy(build, poller, policy, numbers):
    limits = OutboxLimits(policy, frames=2, kind_of=lambda frame: frame)
    streams = Streams(limits=limits)
    house = build(streams, poller=poller, threads=2)
    with house.wire(slow=True) as wire:
        outbox = open_idle(streams, house, wire)
        before = fill(house, outbox) + 1
        got = [deliver(house, [b"%d;" % number], [outbox])[0] for number in range(4)]
        assert got == [number and before + number for number in numbers]
        assert outbox.dropped == (0 if policy == "disconnect" else 2)
        if policy == "disconnect":  # beyond eight times its limit
            more = [deliver(house, [b"more;"], [outbox])[0] for _ in range(13)]
            assert more == [before + number for number in range(5, 17)] + [0]
            assert outbox.dropped == 1
            wait_until(lambda: outbox.closed)
            return
        tail = b"0;1;" if policy == "drop_newest" else b"2;3;"
        assert frames(wire, tail).endswith(b"x" + tail)
        assert [outbox.wait(number, 0) for number in got if number] == (
            [True, True] if policy == "drop_newest" else [False, False, True, True]
        )


@pytest.mark.parametrize(
    "limits", [OutboxLimits("drop_oldest", frames=2), OutboxLimits("drop_oldest", size=5)]
)
def test_events_in_a_row_beyond_a_limit_are_written_to_a_client_that_reads(build, poller, limits):
    streams = Streams(limits=limits)
    house = build(streams, poller=poller, threads=2)
    with house.wire() as wire:
        outbox = open_idle(streams, house, wire)
        assert deliver(house, [b"1;", b"2;", b"3;"], [outbox]) == [2]
        assert frames(wire, b"3;") == b"1;2;3;"
        assert outbox.dropped == 0


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def small():
    """Streams for which a thousand bytes may wait."""
    return Streams(limits=OutboxLimits(size=1000))


@pytest.fixture
def small_house(build, poller, clock, small):
    return build(small, poller=poller, threads=2, clock=clock)


def fill_over(streams, house, wire):
    """A stream for whose client, which does not read, more waits than may."""
    outbox = open_idle(streams, house, wire)
    fill(house, outbox)
    while not outbox.is_over:
        deliver(house, [b"x" * 400], [outbox])
    return outbox


def test_a_client_over_its_limit_for_a_second_is_cut(small_house, small, clock):
    with small_house.wire(slow=True) as wire:
        outbox, told = fill_over(small, small_house, wire), []
        outbox.on_full = told.append
        clock.advance(0.9)
        assert deliver(small_house, [b"x"], [outbox]) != [0]
        clock.advance(0.2)
        wait_until(lambda: outbox.closed)
        assert told == [outbox]


def test_a_client_that_reads_down_to_its_limit_within_a_second_stays(small_house, small, clock):
    with small_house.wire(slow=True) as wire:
        outbox = fill_over(small, small_house, wire)
        deliver(small_house, [b"mark;"], [outbox])
        frames(wire, b"mark;")
        wait_until(lambda: outbox.direct)
        clock.advance(5)
        assert deliver(small_house, [b"again;"], [outbox]) != [0]
        assert frames(wire, b"again;").endswith(b"again;")


def test_one_event_larger_than_the_limit_passes(build, poller):
    streams = Streams(limits=OutboxLimits(size=1024))
    house = build(streams, poller=poller, threads=2)
    with house.wire() as wire:
        outbox = open_idle(streams, house, wire)
        assert deliver(house, [b"x" * 5000 + b";"], [outbox]) == [2]
        assert frames(wire, b";") == b"x" * 5000 + b";"


def test_a_held_stream_gets_events_after_what_it_begins_with(build, poller):
    outboxes = []

    def handle(exchange):
        outbox = exchange.upgrade(Response())
        outboxes.append(outbox)
        outbox.preload([b"open;", b"missed;"])
        assert deliver(house, [b"event;"], [outbox]) == [3]
        outbox.release()

    house = build(handle, poller=poller, threads=2)
    with house.wire() as wire:
        wire.ask("GET", "/")
        wire.head()
        assert frames(wire, b"event;") == b"open;missed;event;"
        wait_until(lambda: outboxes[0].direct)


def test_a_stream_that_has_ended_takes_nothing(house, streams):
    with house.wire() as one, house.wire() as two:
        outboxes = [open_idle(streams, house, wire) for wire in (one, two)]
        outboxes[0].end(b"bye;")
        assert deliver(house, [b"event;"], outboxes) == [0, 2]
        assert b"".join(one.chunks()) == b"bye;"
        assert next(two.chunks()) == b"event;"


def test_a_client_that_went_away_costs_the_others_nothing(house, streams):
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(house.wire()) for _ in range(5)]
        outboxes = [open_idle(streams, house, wire) for wire in wires]
        broken = outboxes[2].direct

        def break_and_send():
            broken.sock.shutdown(socket.SHUT_RDWR)  # the next write fails
            house.engine.deliver([b"event;"], outboxes)

        house.engine.run_soon(break_and_send)
        for place, wire in enumerate(wires):
            if place != 2:
                assert next(wire.chunks()) == b"event;"
        wait_until(lambda: streams.gone == [outboxes[2]])
        assert not outboxes[2].wait(2, 0)
        assert house.engine.streams == 4


def test_a_stream_of_http_1_0_gets_no_chunks(house, streams):
    with house.wire() as old, house.wire() as new:
        old.send(b"GET /stream HTTP/1.0\r\n\r\n")
        wait_until(lambda: streams.outboxes)
        streams.outboxes[0].put(b"first")
        wait_until(lambda: streams.outboxes[0].direct)
        both = [streams.outboxes[0], open_idle(streams, house, new)]
        assert deliver(house, [b"event;"], both) == [2, 2]
        old.head()
        assert old.exactly(11) == b"firstevent;"
        assert next(new.chunks()) == b"event;"


def test_a_stream_over_tls_goes_through_its_queue(build, poller, streams, pki):
    house = build(streams, poller=poller, threads=2, tls=TlsSettings(pki.certificate, pki.key))
    with house.tls_wire() as wire:
        outbox, _ = streams.open(house, wire)
        for number in range(50):
            assert deliver(house, [b"%d;" % number], [outbox]) == [number + 2]
        assert frames(wire, b"49;") == b"".join(b"%d;" % number for number in range(50))
        assert outbox.direct is None


def test_what_is_stopped_first_is_not_written_to(build, poller, streams):
    house = build(streams, poller=poller, threads=2)
    with house.wire() as wire:
        outbox = open_idle(streams, house, wire)
        house.stop()
        assert house.engine.deliver([b"event;"], [outbox]) == [0]
        assert wire.rest() == b""


def test_pings_that_are_due_together_go_out_together_and_only_when_due(build, poller):
    clock = HandClock()
    streams = Streams(keepalive=Keepalive(b"ping;", 15.0))
    house = build(streams, poller=poller, clock=clock, threads=2)
    with house.wire() as one, house.wire() as two, house.wire() as busy:
        outboxes = [open_idle(streams, house, wire) for wire in (one, two, busy)]
        clock.advance(10)
        deliver(house, [b"event;"], outboxes[2:])
        assert next(busy.chunks()) == b"event;"
        clock.advance(4.9)
        assert [outbox.queued for outbox in outboxes] == [1, 1, 2]
        clock.advance(0.1)
        assert (next(one.chunks()), next(two.chunks())) == (b"ping;", b"ping;")
        assert outboxes[2].queued == 2
        clock.advance(10)
        assert next(busy.chunks()) == b"ping;"
        wait_until(lambda: [outbox.sent_frames for outbox in outboxes] == [2, 2, 3])


def test_what_a_stream_leaves_behind_hides_no_request_on_its_descriptor(house, streams):
    for _ in range(60):
        with house.wire() as wire:
            open_idle(streams, house, wire)
            wire.send(b"chatter")  # an edge for the workers' poller, which knows it no more
        wait_until(lambda: house.engine.streams == 0)
        assert house.get("/next").body == b"GET /next "
