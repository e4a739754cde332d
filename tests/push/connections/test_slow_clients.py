"""Clients that do not read: what they cost the others, and what becomes of them."""

from __future__ import annotations

import threading
import time
from datetime import datetime

import pytest

from pode_py import register_sse_event
from pode_py.exchange.outbox import Outbox
from pode_py.exchange.overflow import OutboxLimits
from pode_py.push.connections.connection import PushConnection
from pode_py.push.connections.slow_clients import SlowClients
from tests.push.house import AT_ONCE, SOON, eventually, stick

EVENT = "x" * 65536


def test_a_client_that_never_reads_is_cut_when_its_queue_overflows(make_house):
    gone = threading.Event()
    house = make_house(lambda: register_sse_event("Stuck", "disconnect", "note", gone.set))
    with house.open("Others") as other, house.open("Stuck", receive_buffer=4096) as stuck:
        sent = dropped = 0
        while not dropped:
            assert sent < 400, "the queue of a client that does not read has no bound"
            delivery = house.send(f"{sent} {EVENT}", name=["Stuck", "Others"])
            dropped = delivery.dropped
            assert other.next().data.startswith(f"{sent} ")
            sent += 1
        assert gone.wait(SOON)
        eventually(lambda: house.hub.store.names() == ["Others"], "the name is gone")
        events = stuck.until_closed()
        assert not stuck.ended_cleanly
        # What it got is the beginning, whole and in order.
        assert [event.data.split()[0] for event in events] == [str(n) for n in range(len(events))]
        house.send("unharmed", name="Others")
        assert other.next().data == "unharmed"
    assert len([message for message in house.errors() if "Stuck" in message]) <= 1


def test_the_queue_of_a_stuck_client_stays_below_eight_times_its_limit(house):
    with house.open(receive_buffer=4096):
        [connection] = house.hub.store.select("Events")
        highest = 0
        for _ in range(400):
            if house.send(EVENT).dropped:
                break
            highest = max(highest, connection.outbox.pending_bytes)
        assert 1 << 18 < highest <= 8 << 20
        eventually(lambda: connection.outbox.pending_bytes == 0, "the queue is freed")


def test_a_client_that_does_not_read_for_too_long_is_cut(make_house):
    house = make_house(dead_client_timeout=1)
    with house.open("Others") as other, house.open("Stuck", receive_buffer=4096):
        stick(house, "Stuck")
        eventually(lambda: not house.client_ids("Stuck"), "the stuck client is cut")
        house.send("unharmed", name="Others")
        assert other.next().data == "unharmed"


def test_others_get_their_events_at_once_while_one_is_stuck(house):
    with house.open("All", receive_buffer=4096):
        stick(house, "All")
        with house.open("All") as after:
            for number in range(20):
                began = time.monotonic()
                house.send(number, name="All")
                assert after.next().data == str(number)
                assert time.monotonic() - began < AT_ONCE


def test_a_send_never_waits_for_a_client(house):
    with house.open(receive_buffer=4096):
        stick(house, "Events")
        began = time.monotonic()
        for _ in range(100):
            house.send("x")
        assert time.monotonic() - began < AT_ONCE


def test_taking_over_does_not_wait_for_a_client_that_does_not_read(make_house):
    house = make_house(threads=1)
    with house.open(id="me", receive_buffer=4096):
        stick(house, "Events")
        began = time.monotonic()
        with house.open(id="me") as newer:
            assert time.monotonic() - began < AT_ONCE
            assert house.client_ids() == ["me"]
            assert house.send("for the newer one").matched == 1
            assert newer.next().data == "for the newer one"
            assert house.live.get("/quick").text == "quick"


def test_a_slow_client_gets_everything_if_it_reads_in_time(house):
    with house.open(receive_buffer=4096) as slow:
        got = []
        for number in range(200):
            house.send(f"{number} {'x' * 20000}")
            if number % 10 == 9:
                got += [event.data.split()[0] for event in slow.take(10)]
        assert got == [str(number) for number in range(200)]


def test_an_event_larger_than_the_queue_passes_when_nothing_is_queued(house):
    with house.open() as events:
        large = "y" * (3 << 20)
        assert house.send(large).wait(SOON) or True
        assert events.next().data == large


@pytest.mark.parametrize("begun", [True, False])
def test_no_client_is_called_slow_before_its_stream_has_begun(begun):
    told = []
    slow_clients = SlowClients(told.append)
    outbox = Outbox(lambda: None, OutboxLimits(size=1024), held=not begun)
    outbox.stuck = begun
    slow_clients.watch(
        PushConnection(
            outbox=outbox,
            keeper=None,
            names=("Events",),
            groups=(),
            client_id="me",
            scope="global",
            remote_address="127.0.0.1",
            opened_at=datetime(2026, 1, 1),
        )
    )
    while outbox.put(b"x" * 100):
        pass
    [text] = told
    assert ("reads too slowly" in text) is begun
    assert "It is disconnected." in text
