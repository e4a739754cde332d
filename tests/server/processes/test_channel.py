"""Messages between the parent and a worker process."""

from __future__ import annotations

import os
import socket
import time

import pytest

from pode_py.server.processes.channel import MOST_SOCKETS, ControlMessage, ProcessChannel
from pode_py.server.processes.rolling_restart import Backoff


@pytest.fixture
def ends():
    one, other = ProcessChannel.pair()
    yield one, other
    one.close()
    other.close()


def test_messages_arrive_whole_and_in_order(ends):
    one, other = ends
    for number in range(3):
        assert one.send(ControlMessage("count", {"number": number, "text": "ü" * 1000}))
    assert [other.receive().facts["number"] for _ in range(3)] == [0, 1, 2]
    assert other.receive() is None
    assert not other.gone


def test_sockets_travel_and_are_not_inherited(ends):
    one, other = ends
    with socket.create_server(("127.0.0.1", 0)) as sent:
        one.send(ControlMessage("sockets", sockets=(sent,)))
        (received,) = other.receive().sockets
        with received:
            assert received.fileno() != sent.fileno()
            assert received.getsockname() == sent.getsockname()
            assert not os.get_inheritable(received.fileno())


def test_as_many_sockets_travel_as_the_system_allows(ends):
    one, other = ends
    pairs = [socket.socketpair() for _ in range(MOST_SOCKETS // 2)]
    sockets = tuple(sock for pair in pairs for sock in pair)
    assert one.send(ControlMessage("sockets", sockets=sockets))
    received = other.receive().sockets
    assert len(received) == len(sockets)
    for sock in (*sockets, *received):
        sock.close()


def test_the_end_of_the_other_side_is_seen(ends):
    one, other = ends
    one.send(ControlMessage("last"))
    one.close()
    other.wait(10)
    assert other.receive().kind == "last"
    assert other.receive() is None
    assert other.gone
    assert not other.send(ControlMessage("to nobody"))


def test_one_that_does_not_read_holds_nobody(ends):
    one, _ = ends
    for _ in range(100_000):
        if not one.send(ControlMessage("more", {"text": "x" * 1000})):
            break
    else:
        raise AssertionError("A queue without an end.")


def test_waiting_ends_with_the_time(ends):
    one, _ = ends
    began = time.monotonic()
    one.wait(0.05)
    assert time.monotonic() - began >= 0.04


def test_the_first_quick_end_is_free_and_further_ones_wait_longer_and_longer():
    backoff = Backoff()
    waits = [backoff.ended(1.0) for _ in range(12)]
    assert waits[:5] == [0.0, 0.1, 0.2, 0.4, 0.8]
    assert waits[-1] == 10.0
    assert backoff.failed_starts == 0


def test_one_that_served_for_long_begins_anew():
    backoff = Backoff()
    for _ in range(5):
        backoff.ended(1.0)
    assert [backoff.ended(60.0), backoff.ended(1.0)] == [0.0, 0.0]


def test_failed_starts_are_counted_in_a_row():
    backoff = Backoff()
    for _ in range(3):
        backoff.ended(None)
    assert backoff.failed_starts == 3
    backoff.ended(0.1)
    assert backoff.failed_starts == 0
