"""Events reach the outboxes in order, in batches, and before any farewell."""

from __future__ import annotations

import asyncio
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pode_py import close_sse_connection, send_sse_event
from pode_py.core.errors import PodeError
from pode_py.exchange.batches import queue_to_each
from pode_py.exchange.outbox import Ending, Outbox
from pode_py.exchange.overflow import OutboxLimits
from pode_py.push.connections.broadcast import Broadcaster
from pode_py.push.connections.delivery import Delivery


class Connected:
    """A connection; one with limits is that of a client that does not read."""

    is_ending = False

    def __init__(self, limits):
        self.outbox = Outbox(lambda: None, limits or OutboxLimits())
        self.outbox.stuck = limits is not None

    @property
    def is_open(self):
        return not self.is_ending


def connections(*limits):
    return [Connected(one) for one in limits]


def quiet(events, deliveries): ...


class Later:
    """An I/O thread that runs when it is told to. All but `elsewhere` is on it."""

    def __init__(self):
        self.jobs = []
        self.elsewhere = False

    def run_soon(self, job):
        self.jobs.append(job)

    def run_turn(self):
        jobs, self.jobs = self.jobs, []
        for job in jobs:
            job()

    def run(self):
        while self.jobs:
            self.run_turn()

    def broadcaster(self, deliver=queue_to_each):
        return Broadcaster(self.run_soon, quiet, deliver, lambda: not self.elsewhere)


def frames_of(outbox):
    frames = outbox.take(1 << 30)
    outbox.sent(len(frames), sum(map(len, frames)))
    return b"".join(frames)


class IdleStream:
    """A stream to which everything is written at once, at a time that a test sets."""

    def __init__(self, outbox):
        self.outbox = outbox
        self.time = 100.0
        self.written = []

    def monotonic(self):
        return self.time

    def write_directly(self, frame, now):
        self.written.append(frame)
        self.outbox.free(len(frame), now)


def idle_connection():
    found = connections(None)
    stream = found[0].outbox.direct = IdleStream(found[0].outbox)
    return found, stream


def test_an_event_for_a_single_idle_connection_is_written_at_once():
    later, (found, stream) = Later(), idle_connection()
    event = later.broadcaster().send_at_once(b"event", found)
    assert stream.written == [b"event"]
    assert (event.is_carried_out, later.jobs) == (True, [])
    assert list(event.tickets()) == [(found[0].outbox, 1)]


def test_what_was_noted_before_comes_before_an_event_for_a_single_connection():
    later, (found, stream) = Later(), idle_connection()
    broadcaster = later.broadcaster()
    broadcaster.send(b"noted,", found)
    broadcaster.send_at_once(b"alone,", found)
    assert stream.written == []
    later.run()
    assert frames_of(found[0].outbox) == b"noted,alone,"


def test_a_burst_for_single_connections_is_noted():
    later, (one, first), (two, second) = Later(), idle_connection(), idle_connection()
    broadcaster = later.broadcaster()
    for found in (one, two, two):
        broadcaster.send_at_once(b"event,", found)
    assert (first.written, second.written) == ([b"event,"], [])
    later.run()
    assert frames_of(two[0].outbox) == b"event,event,"
    first.time = second.time = 101.0
    broadcaster.send_at_once(b"later", two)
    assert second.written == [b"later"]


def test_an_event_for_a_single_connection_that_is_ending_counts_as_dropped():
    later, (found, stream) = Later(), idle_connection()
    found[0].is_ending = True
    event = later.broadcaster().send_at_once(b"event", found)
    assert (event.is_carried_out, list(event.tickets()), stream.written) == (True, [], [])


def test_events_in_a_row_for_the_same_connections_are_one_entry():
    later = Later()
    found = connections(None, None)
    broadcaster = later.broadcaster()
    for number in range(10):
        broadcaster.send(b"%d," % number, found)
    assert len(later.jobs) == 1
    later.run()
    first, second = (one.outbox.take(1 << 20) for one in found)
    assert first == [b"0,1,2,3,4,5,6,7,8,9,"]
    assert first[0] is second[0]


def test_a_batch_counts_as_its_events():
    later = Later()
    (one,) = connections(None)
    broadcaster = later.broadcaster()
    pending = [broadcaster.send(b"x", [one]) for _ in range(1)]
    found = [one]
    pending = [broadcaster.send(b"%d" % number, found) for number in range(5)]
    later.run()
    assert one.outbox.pending == 6
    assert one.outbox.queued == 6
    assert [number for event in pending for _, number in event.tickets()] == [2, 3, 4, 5, 6]
    frames_of(one.outbox)
    assert (one.outbox.sent_frames, one.outbox.flushed, one.outbox.pending) == (6, 6, 0)


def test_a_batch_that_does_not_fit_is_queued_one_by_one():
    later = Later()
    found = connections(
        OutboxLimits("drop_oldest", size=1024), OutboxLimits("drop_newest", size=3000)
    )
    broadcaster = later.broadcaster()
    pending = [broadcaster.send(b"%d" % number * 500, found) for number in range(8)]
    later.run()
    slow, strict = (one.outbox for one in found)
    assert frames_of(slow) == b"6" * 500 + b"7" * 500
    assert frames_of(strict) == b"".join(b"%d" % number * 500 for number in range(6))
    deliveries = [Delivery(event, broadcaster) for event in pending]
    assert [one.queued for one in deliveries] == [2] * 6 + [1] * 2
    assert [one.dropped for one in deliveries] == [0] * 6 + [1] * 2


class Delivered:
    """Stands for the I/O thread's writing: queues, and keeps what was meant to be written."""

    def __init__(self):
        self.frames = []

    def __call__(self, frames, outboxes):
        self.frames += frames
        return queue_to_each(frames, outboxes)


def test_a_lone_event_may_be_written_at_once():
    later, deliver = Later(), Delivered()
    found = connections(None, None)
    broadcaster = later.broadcaster(deliver)
    broadcaster.send(b"1", found)
    later.run()
    for number in b"23":
        broadcaster.send(bytes([number]), found)
    later.run()
    assert deliver.frames == [b"1", b"2", b"3"]


def test_of_several_audiences_only_the_crowd_is_written_to_at_once():
    later, deliver = Later(), Delivered()
    crowd = connections(*[None] * 10)
    few = crowd[:2]
    broadcaster = later.broadcaster(deliver)
    for frame, found in ((b"a", few), (b"b", crowd), (b"c", list(few)), (b"d", [crowd[0]])):
        broadcaster.send(frame, found)
    later.run()
    assert deliver.frames == [b"b"]
    assert [frames_of(one.outbox) for one in crowd] == [b"abcd", b"abc"] + [b"b"] * 8


def test_events_that_rotate_among_clients_are_joined_for_each():
    later, deliver = Later(), Delivered()
    everybody = connections(*[None] * 3)
    broadcaster = later.broadcaster(deliver)
    for number in range(9):
        broadcaster.send(b"%d" % number, [everybody[number % 3]])
    later.run()
    assert not deliver.frames
    assert [frames_of(one.outbox) for one in everybody] == [b"036", b"147", b"258"]


def test_events_for_many_audiences_have_their_numbers():
    later = Later()
    everybody = connections(
        None, OutboxLimits("drop_oldest", frames=3), OutboxLimits("drop_newest", frames=4)
    )
    audiences = [everybody[:1], everybody[1:], everybody[::2], everybody[:2], everybody]
    broadcaster = later.broadcaster()
    pending = [broadcaster.send(b"%d" % number, audiences[number % 5]) for number in range(15)]
    later.run()
    first, second, third = (one.outbox for one in everybody)
    numbers = {outbox: [] for outbox in (first, second, third)}
    for event in pending:
        for outbox, number in event.tickets():
            numbers[outbox].append(number)
    assert numbers[first] == list(range(1, 13))
    assert numbers[second] == list(range(1, 10))
    assert numbers[third] == [1, 2, 3, 4]
    assert frames_of(first) == b"02345789" + b"1012" + b"1314"
    assert frames_of(second) == b"11" + b"13" + b"14"
    assert third.dropped == 5
    deliveries = [Delivery(event, broadcaster) for event in pending]
    assert [one.dropped for one in deliveries] == [0] * 7 + [1, 0, 1, 0, 1, 1, 0, 1]
    assert [deliveries[at].wait(0) for at in (0, 3, 13)] == [True, False, True]


def test_events_for_many_audiences_come_in_turns_of_a_batch():
    later = Later()
    one, two, three = connections(*[OutboxLimits(size=1 << 30)] * 3)
    broadcaster = later.broadcaster()
    for number in range(30):
        broadcaster.send(b"%02d" % number * 15_000, [(one, two, three)[number % 3]])
    later.run()
    entries = [one.outbox.take(1) for _ in range(10)]
    assert max(len(entry[0]) for entry in entries if entry) <= 256 * 1024
    wanted = b"".join(b"%02d" % number * 15_000 for number in range(0, 30, 3))
    assert b"".join(frame for entry in entries for frame in entry) == wanted


def test_looking_at_a_delivery_carries_it_out():
    later = Later()
    found = connections(None)
    broadcaster = later.broadcaster()
    delivery = Delivery(broadcaster.send(b"x", found), broadcaster)
    assert (delivery.matched, delivery.queued, delivery.dropped) == (1, 1, 0)
    later.run()
    assert frames_of(found[0].outbox) == b"x"


def test_a_turn_carries_out_a_slice_and_comes_again():
    later = Later()
    (one,) = found = connections(None)
    broadcaster = later.broadcaster()
    for _ in range(10):
        broadcaster.send(b"x" * 100_000, found)
    grown = []
    while later.jobs:
        assert len(later.jobs) == 1
        before = one.outbox.pending_bytes
        later.run_turn()
        grown.append(one.outbox.pending_bytes - before)
    assert grown == [300_000, 300_000, 300_000, 100_000]


def test_a_turn_carries_out_no_more_than_so_many_operations():
    later, deliver = Later(), lambda frames, outboxes: [1] * len(outboxes)
    crowds = [connections(None) * 30_000 for _ in range(4)]
    broadcaster = later.broadcaster(deliver)
    pending = [broadcaster.send(b"x", crowd) for crowd in crowds]
    later.run_turn()
    assert [event.is_carried_out for event in pending] == [True, True, False, False]


def test_events_in_a_row_for_the_same_connections_are_one_operation_for_each():
    later, deliver = Later(), lambda frames, outboxes: [1] * len(outboxes)
    crowd = connections(None) * 30_000
    broadcaster = later.broadcaster(deliver)
    pending = [broadcaster.send(b"x", crowd) for _ in range(50)]
    later.run_turn()
    assert all(event.is_carried_out for event in pending)


def test_an_end_keeps_its_place_among_the_events():
    later = Later()
    one, two = found = connections(None, None)
    broadcaster = later.broadcaster()
    broadcaster.send(b"1", found)
    assert broadcaster.claim_end(one)
    assert not broadcaster.claim_end(one)
    broadcaster.end(one, [b"bye"], Ending.CLEAN)
    late = Delivery(broadcaster.send(b"2", found), broadcaster)
    assert one.outbox.ending is Ending.OPEN
    later.run()
    assert frames_of(one.outbox) == b"1bye"
    assert one.outbox.ending is Ending.CLEAN
    assert frames_of(two.outbox) == b"12"
    assert (late.queued, late.dropped) == (1, 1)


def in_thread(work):
    thread = threading.Thread(target=work)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("frame", "times"), [(b"x" * 100_000, 1), (b"x", 300_000)], ids=["bytes", "deliveries"]
)
def test_a_sender_far_ahead_waits_until_half_is_carried_out(frame, times):
    later, deliver = Later(), lambda frames, outboxes: [1] * len(outboxes)
    later.elsewhere = True
    found = connections(None) * times
    broadcaster = later.broadcaster(deliver)
    sent, go_on = [], threading.Event()

    def speak():
        while not go_on.is_set():
            broadcaster.make_room()
            sent.append(broadcaster.send(frame, found))

    speaker = in_thread(speak)
    ahead = 11 if times == 1 else 7
    while len(sent) < ahead:
        speaker.join(0.001)
    speaker.join(0.05)
    assert len(sent) == ahead
    go_on.set()
    later.elsewhere = False
    while speaker.is_alive():
        later.run_turn()
        speaker.join(0.001)
    assert len(sent) == ahead + 1


def test_a_sender_does_not_wait_for_an_io_thread_that_has_died(monkeypatch):
    monkeypatch.setattr("pode_py.push.connections.broadcast._GRACE", 0.01)
    later = Later()
    later.elsewhere = True
    broadcaster = later.broadcaster()
    for _ in range(20):
        broadcaster.make_room()
        broadcaster.send(b"x" * 100_000, connections(None))
    assert not broadcaster.flush(0.01)


@pytest.mark.parametrize("where", ["loop", "io thread"])
def test_what_must_not_wait_may_note_far_more_and_no_more_than_that(where):
    later = Later()
    later.elsewhere = where == "loop"
    found = connections(None)
    broadcaster = later.broadcaster()

    def speak():
        for _ in range(100):
            broadcaster.make_room()
            broadcaster.send(b"x" * (1 << 20), found)

    async def speak_on_the_loop():
        speak()

    with pytest.raises(PodeError, match="Await each delivery: `await delivery`"):
        asyncio.run(speak_on_the_loop()) if where == "loop" else speak()
    later.elsewhere = False
    later.run()
    assert found[0].outbox.pending_bytes == 65 << 20


def test_flush_waits_for_the_io_thread():
    later = Later()
    (one,) = found = connections(None)
    broadcaster = later.broadcaster()
    broadcaster.send(b"x", found)
    later.elsewhere = True
    seen = []
    waiter = in_thread(lambda: seen.append((broadcaster.flush(10), one.outbox.pending)))
    waiter.join(0.05)
    assert not seen
    later.run()
    waiter.join(10)
    assert seen == [(True, 1)]


def test_where_there_is_no_io_thread_events_are_carried_out_at_once():
    found = connections(None)
    broadcaster = Broadcaster(lambda job: job(), quiet)
    for number in range(3):
        assert Delivery(broadcaster.send(b"%d" % number, found), broadcaster).queued == 1
    assert frames_of(found[0].outbox) == b"012"


@given(
    st.lists(
        st.tuples(st.sampled_from([(0,), (1,), (0, 1), (0, 1, 2)]), st.integers(1, 200)),
        max_size=60,
    ),
    st.booleans(),
)
def test_every_connection_gets_its_events_in_order(events, one_object):
    later = Later()
    everybody = connections(None, OutboxLimits("drop_oldest"), OutboxLimits("keep_latest"))
    same = {places: [everybody[place] for place in places] for places, _ in events}
    broadcaster = later.broadcaster()
    expected = [b"", b"", b""]
    for number, (places, size) in enumerate(events):
        frame = (b"<%d>" % number).ljust(size, b".")
        found = same[places] if one_object else list(same[places])
        broadcaster.send(frame, found)
        for place in places:
            expected[place] += frame
        if number % 7 == 0:
            later.run()
    later.run()
    assert [frames_of(one.outbox) for one in everybody] == expected


def test_what_was_sent_before_a_close_arrives_before_it(house):
    with house.open() as events:

        def say_and_close():
            for number in range(200):
                send_sse_event(str(number), name="Events")
            close_sse_connection("Events")

        house.call(say_and_close)
        got = [event.data for event in events.until_closed()]
    assert [data for data in got if data.isdigit()] == [str(number) for number in range(200)]
    assert events.ended_cleanly


def test_sends_to_all_to_groups_and_to_one_keep_their_order(house):
    with house.open(id="1", group="a") as one, house.open(id="2", group="b") as two:

        def speak():
            for number in range(300):
                whom = ({}, {"group": "a"}, {"client_id": "1"}, {"group": ["a", "b"]})[number % 4]
                send_sse_event(str(number), name="Events", **whom)

        house.call(speak)
        wanted = [str(number) for number in range(300)]
        assert [event.data for event in one.take(300)] == wanted
        others = [text for number, text in enumerate(wanted) if number % 4 in (0, 3)]
        assert [event.data for event in two.take(150)] == others
