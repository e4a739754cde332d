"""What get_sse_connection tells of connections."""

from __future__ import annotations

import pytest

from pode_py import get_sse_connection, set_sse_history, set_sse_slow_client_policy
from pode_py.testing import SlowReader
from tests.push.house import eventually, stick


def only(house, *arguments, **named):
    [found] = house.call(get_sse_connection, *arguments, **named)
    return found


def test_a_fresh_connection(timed_house, clock):
    clock.advance(5)
    with timed_house.open(id="1", group="g"):
        eventually(lambda: only(timed_house).sent_events == 1, "pode.open was written")
        record = only(timed_house)
        assert record.client_id == "1"
        assert (record.names, record.groups, record.scope) == (("Events",), ("g",), "global")
        assert record.remote_address == "127.0.0.1"
        assert record.opened_at == record.last_write == clock.now()
        assert record.last_event_id is None
        assert (record.queued_events, record.queued_bytes, record.dropped_events) == (0, 0, 0)


def test_what_was_sent_is_counted(timed_house, clock):
    with timed_house.open() as events:
        eventually(lambda: only(timed_house).sent_events == 1, "pode.open was written")
        before = only(timed_house)
        opened = clock.now()
        clock.advance(10)
        for _ in range(10):
            timed_house.send("x").wait()
        events.take(10)
        after = only(timed_house)
        assert after.sent_events - before.sent_events == 10
        assert after.sent_bytes - before.sent_bytes == 10 * len("data: x\n\n")
        assert after.opened_at == opened
        assert (after.last_write - opened).total_seconds() == 10


def test_what_waits_and_what_was_dropped_is_counted(make_house):
    house = make_house(lambda: set_sse_slow_client_policy("drop_oldest", limit=100_000))
    with SlowReader(house.url + "/events"):
        stick(house)
        [connection] = house.hub.store.select("Events")
        for _ in range(50):
            house.send("x" * 9_992)
        record = only(house)
        assert record.dropped_events >= 40
        assert record.queued_bytes <= 100_000
        assert record.queued_events == connection.outbox.pending >= 9


def test_the_cursor_of_a_client_that_came_back(make_house):
    house = make_house(set_sse_history)
    with house.open(last_event_id="unknown"):
        assert only(house).last_event_id == "unknown"


def test_names_groups_and_clients_choose(house):
    with house.open("A", id="1", group="g"), house.open("B", id="2"), house.open("B", id="1"):
        ids = sorted(one.client_id for one in house.call(get_sse_connection))
        assert ids == ["1", "1", "2"]
        assert only(house, "A").client_id == "1"
        assert only(house, "A", group="G").client_id == "1"
        assert only(house, "B", client_id=2).client_id == "2"
        assert only(house, "*", group="g").names == ("A",)
        assert house.call(get_sse_connection, "C") == []
        assert house.call(get_sse_connection, "A", group="h") == []


def test_they_are_values_of_that_moment(house):
    with house.open():
        record = only(house)
        house.send("x").wait()
        assert only(house).sent_events > record.sent_events
        with pytest.raises(AttributeError):
            record.sent_events = 0


@pytest.mark.parametrize(("name", "kind"), [("", ValueError), (None, TypeError), (1, TypeError)])
def test_a_bad_name_is_told(house, name, kind):
    with pytest.raises(kind, match="name"):
        house.call(get_sse_connection, name)
