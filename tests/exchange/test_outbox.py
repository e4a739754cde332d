"""Outbox: order, bounds, numbers and waiting, against a slow and simple model of it."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pode_py.exchange.batch import Batch
from pode_py.exchange.batches import claim, mark_written
from pode_py.exchange.outbox import Ending, Outbox
from pode_py.exchange.overflow import POLICIES, OutboxLimits

KINDS = b"abc"


def kind_of(frame: bytes) -> bytes:
    return frame[:1]


class FakeStream:
    """An idle stream: `write` is what it does with a frame."""

    def __init__(self, write):
        self.write_directly = write

    def monotonic(self):
        return 1000.0


class OutboxMachine(RuleBasedStateMachine):
    """Any order of calls. The model holds the queue as a list of numbers and frames."""

    @initialize(
        policy=st.sampled_from(POLICIES),
        size=st.integers(1, 60),
        frames=st.integers(1, 8),
        preloaded=st.none() | st.lists(st.binary(min_size=1, max_size=30), max_size=6),
    )
    def begin(self, policy, size, frames, preloaded):
        self.notified = 0
        self.full = 0
        self.policy, self.size, self.frames = policy, size, frames
        limits = OutboxLimits(policy, size, frames, kind_of)
        self.held = preloaded is not None
        lock = threading.Lock()
        self.outbox = Outbox(self.note, limits, held=self.held, lock=lock)
        self.outbox.on_full = self.note_full
        self.queue: list[tuple[int, bytes]] = []
        self.owed = [0, 0]
        self.queued = self.dropped = 0
        self.was_full = False
        self.fate: dict[int, str] = {}
        self.taken: list[tuple[int, bytes]] = []
        self.in_flight: list[tuple[int, bytes]] = []
        self.closed = False
        self.ending = Ending.OPEN
        self.stuck = self.over = False
        self.now, self.read, self.grace = 100.0, 0, None
        if preloaded is not None:
            self.outbox.preload(preloaded)
            for frame in preloaded:
                self.append(frame)
            self.owed = [sum(map(len, preloaded)), len(preloaded)]

    def note(self):
        self.notified += 1

    def note_full(self, outbox):
        assert outbox is self.outbox
        self.full += 1

    def append(self, frame):
        self.queued += 1
        self.queue.append((self.queued, frame))
        self.fate[self.queued] = "waits"
        return self.queued

    def fits(self, frame, times=1):
        return not self.queue or self.holds(
            self.waits + len(frame), len(self.queue) + 1, times=times
        )

    def holds(self, size, frames, times=1):
        return (
            size <= times * self.size + self.owed[0]
            and frames <= times * self.frames + self.owed[1]
        )

    @property
    def is_within_limits(self):
        return len(self.queue) <= 1 or self.holds(self.waits, len(self.queue))

    @property
    def waits(self):
        return sum(len(one) for _, one in self.queue)

    def lose(self, place):
        number, _ = self.queue.pop(place)
        self.fate[number] = "lost"
        self.dropped += 1

    def expect_put(self, frame):
        if self.closed or self.ending is not Ending.OPEN:
            return 0
        if not (self.stuck or self.held) or self.fits(frame):
            return self.append(frame)
        if self.policy == "disconnect":
            if self.fits(frame, times=8):
                self.over = True
                return self.append(frame)
            self.was_full = True
            self.dropped += 1
            self.ending = Ending.CUT
            return 0
        self.was_full = True
        if self.policy == "drop_newest":
            self.dropped += 1
            return 0
        if self.policy == "keep_latest":
            everything = [*(one for _, one in self.queue), frame]
            for place in reversed(range(len(self.queue))):
                later = everything[place + 1 :]
                if any(kind_of(one) == kind_of(everything[place]) for one in later):
                    self.lose(place)
        while not self.fits(frame):
            self.lose(0)
        return self.append(frame)

    @rule(kind=st.sampled_from(KINDS), length=st.integers(0, 25))
    def put(self, kind, length):
        frame = bytes([kind]) + b"x" * length
        before, busy = self.notified, bool(self.queue)
        open_before = self.ending is Ending.OPEN and not self.closed
        assert self.outbox.put(frame) == self.expect_put(frame)
        if open_before and not self.held and (not busy or self.ending is Ending.CUT):
            assert self.notified == before + 1
        else:
            assert self.notified <= before + 1

    @precondition(lambda self: self.held)
    @rule()
    def release(self):
        before = self.notified
        self.outbox.release()
        self.held = False
        assert self.notified == before + (not self.closed)

    @rule()
    def the_socket_refuses_bytes(self):
        self.outbox.mark_stuck()
        self.stuck = True
        if self.policy == "disconnect" and not self.closed and not self.is_within_limits:
            self.over = True

    @rule()
    def all_is_written(self):
        self.outbox.stuck = self.stuck = False

    @rule(seconds=st.floats(0, 1.5), read=st.integers(0, 12))
    def time_goes_by(self, seconds, read):
        self.now += seconds
        self.read += read
        again = self.outbox.look(self.now, self.read)
        if not self.over or self.closed or self.ending is not Ending.OPEN:
            assert again is None
            return
        since, before = self.grace = self.grace or (self.now, self.read)
        if self.now < since + 1:
            assert again == since + 1
        elif 8 * (self.read - before) >= self.size:
            self.grace = self.now, self.read
            assert again == self.now + 1
        else:
            assert again is None
            assert self.outbox.overflowed
            self.was_full = True
            self.ending = Ending.CUT

    @precondition(lambda self: not self.in_flight)
    @rule(at_most=st.integers(1, 80))
    def take(self, at_most):
        got = self.outbox.take(at_most)
        if self.held:
            assert got == []
            return
        assert got == [frame for _, frame in self.queue[: len(got)]]
        if self.queue:
            assert got
            size = sum(map(len, got))
            assert len(got) == len(self.queue) or size >= at_most > size - len(got[-1])
        self.in_flight = self.queue[: len(got)]
        self.queue = self.queue[len(got) :]
        self.owed[0] = max(0, self.owed[0] - sum(map(len, got))) if self.queue else 0
        self.owed[1] = max(0, self.owed[1] - len(got)) if self.queue else 0
        if got and self.is_within_limits:
            self.over, self.grace = False, None

    @precondition(lambda self: self.in_flight)
    @rule()
    def sent(self):
        size = sum(len(frame) for _, frame in self.in_flight)
        self.outbox.sent(len(self.in_flight), size)
        for number, _ in self.in_flight:
            self.fate[number] = "written"
        self.taken += self.in_flight
        self.in_flight = []

    @precondition(lambda self: not self.in_flight and not self.held)
    @rule(lengths=st.lists(st.integers(1, 25), min_size=1, max_size=9), whole=st.booleans())
    def write_past_the_queue(self, lengths, whole):
        self.outbox.direct = None if self.closed else self
        size = sum(lengths)
        free = not self.queue and not self.closed and self.ending is Ending.OPEN
        assert claim([self.outbox], len(lengths)) == [self.queued + 1 if free else 0]
        if not free:
            return
        for length in lengths:
            self.append(b"x" * length)
        written, self.queue = self.queue, []
        if not whole:  # the engine keeps the rest, and says `sent` when it has gone out
            self.outbox.direct, self.outbox.busy = None, False
            self.in_flight = written
            return
        for number, _ in written:
            self.fate[number] = "written"
        self.taken += written
        mark_written([self.outbox], len(written), size, 5.0)
        assert self.outbox.last_write == 5.0

    @precondition(lambda self: not self.in_flight and not self.held)
    @rule(
        length=st.integers(1, 25),
        whole=st.booleans(),
        meanwhile=st.sampled_from(["nothing", "put", "end"]),
    )
    def send_past_the_queue(self, length, whole, meanwhile):
        passes = not self.queue and not self.closed and self.ending is Ending.OPEN
        before, frame = self.notified, b"x" * length
        done = []

        def write(got, now):
            assert (got, now) == (frame, 1000.0)
            assert not self.outbox.claim_direct()
            self.outbox.direct = stream  # as if it had not been wanted
            written = self.append(frame)
            self.in_flight, self.queue = self.queue, []
            if meanwhile == "put":
                self.put(KINDS[0], 3)
            elif meanwhile == "end":
                self.end([b"bye"])
            done.append(written)
            self.outbox.free(length if whole else 0, now)

        stream = FakeStream(write)
        if not self.closed:
            self.outbox.direct, self.outbox.last_write = stream, 0.0
        if not passes:
            assert self.outbox.send(frame) == self.expect_put(frame)
            return
        assert [self.outbox.send(frame)] == done
        assert not self.outbox.busy
        if not whole:  # the engine goes on with it, and says `sent` at its end
            assert self.notified > before
            assert self.outbox.direct is None
            return
        self.fate[done[0]] = "written"
        self.taken += self.in_flight
        self.in_flight = []
        assert (self.notified > before) is (meanwhile != "nothing")
        assert self.outbox.last_write == 1000.0

    @rule(frames=st.lists(st.binary(min_size=1, max_size=99), max_size=2))
    def end(self, frames):
        expected = not self.closed and self.ending is Ending.OPEN
        assert self.outbox.end(*frames) is expected
        if expected:
            self.ending = Ending.CLEAN
            self.held = False
            for frame in frames:
                self.append(frame)

    @rule()
    def close(self):
        self.outbox.mark_closed()
        self.closed = True
        self.over = False
        self.queue = []

    @invariant()
    def agrees(self):
        outbox = self.outbox
        assert outbox.pending == len(self.queue)
        assert outbox.pending_bytes == sum(len(frame) for _, frame in self.queue)
        assert (outbox.queued, outbox.dropped) == (self.queued, self.dropped)
        assert outbox.ending is self.ending
        assert outbox.closed is self.closed
        assert outbox.is_over is self.over
        assert outbox.sent_frames == len(self.taken)
        assert outbox.bytes_sent == sum(len(frame) for _, frame in self.taken)
        assert self.full == self.was_full
        work = not self.held and bool(self.queue or self.ending is not Ending.OPEN)
        assert outbox.has_work is work

    @invariant()
    def keeps_the_order(self):
        numbers = [number for number, _ in [*self.taken, *self.in_flight, *self.queue]]
        assert numbers == sorted(set(numbers))

    @invariant()
    def knows_what_became_of_each(self):
        for number, fate in self.fate.items():
            assert self.outbox.wait(number, 0) is (fate == "written")


OutboxMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestAnyOrderOfCalls = OutboxMachine.TestCase


def test_what_was_preloaded_leaves_the_whole_limit_to_what_comes_after():
    outbox = Outbox(lambda: None, OutboxLimits("drop_newest", size=10, frames=3), held=True)
    outbox.preload([b"x" * 8] * 5)
    outbox.release()
    outbox.mark_stuck()
    assert [outbox.put(b"12345") for _ in range(3)] == [6, 7, 0]


@pytest.mark.parametrize("policy", POLICIES)
def test_what_is_preloaded_late_goes_before_what_was_put_and_changes_no_number(policy):
    outbox = Outbox(lambda: None, OutboxLimits(policy, 100, 10, kind_of), held=True)
    numbers = [outbox.put(b"put 1"), outbox.put(b"put 2")]
    outbox.preload([b"first", b"second", b"third"])
    outbox.release()
    assert outbox.take(6) == [b"first", b"second"]
    outbox.sent(2, 11)
    assert [outbox.was_written(number) for number in numbers] == [False, False]
    assert outbox.take(6) == [b"third", b"put 1"]
    outbox.sent(2, 10)
    assert [outbox.was_written(number) for number in numbers] == [True, False]
    assert outbox.take(100) == [b"put 2"]
    outbox.sent(1, 5)
    assert outbox.put(b"put 3") == 3
    assert outbox.wait(numbers[1], 0)
    assert outbox.sent_frames == 5


def test_nothing_is_preloaded_for_a_client_that_has_gone():
    outbox = Outbox(lambda: None, held=True)
    outbox.mark_closed()
    outbox.preload([b"first"])
    assert outbox.pending == 0


def stuck(*limits, lock=None):
    outbox = Outbox(lambda: None, OutboxLimits(*limits), lock=lock)
    outbox.mark_stuck()
    return outbox


@pytest.mark.parametrize("policy", POLICIES)
def test_limits_do_not_hold_for_a_client_that_is_not_known_to_be_slow(policy):
    outbox = Outbox(lambda: None, OutboxLimits(policy, 10, 3, kind_of))
    assert [outbox.put(b"12345") for _ in range(100)] == list(range(1, 101))
    assert (outbox.pending, outbox.is_over, outbox.ending) == (100, False, Ending.OPEN)


@pytest.mark.parametrize("whole", [True, False])
def test_a_burst_for_a_slow_client_may_go_to_eight_times_its_limit(whole):
    outbox = stuck("disconnect", 100, 50)
    frames = [b"12345"] * 4
    batch = Batch.of(frames)
    put = (lambda: outbox.put_all(frames, batch)) if whole else (lambda: outbox.put(batch))
    while not outbox.overflowed:
        assert outbox.pending_bytes <= 800
        assert outbox.is_over is (outbox.pending_bytes > 100)
        last = put()
    assert outbox.pending_bytes == 800
    assert last in (0, [0, 0, 0, 0])
    assert outbox.ending is Ending.CUT


def test_a_client_over_its_limit_that_takes_enough_of_it_is_given_another_second():
    outbox = stuck("disconnect", 1000, 50)
    while not outbox.is_over:
        outbox.put(b"x" * 400)
    assert outbox.look(5.0, 2000) == 6.0
    assert outbox.look(5.5, 2000) == 6.0
    assert outbox.look(6.0, 2125) == 7.0
    assert outbox.look(7.0, 2249) is None
    assert outbox.overflowed


def test_a_client_that_has_read_down_to_its_limit_in_time_stays():
    outbox = stuck("disconnect", 1000, 50)
    while not outbox.is_over:
        outbox.put(b"x" * 400)
    assert outbox.look(5.0, 0) == 6.0
    outbox.take(400)
    assert outbox.look(6.0, 0) is None
    assert not outbox.overflowed
    outbox.put(b"x" * 400)  # its second begins anew
    assert outbox.look(7.0, 400) == 8.0


def test_one_frame_larger_than_the_limit_makes_nobody_slow():
    outbox = Outbox(lambda: None, OutboxLimits("disconnect", 50, 3))
    outbox.put(b"x" * 100)
    outbox.mark_stuck()
    assert not outbox.is_over
    outbox.put(b"x")
    assert outbox.is_over


def test_a_wait_that_nobody_waits_for_any_more_leaves_nothing_behind():
    outbox = Outbox(lambda: None)
    number = outbox.put(b"x")
    for _ in range(100):
        assert not outbox.wait(number, 0)
    assert not outbox._waiters


def test_a_wait_for_what_was_written_past_the_queue_ends():
    lock = threading.Lock()
    outbox = Outbox(lambda: None, lock=lock)
    outbox.direct = object()
    (number,) = claim([outbox], 1)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(outbox.wait(number, 10)))
    thread.start()
    while not outbox._waiters:
        thread.join(0.001)
    mark_written([outbox], 1, 1, 0.0)
    thread.join(10)
    assert answers == [True]


def test_no_queue_is_passed_that_the_engine_cannot_write_past():
    lock = threading.Lock()
    ready, busy, full, ended = (Outbox(lambda: None, lock=lock) for _ in range(4))
    for outbox in (ready, busy, ended):
        outbox.direct = object()
    busy.put(b"first")
    ended.end()
    numbers = claim([busy, ready, full, ended], 2)
    assert numbers == [0, 1, 0, 0]
    assert [outbox.queued for outbox in (busy, ready, full, ended)] == [1, 2, 0, 0]


def test_a_burst_is_left_to_the_engine_which_joins_it():
    written = []
    outbox = Outbox(lambda: None)

    def write(frame, now):
        written.append(frame)
        outbox.free(len(frame), now)

    outbox.direct = FakeStream(write)
    assert [outbox.send(b"first"), outbox.send(b"second"), outbox.send(b"third")] == [1, 2, 3]
    assert written == [b"first"]
    assert outbox.take(100) == [b"second", b"third"]


def test_two_threads_never_write_directly_at_once():
    inside, go_on = threading.Event(), threading.Event()
    outbox, written = Outbox(lambda: None), []

    def write(frame, now):
        written.append(frame)
        inside.set()
        assert go_on.wait(30)
        outbox.free(len(frame), now)

    outbox.direct = FakeStream(write)
    first = threading.Thread(target=outbox.send, args=(b"first",))
    first.start()
    assert inside.wait(30)
    assert outbox.send(b"second") == 2
    assert claim([outbox], 1) == [0]
    go_on.set()
    first.join(30)
    assert written == [b"first"]
    assert outbox.take(100) == [b"second"]


@pytest.mark.parametrize("how", ["written", "dropped", "closed"])
def test_a_wait_ends_when_the_frame_was_written_or_never_will_be(how):
    outbox = stuck("drop_oldest", 1 << 20, 1)
    number = outbox.put(b"x")
    answers = []
    thread = threading.Thread(target=lambda: answers.append(outbox.wait(number, 10)))
    thread.start()
    if how == "written":
        assert outbox.take(100) == [b"x"]
        outbox.sent(1, 1)
    elif how == "dropped":
        outbox.put(b"y")
    else:
        outbox.mark_closed()
    thread.join(10)
    assert answers == [how == "written"]


def test_a_frame_that_was_dropped_long_ago_never_counts_as_written():
    outbox = stuck("drop_oldest", 1 << 20, 2)
    numbers = [outbox.put(b"x") for _ in range(5000)]
    frames = outbox.take(100)
    outbox.sent(len(frames), 2)
    answers = [outbox.wait(number, 0) for number in numbers]
    assert answers == [False] * 4998 + [True] * 2


@pytest.mark.parametrize("policy", ["drop_oldest", "keep_latest"])
def test_a_full_queue_with_thousands_of_kinds_takes_new_frames_in_one_go(policy):
    looks = 0

    def count(frame):
        nonlocal looks
        looks += 1
        return frame

    outbox = stuck(policy, 1 << 20, 4000, count)
    for number in range(40_000):
        outbox.put(b"%d" % number)
    # A pass over the queue for each frame would be 144 million looks.
    assert looks < 40_000 * 10
    assert 2000 < outbox.pending <= 4000
    assert outbox.take(1 << 20)[-1] == b"39999"


def test_keep_latest_keeps_every_kind_where_there_is_room_for_one_of_each():
    outbox = stuck("keep_latest", 1 << 20, 8, kind_of)
    for turn in range(50):
        for kind in b"abcdefgh":
            outbox.put(bytes([kind]) + b"%d" % turn)
    assert sorted(outbox.take(1 << 20)) == [bytes([kind]) + b"49" for kind in b"abcdefgh"]


@pytest.mark.parametrize("policy", POLICIES)
def test_many_threads_may_put_while_one_takes(policy):
    limits = OutboxLimits(policy, size=4000, frames=200, kind_of=lambda frame: frame[:2])
    woken = threading.Event()
    outbox = Outbox(woken.set, limits)
    outbox.mark_stuck()
    count, threads = 3000, 4
    numbers: list[list[int]] = [[] for _ in range(threads)]
    out: list[bytes] = []

    def speak(thread):
        for number in range(count):
            numbers[thread].append(outbox.put(b"%d:%d" % (thread, number)))

    speakers = [threading.Thread(target=speak, args=(thread,)) for thread in range(threads)]
    for speaker in speakers:
        speaker.start()
    while True:
        over = not any(speaker.is_alive() for speaker in speakers)
        if frames := outbox.take(1000):
            out += frames
            outbox.sent(len(frames), sum(map(len, frames)))
        elif over:
            break
        else:
            woken.wait(0.01)
            woken.clear()
    given = [number for row in numbers for number in row if number]
    assert all(times == 1 for times in Counter(given).values())
    assert len(out) + outbox.dropped == len(given) + (
        outbox.dropped if policy in ("disconnect", "drop_newest") else 0
    )
    for thread in range(threads):
        own = [int(frame.split(b":")[1]) for frame in out if frame.startswith(b"%d:" % thread)]
        assert own == sorted(set(own))
