"""Closing for good: a browser that comes back all the same is told to stay away."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pode_py import (
    PodeError,
    add_middleware,
    add_route,
    close_sse_connection,
    convert_to_sse_connection,
    web_event,
)
from pode_py.testing import Wire
from tests.push.house import SOON, eventually


def test_closed_for_good_means_204_at_the_next_attempt(house):
    with house.open(id="1") as one, house.open(id="2") as two:
        assert house.call(close_sse_connection, "Events", client_id="1", reconnect=False) == 1
        last = one.until_closed()[-1]
        assert (last.type, last.data) == ("pode.close", "")
        assert one.ended_cleanly
        with one.reconnect() as again:
            assert again.status == 204
            assert again.response.body == b""
        house.send("you stay")
        assert two.next().data == "you stay"
    assert not house.errors()


def test_the_204_has_no_body_and_the_connection_serves_on(house):
    with Wire(house.live.port) as wire:
        for _ in range(3):
            wire.send(
                b"GET /events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n"
                b"Last-Event-ID: pode.closed\r\n\r\n"
            )
            head = wire.read_response()
            assert head.status_code == 204
            assert head.headers.get("Content-Length") is None
            assert head.headers.get("Content-Type") is None
        wire.send(b"GET /quick HTTP/1.1\r\nHost: x\r\n\r\n")
        assert wire.read_response().text == "quick"


def test_the_query_tells_it_as_well(house):
    with house.live.sse("/events?last_event_id=pode.closed") as events:
        assert events.status == 204


def test_the_page_may_start_anew(house):
    with house.open(id="1") as one:
        house.call(close_sse_connection, "Events", reconnect=False)
        one.until_closed()
    with house.open(id="1") as fresh:  # a new EventSource sends no Last-Event-ID
        assert fresh.status == 200


def test_closed_as_usual_means_welcome_back(house):
    with house.open(id="1") as one:
        house.call(close_sse_connection, "Events")
        one.until_closed()
        with one.reconnect() as again:
            assert again.status == 200


def with_users(make_house):
    """Streams know the session and the user of the request that opened them."""

    def more():
        def identify():
            web_event.auth = SimpleNamespace(user=web_event.query["user"])
            web_event.session = {"id": web_event.query["session"]}

        def events():
            convert_to_sse_connection(["Events", "Private"])

        add_middleware("who", identify, route="/mine")
        add_route("get", "/mine", events)

    return make_house(more)


def mine(house, user, session):
    client = house.live.sse(f"/mine?user={user}&session={session}")
    client.next("pode.open")
    return client


def test_the_streams_of_a_user_are_revoked_at_once(make_house):
    house = with_users(make_house)
    with mine(house, "ann", 1) as one, mine(house, "ann", 2) as two, mine(house, "bob", 3) as bob:
        closed = house.call(
            close_sse_connection, "*", where=lambda c: c.auth.user == "ann", reconnect=False
        )
        assert closed == 2
        for events in (one, two):
            assert events.until_closed(deadline=SOON)[-1].type == "pode.close"
            with events.reconnect() as again:
                assert again.status == 204
        house.send("still here")
        assert bob.next().data == "still here"


def test_the_streams_of_a_session_are_revoked_and_others_have_none(make_house):
    house = with_users(make_house)
    with mine(house, "ann", 1) as one, mine(house, "ann", 2) as two, house.open() as nobody:
        closed = house.call(
            close_sse_connection, "Events", where=lambda c: c.session and c.session["id"] == "1"
        )
        assert closed == 1
        assert one.until_closed()[-1].type == "pode.close"
        house.send("still here")
        assert two.next().data == nobody.next().data == "still here"


def test_a_predicate_that_fails_closes_nobody(make_house):
    house = with_users(make_house)
    with mine(house, "ann", 1) as ann, house.open() as nobody:
        with pytest.raises(KeyError):
            house.call(close_sse_connection, "*", where=lambda c: {"ann": 1}[c.client_id])
        house.send("still here")
        assert ann.next().data == nobody.next().data == "still here"


def test_groups_clients_and_a_predicate_go_together(house):
    with (
        house.open(id="1", group="red") as one,
        house.open(id="2", group="red") as two,
        house.open(id="3") as three,
    ):
        closed = house.call(
            close_sse_connection, "Events", group="RED", where=lambda c: c.client_id != "2"
        )
        assert closed == 1
        assert one.until_closed()[-1].type == "pode.close"
        house.send("still here")
        assert two.next().data == three.next().data == "still here"


def test_everybody_of_every_name_can_be_closed(house):
    with house.open("A") as a, house.open("B") as b:
        assert house.call(close_sse_connection, "*") == 2
        assert a.until_closed()[-1].type == b.until_closed()[-1].type == "pode.close"
    eventually(lambda: not house.hub.store.names(), "nobody is left")
    assert house.call(close_sse_connection, "*") == 0


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        ({"name": ""}, ValueError, "name must not be empty"),
        ({"name": ["A"]}, TypeError, "name takes a str"),
        ({"name": "A", "where": "ann"}, TypeError, "where takes a plain function"),
    ],
)
def test_bad_arguments_are_told(house, arguments, kind, text):
    with house.open("A"), pytest.raises(kind, match=text):
        house.call(close_sse_connection, **arguments)


def test_a_conversion_outside_of_a_request_is_told(house):
    with pytest.raises(PodeError, match="while a request is handled"):
        house.call(convert_to_sse_connection, "Events")
