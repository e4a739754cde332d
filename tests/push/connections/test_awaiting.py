"""Deliveries on the event loop: awaited, and never waited for."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager

import pytest

from pode_py import (
    PodeError,
    add_route,
    convert_to_sse_connection,
    get_sse_connection,
    send_sse_event,
    set_sse_slow_client_policy,
)
from pode_py.testing import SlowReader, fetch
from tests.push.house import SOON, eventually, stick
from tests.server.program import beside


@pytest.fixture
def on_loop(make_house):
    """Start a house, and have a coroutine function run in an async route of it."""

    def make(more=lambda: None):
        jobs = []

        def setup():
            @add_route("get", "/async")
            async def run():
                await jobs.pop()()

            more()

        house = make_house(setup)

        def run_on_loop(function):
            failures = []

            async def job():
                try:
                    await function()
                except BaseException as error:
                    failures.append(error)
                    raise

            jobs.append(job)
            fetch(house.url + "/async", deadline=60)
            if failures:
                raise failures[0]

        house.run_on_loop = run_on_loop
        return house

    return make


def test_an_awaited_event_was_written(on_loop):
    house = on_loop()
    answers = []

    async def speak():
        for number in range(100):
            delivery = send_sse_event(number, name="Events")
            answers.append(await delivery)
            assert (delivery.matched, delivery.queued, delivery.dropped) == (2, 2, 0)
            answers.append(await delivery)  # and again

    with house.open() as one, house.open() as two:
        house.run_on_loop(speak)
        for events in (one, two):
            assert [event.data for event in events.take(100)] == [str(n) for n in range(100)]
    assert answers == [True] * 200


def test_an_event_for_nobody_can_be_awaited(on_loop):
    house = on_loop()

    async def speak():
        assert await send_sse_event("x", name="Nobody") is True

    house.run_on_loop(speak)


def test_awaiting_waits_for_no_client_that_does_not_read(on_loop):
    house = on_loop()

    async def speak():
        assert await send_sse_event("late", name=["Events", "Stuck"]) is False

    with house.open() as reader, house.open("Stuck", receive_buffer=4096):
        stick(house, "Stuck")
        house.run_on_loop(speak)
        assert reader.next().data == "late"


def test_an_event_that_a_full_queue_does_not_take_is_awaited_too(on_loop):
    house = on_loop(lambda: set_sse_slow_client_policy("drop_newest", limit=20_000))

    async def speak():
        while (delivery := send_sse_event("x" * 5000, name="Events")).queued:
            assert await delivery is False
        assert delivery.dropped == 1
        assert await delivery is True  # to all that took it, which is nobody

    with house.open(receive_buffer=4096):
        stick(house)
        house.run_on_loop(speak)


def test_wait_on_the_loop_says_what_to_do(on_loop):
    house = on_loop()

    async def speak():
        send_sse_event("x", name="Events").wait(1)

    with pytest.raises(PodeError, match="Await the delivery: `await send_sse_event"):
        house.run_on_loop(speak)


def test_figures_can_be_had_on_the_loop(on_loop):
    house = on_loop()

    async def speak():
        delivery = send_sse_event("x", name="Events")
        [record] = get_sse_connection("Events")
        assert record.sent_events + record.queued_events == 2  # with pode.open
        assert delivery.queued == 1

    with house.open():
        house.run_on_loop(speak)


def test_a_handler_that_never_lets_go_of_the_loop_is_told_before_memory_runs_out(on_loop):
    house = on_loop()
    text = "x" * (1 << 20)
    sent = []

    async def speak():
        for number in range(200):
            send_sse_event(text, name="Events")
            sent.append(number)

    # On our own engine another thread writes meanwhile, and may keep up with this one.
    with house.open(), io_thread_held(house), pytest.raises(PodeError, match="Await each delivery"):
        house.run_on_loop(speak)
    assert 60 < len(sent) < 70


@contextmanager
def io_thread_held(house):
    """Keeps the I/O thread from its work, unless it is the loop that sends."""
    go_on = threading.Event()
    if house.live.server.options.engine == "h11":
        house.live.server.engine.run_soon(lambda: go_on.wait(SOON) and None)
    try:
        yield
    finally:
        go_on.set()


def test_an_await_ends_when_the_client_has_gone(on_loop):
    house = on_loop()
    answers = []

    async def speak():
        while get_sse_connection("Events"):
            answers.append(await send_sse_event("x" * 1000, name="Events"))
            await asyncio.sleep(0)

    events = house.open()
    speaking = beside(house.run_on_loop, speak)
    events.take(10)
    events.close()
    speaking.result(SOON)
    assert answers[0] is True


LOCAL = 1000


@pytest.fixture
def local_house(make_house):
    """Routes whose local stream gets more than may wait for it; `written` counts."""
    written = []

    def setup():
        set_sse_slow_client_policy("disconnect", limit=64 * 1024)

        @add_route("get", "/plain")
        def plain():
            convert_to_sse_connection("Local", scope="local")
            for number in range(LOCAL):
                send_sse_event(f"{number} {'x' * 10_000}", from_event=True)
                written.append(number)

        @add_route("get", "/async")
        async def awaited():
            convert_to_sse_connection("Local", scope="local")
            for number in range(LOCAL):
                await send_sse_event(f"{number} {'x' * 10_000}", from_event=True)
                written.append(number)

    house = make_house(setup)
    house.written = written
    return house


@pytest.mark.parametrize("path", ["/plain", "/async"])
def test_a_local_stream_goes_at_its_client_s_pace(local_house, path):
    house = local_house
    with SlowReader(house.url + path) as reader:
        engine = house.live.server.engine
        eventually(
            lambda: any(one.wants_write for one in engine.open_streams), "the client takes no more"
        )
        # Half of the limit waits, and a turn of the I/O thread is on its way into the socket.
        assert len(house.written) < LOCAL
        got = [event.data.partition(" ")[0] for event in reader.stream.until_closed(deadline=60)]
        assert reader.stream.ended_cleanly
    numbers = [text for text in got if text.isdigit()]
    assert numbers == [str(number) for number in range(LOCAL)]
    assert house.errors() == []


def test_an_engine_runs_a_job_that_waits_on_a_worker(house):
    go_on, done = threading.Event(), threading.Event()
    engine = house.live.server.engine
    on_io_thread = []

    def job():
        on_io_thread.append(engine.is_io_thread())
        go_on.wait(SOON)
        done.set()

    engine.submit(job)
    with house.open() as events:
        house.send("meanwhile")
        assert events.next().data == "meanwhile"
    go_on.set()
    assert done.wait(SOON)
    assert on_io_thread == [False]


def test_a_job_of_a_worker_that_raises_is_logged_and_harms_nobody(house):
    def job():
        raise ValueError("This job is broken.")

    house.live.server.engine.submit(job)
    eventually(lambda: "This job is broken." in house.errors(), "it is logged")
    assert house.live.get("/quick").text == "quick"
