"""Cursors for pages, backlogs and ids of deliveries, with several nodes."""

from __future__ import annotations

import pytest

from pode_py import (
    PodeError,
    add_route,
    convert_to_sse_connection,
    get_sse_cursor,
    set_sse_history,
)
from tests.push.backplane.publishing import is_up
from tests.push.house import eventually
from tests.push.sse.resuming import texts, up_to


def keep():
    set_sse_history()
    add_route("get", "/latest", lambda: convert_to_sse_connection("Events", backlog=3))


def first_of(node):
    """What a new client gets, in the order in which it comes."""
    events = node.live.sse("/latest")
    assert events.next().type == "pode.open"
    return events


@pytest.fixture
def nodes(make_node):
    return [make_node(keep), make_node(keep)]


def test_a_page_of_one_node_connects_to_another(nodes):
    a, b = nodes
    a.send("in the state").wait(10)
    cursor = a.call(get_sse_cursor, "Events")
    b.send("1").wait(10)
    a.send("2").wait(10)
    with b.live.sse(f"/events?last_event_id={cursor}") as events:
        assert events.next().type == "pode.open"
        b.send("end")
        assert up_to(events, "end") == ["1", "2"]


def test_a_delivery_knows_the_id_that_redis_has_given(nodes):
    a, b = nodes
    with b.open() as events:
        delivery = a.send("x")
        assert delivery.event_id == events.next().id
        assert a.send("y", id="own").event_id == "own"


def test_a_backlog_has_the_events_of_all_nodes(nodes):
    for number in range(5):
        nodes[number % 2].send(number).wait(10)
    for node in nodes:
        eventually(lambda one=node: one.hub.history.number == 5, "all have come here")
        with first_of(node) as events:
            assert texts(events.take(3)) == ["2", "3", "4"]


def test_a_backlog_without_redis_has_what_has_no_number_yet(make_node, own_redis):
    redis = own_redis()
    a = make_node(keep, url=redis.url, timeout=0.5)
    for number in range(3):
        a.send(number).wait(10)
    redis.kill()
    eventually(lambda: not is_up(a), "it has noticed")
    a.send("alone 1")
    a.send("alone 2")
    with first_of(a) as events:
        two, one, last = events.take(3)
        assert [two.data, one.data, last.data] == ["2", "alone 1", "alone 2"]
    # Cut anywhere, a client goes on from there, also when Redis is back.
    for cut, rest in ((two, ["alone 1", "alone 2"]), (one, ["alone 2"]), (last, [])):
        with a.open(last_event_id=cut.id) as again:
            a.send(f"end {cut.data}")
            got = up_to(again, f"end {cut.data}")
            assert [text for text in got if not text.startswith("end")] == rest
    redis.start()
    eventually(lambda: is_up(a), "it is back", 30)
    with a.open(last_event_id=one.id) as again:
        a.send("end")
        assert up_to(again, "end")[0] == "alone 2"


def test_zero_is_a_reset_only_where_events_have_been(nodes):
    a, b = nodes
    a.send("1").wait(10)
    eventually(lambda: b.hub.history.number == 1, "it has come here")
    with b.open(last_event_id="0") as events:
        assert events.next().type == "pode.reset"
    with b.open("Other", last_event_id="0") as events:
        b.send("live", "Other")
        assert up_to(events, "live") == []


def test_where_says_that_others_have_streams_too(nodes):
    with pytest.raises(PodeError, match="with a backplane other processes have streams, too"):
        nodes[0].send("x", where=lambda _: True)
