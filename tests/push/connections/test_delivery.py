"""What send_sse_event says became of an event."""

from __future__ import annotations

import threading
import time

import pytest

from pode_py import set_sse_history, set_sse_slow_client_policy
from pode_py.testing import SlowReader
from tests.push.house import SOON, eventually, stick


def counts(delivery):
    return (delivery.matched, delivery.queued, delivery.dropped)


def test_matched_queued_and_dropped_are_counted(make_house):
    house = make_house(lambda: set_sse_slow_client_policy("drop_newest", name="B"))
    assert counts(house.send("x")) == (0, 0, 0)
    with house.open("A"), house.open("A", group="g"), SlowReader(house.url + "/events?name=B"):
        assert counts(house.send("x", "A")) == (2, 2, 0)
        assert counts(house.send("x", "A", group="g")) == (1, 1, 0)
        stick(house, "B")
        for _ in range(100):
            if house.send("x" * 30_000, "B").dropped:
                break
        delivery = house.send("x" * 100_000, ["A", "B"])
        assert counts(delivery) == (3, 2, 1)
        assert repr(delivery) == "Delivery(matched=3, queued=2, dropped=1)"


def test_a_connection_that_is_ending_does_not_take_it(house):
    with house.open(receive_buffer=4096):
        stick(house, "Events")
        [connection] = house.hub.store.select("Events")
        connection.close()
        delivery = house.send("late")
        assert counts(delivery) == (1, 0, 1)
        assert delivery.wait(SOON)  # for all that took it, which is nobody


def test_wait_returns_once_it_was_written(house):
    with house.open() as one, house.open() as two:
        delivery = house.send("x")
        assert delivery.wait(SOON)
        assert delivery.wait(0)  # and again
        assert one.next().data == two.next().data == "x"


def test_wait_without_a_limit_returns_too(house):
    with house.open():
        for _ in range(200):
            assert house.send("x").wait()


def test_wait_gives_up_in_time(house):
    with house.open("Reader") as reader, house.open("Stuck", receive_buffer=4096):
        stick(house, "Stuck")
        delivery = house.send("late", ["Reader", "Stuck"])
        began = time.monotonic()
        assert not delivery.wait(0.2)
        assert time.monotonic() - began > 0.15
        assert counts(delivery) == (2, 2, 0)
        reader.close()


def test_wait_hears_that_a_client_has_left(house):
    with SlowReader(house.url + "/events") as stuck:
        stick(house, "Events")
        delivery = house.send("late")
        assert delivery.queued == 1
        answers = []
        waiter = threading.Thread(target=lambda: answers.append(delivery.wait(60)))
        waiter.start()
        stuck.reset()
        waiter.join(SOON)
        assert answers == [False]


def test_wait_hears_that_the_event_was_dropped(make_house):
    house = make_house(lambda: set_sse_slow_client_policy("drop_oldest", limit=200_000))
    with SlowReader(house.url + "/events"):
        stick(house, "Events")
        delivery = house.send("x" * 10_000)
        answers = []
        waiter = threading.Thread(target=lambda: answers.append(delivery.wait(60)))
        waiter.start()
        for _ in range(20):
            house.send("y" * 50_000)
        waiter.join(SOON)
        assert answers == [False]
        assert counts(delivery) == (1, 1, 0)  # it was taken at first


def test_wait_is_false_after_the_client_has_gone(house):
    with SlowReader(house.url + "/events") as stuck:
        stick(house, "Events")
        delivery = house.send("late")
        assert delivery.queued == 1
        stuck.reset()
        eventually(lambda: not house.client_ids(), "it is gone")
        assert not delivery.wait(0)


def test_with_a_history_an_event_for_nobody_is_kept_for_those_who_come_back(make_house):
    house = make_house(set_sse_history)
    with house.open() as events:
        pass
    eventually(lambda: not house.client_ids(), "it is gone")
    assert counts(house.send("missed")) == (0, 0, 0)
    with events.reconnect() as again:
        assert [one.data for one in again.take(2)][1] == "missed"


@pytest.mark.parametrize("bad", ["1", None])
def test_a_timeout_is_seconds_or_none(house, bad):
    with house.open():
        delivery = house.send("x")
        if bad is None:
            assert delivery.wait(bad)
        else:
            with pytest.raises(TypeError, match="timeout takes seconds"):
                delivery.wait(bad)
