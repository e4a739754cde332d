"""Where a stream begins: at a cursor that a page was rendered with, with a backlog, or at zero."""

from __future__ import annotations

from itertools import count

import pytest

from pode_py import (
    add_route,
    convert_to_sse_connection,
    get_sse_cursor,
    new_sse_ticket,
    set_sse_history,
    web_event,
)
from pode_py.core.errors import PodeError
from tests.push.house import eventually
from tests.push.sse.resuming import texts, up_to, with_history


def with_backlog(**limits):
    """As a set-up with history, and the route /latest?backlog=N for the names A and B."""

    def more():
        add_route("get", "/latest", latest)

    return with_history(more, **limits)


def latest():
    query = web_event.query
    convert_to_sse_connection(
        ["A", "B"],
        group=query.get("group"),
        client_id=query.get("id"),
        style=query.get("style") or "pode",
        backlog=int(query["backlog"]),
    )


@pytest.fixture
def kept(make_house):
    return make_house(with_backlog())


_MARKERS = count()


def first_of(house, backlog, last_event_id=None, **asked):
    """What a client gets before the first live event."""
    query = "".join(f"&{key}={value}" for key, value in asked.items())
    with house.live.sse(f"/latest?backlog={backlog}{query}", last_event_id=last_event_id) as events:
        if asked.get("style") != "plain":
            assert events.next().type == "pode.open"
        eventually(lambda: house.client_ids("A"), "the client is in")
        marker = f"live {next(_MARKERS)}"
        house.send(marker, name="A", client_id=house.client_ids("A"))
        got = up_to(events, marker)
    eventually(lambda: not house.client_ids("A"), "the client is out")
    return got


# A cursor for a page.


def test_a_page_that_was_rendered_with_a_cursor_misses_nothing(kept):
    kept.send("in the state")
    cursor = kept.call(get_sse_cursor, "Events")
    kept.send("after it")
    kept.send("and more")
    with kept.live.sse(f"/events?last_event_id={cursor}") as events:
        assert events.next().type == "pode.open"
        kept.send("live")
        assert up_to(events, "live") == ["after it", "and more"]


def test_a_cursor_is_there_before_the_first_event(kept):
    cursor = kept.call(get_sse_cursor, ["A", "B"])
    kept.send("1", name="B")
    with kept.live.sse(f"/many?name=A,B&last_event_id={cursor}") as events:
        assert texts(events.take(2))[1:] == ["1"]


def test_a_name_without_a_history_has_no_cursor(house):
    with pytest.raises(
        PodeError, match=r"'Events' keeps no history\. Call set_sse_history\('Events'\)"
    ):
        house.call(get_sse_cursor, "Events")
    with pytest.raises(PodeError, match="no event to connect from"):
        house.call(get_sse_cursor, [])


# The id of what was sent.


def test_a_delivery_knows_the_id_of_its_event(kept):
    with kept.open() as events:
        delivery = kept.send("x")
        assert events.next().id == delivery.event_id
        assert kept.send("y", id="own").event_id == "own"
        assert kept.call(get_sse_cursor, "Events") != delivery.event_id
    with kept.open(last_event_id=delivery.event_id) as again:
        assert again.next().data == "y"


def test_an_event_without_an_id_has_none(house):
    assert house.send("x").event_id is None
    assert house.send("x", id=7).event_id == "7"


# A backlog.


def test_a_new_client_gets_the_latest_events_once(kept):
    for number in range(5):
        kept.send(number, name="AB"[number % 2])
    assert first_of(kept, 3) == ["2", "3", "4"]
    assert first_of(kept, 100) == ["0", "1", "2", "3", "4"]


def test_a_backlog_has_ids_to_come_back_with(kept):
    for number in range(5):
        kept.send(number, name="A")
    with kept.live.sse("/latest?backlog=3") as events:
        opened, second, third = events.take(3)
        assert (opened.id, second.data, third.data) == ("", "2", "3")
    # A client that was cut before the last one gets no more than that.
    with kept.live.sse("/latest?backlog=3", last_event_id=third.id) as again:
        assert texts(again.take(2))[1:] == ["4"]


def test_a_client_that_comes_back_gets_what_it_missed_and_no_backlog(kept):
    kept.send("old", name="A")
    cursor = kept.call(get_sse_cursor, "A")
    for number in range(5):
        kept.send(number, name="A")
    assert first_of(kept, 2, cursor) == ["0", "1", "2", "3", "4"]


def test_a_backlog_is_only_what_the_client_would_have_got(kept):
    kept.send("all", name="A")
    kept.send("red", name="A", group="RED")
    kept.send("blue", name="B", group="blue")
    kept.send("me", name="B", client_id="me")
    kept.send("you", name="B", client_id="you")
    kept.send("both", name=["A", "B"])
    kept.send("other", name="C")
    assert first_of(kept, 4, id="me", group="red") == ["all", "red", "me", "both"]
    assert first_of(kept, 2, id="you", group="green") == ["you", "both"]


def test_after_a_reset_comes_the_backlog(kept):
    kept.send("1", name="A")
    kept.send("2", name="A")
    with kept.live.sse("/latest?backlog=1", last_event_id="gone") as events:
        opened, reset, latest = events.take(3)
        assert [opened.id, reset.type, reset.id, latest.data] == ["", "pode.reset", "", "2"]
        kept.send("live", name="A")
        assert up_to(events, "live") == []


def test_a_plain_stream_gets_its_backlog_without_a_reset(kept):
    kept.send("1", name="A")
    kept.send("2", name="A")
    assert first_of(kept, 1, style="plain") == ["2"]
    assert first_of(kept, 1, "gone", style="plain") == ["2"]


def test_a_backlog_is_bounded_by_the_history(make_house, clock):
    house = make_house(with_backlog(limit=3, duration=60), clock=clock)
    for number in range(5):
        house.send(number, name="A")
    assert first_of(house, 100) == ["2", "3", "4"]
    clock.advance(61)
    assert first_of(house, 100) == []


def test_without_events_a_backlog_is_empty(kept):
    with kept.live.sse("/latest?backlog=10") as events:
        assert events.next().id == kept.call(get_sse_cursor, "A")


@pytest.mark.parametrize("scope", ["global", "local"])
def test_a_backlog_without_a_history_is_an_error_that_uses_no_ticket_up(make_house, scope):
    def more():
        add_route(
            "get",
            "/a",
            lambda: convert_to_sse_connection("A", scope=scope, backlog=5, ticket=True),
        )
        add_route("get", "/b", lambda: convert_to_sse_connection("A", ticket=True))
        if scope == "local":
            set_sse_history("A")

    house = make_house(more)
    ticket = house.call(new_sse_ticket, "A")
    with house.live.sse(f"/a?ticket={ticket}") as refused:
        assert refused.status == 500
    [error] = house.errors()
    assert ("set_sse_history('A')" if scope == "global" else "a local connection") in error
    with house.live.sse(f"/b?ticket={ticket}") as events:
        assert events.next().type == "pode.open"


@pytest.mark.parametrize("backlog", [-1, 1.5, "many", None])
def test_a_backlog_is_a_number(make_house, backlog):
    def more():
        add_route("get", "/a", lambda: convert_to_sse_connection("A", backlog=backlog))

    house = make_house(more)
    with house.live.sse("/a") as refused:
        assert refused.status == 500
    assert "backlog" in house.errors()[0]


# Zero.


@pytest.mark.parametrize("where", ["header", "query"])
def test_zero_on_an_empty_history_is_no_reset(kept, where):
    kept.send("another name's", name="Other")
    query, header = ("&last_event_id=0", None) if where == "query" else ("", "0")
    with kept.live.sse(f"/events?name=Events{query}", last_event_id=header) as events:
        assert events.next().id == kept.call(get_sse_cursor, "Events")
        kept.send("live")
        assert up_to(events, "live") == []


def test_zero_is_a_reset_once_something_was_there_to_be_seen(kept):
    kept.send("1")
    with kept.open(last_event_id="0") as events:
        assert events.next().type == "pode.reset"


def test_an_id_of_ones_own_may_be_zero(kept):
    kept.send("0", id=0)
    kept.send("1", id=1)
    with kept.open(last_event_id="0") as events:
        assert events.next().data == "1"
