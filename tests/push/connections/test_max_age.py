"""Connections that have lived long enough are asked to come back."""

from __future__ import annotations

import time

import pytest

from pode_py import set_sse_history, set_sse_max_age, set_sse_ping, set_sse_reconnect_spread
from tests.push.house import eventually


@pytest.fixture
def aged(make_house, clock):
    def build(*limits, more=lambda: None, **options):
        def setup():
            set_sse_ping(0)
            set_sse_max_age(*limits, **options)
            more()

        return make_house(setup, clock=clock)

    return build


def test_an_old_connection_ends_and_its_client_comes_back(aged, clock):
    house = aged(60, jitter=0, more=set_sse_history)
    with house.open() as events:
        clock.advance(59)
        house.send("still here")
        assert events.next().data == "still here"
        clock.advance(1)
        assert [event.type for event in events.until_closed()] == ["pode.close"]
        assert events.ended_cleanly
    house.send("missed")
    with events.reconnect() as again:
        assert [event.data for event in again.take(2)][1] == "missed"


def test_jitter_ends_them_one_by_one(aged, clock):
    house = aged(100, jitter=0.5)
    clients = [house.open(id=str(number)) for number in range(60)]
    clock.advance(49)
    assert len(house.client_ids()) == 60
    left = []
    for _ in range(10):
        clock.advance(5.1)
        eventually(lambda: len(house.client_ids()) == len(open_connections(house)), "settled")
        left.append(len(house.client_ids()))
    assert left[-1] == 0
    assert len(set(left)) > 5
    for client in clients:
        assert client.until_closed()[-1].type == "pode.close"
        client.close()


def open_connections(house):
    return [one for one in house.hub.store.select("Events") if one.is_open]


def test_who_is_ended_is_told_when_to_come_back(aged, clock):
    house = aged(60, jitter=0, more=lambda: set_sse_reconnect_spread(5))
    with house.open() as events:
        clock.advance(60)
        events.until_closed()
        assert 0 <= events.retry <= 5000


def test_each_name_has_its_own_age(aged, clock):
    def more():
        set_sse_max_age(0, name="Never")
        set_sse_max_age(10, name="Short", jitter=0)

    house = aged(60, jitter=0, more=more)
    with house.open("Never") as never, house.open("Short") as short, house.open("Other") as other:
        clock.advance(10)
        assert short.until_closed()[-1].type == "pode.close"
        clock.advance(50)
        assert other.until_closed()[-1].type == "pode.close"
        clock.advance(10_000)
        house.send("x", name="Never")
        assert never.next().data == "x"


@pytest.mark.own_engine("a max age does not depend on the engine")
def test_those_that_left_early_leave_nothing_to_wait_for(aged):
    house = aged(3600)
    for _ in range(1200):
        house.open(wait=False).close()
    eventually(lambda: not house.connections, "all are gone")
    for _ in range(1000):
        house.open(wait=False).close()
    assert len(house.hub.max_ages._due) <= 2000


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        ({"duration": -1}, ValueError, "duration=-1 must be at least 0 seconds"),
        ({"duration": None}, TypeError, "duration takes seconds"),
        ({"duration": 1, "jitter": 2}, ValueError, "jitter=2 must be a part from 0 to 1"),
        ({"duration": 1, "jitter": -0.1}, ValueError, "jitter=-0.1"),
        ({"duration": 1, "jitter": "a lot"}, TypeError, "jitter takes a number, not 'a lot'"),
        ({"duration": 1, "name": ""}, ValueError, "name must not be empty"),
    ],
)
def test_bad_arguments_are_told(house, arguments, kind, text):
    with pytest.raises(kind, match=text):
        house.call(set_sse_max_age, **arguments)


def test_ages_end_in_real_time_too(make_house):
    house = make_house(lambda: set_sse_max_age(0.2, jitter=0))
    began = time.monotonic()
    with house.open() as events:
        assert events.until_closed()[-1].type == "pode.close"
    assert time.monotonic() - began >= 0.2
