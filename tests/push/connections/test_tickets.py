"""Tickets: passes for one stream each, for clients that can't send headers."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from pode_py import (
    add_route,
    convert_to_sse_connection,
    enable_log_request_type,
    new_log_custom_method,
    new_sse_ticket,
    web_event,
)
from pode_py.observability.logs.logs import Logs
from pode_py.testing import SseClient
from tests.push.house import SOON


@pytest.fixture
def guarded(make_house, clock):
    """A house whose /guarded takes tickets only; `lines` are those of its request log."""
    lines: list[str] = []

    def setup():
        enable_log_request_type(new_log_custom_method(lambda item: lines.append(str(item))))
        add_route("get", "/guarded", guard)
        add_route("get", "/ticket", lambda: new_sse_ticket("Events", client_id="ann", group="g"))

    house = make_house(setup, clock=clock)
    house.lines = lines
    return house


def guard():
    convert_to_sse_connection(
        web_event.query.get("name") or "Events", ticket=True, client_id="not you", group="not this"
    )


def enter(house, ticket, more=""):
    return SseClient(f"{house.url}/guarded?ticket={ticket}{more}", deadline=SOON)


def test_a_ticket_opens_one_stream_as_it_says(guarded):
    ticket = guarded.live.get("/ticket").text
    with enter(guarded, ticket) as events:
        assert events.status == 200
        assert events.headers["X-Pode-Sse-Client-Id"] == "ann"
        assert events.headers["X-Pode-Sse-Group"] == "g"
        assert guarded.send("hi", client_id="ann", group="g").queued == 1


def test_it_works_once(guarded):
    ticket = guarded.call(new_sse_ticket, "Events")
    with enter(guarded, ticket) as first, enter(guarded, ticket) as second:
        assert (first.status, second.status) == (200, 401)


def test_it_works_once_even_for_many_at_once(guarded):
    ticket = guarded.call(new_sse_ticket, "Events")
    statuses: Counter[int] = Counter()
    together = threading.Barrier(8)

    def try_it():
        together.wait(SOON)
        with enter(guarded, ticket) as client:
            statuses[client.status] += 1

    threads = [threading.Thread(target=try_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == {200: 1, 401: 7}


def test_it_does_not_work_for_long(guarded, clock):
    early, late = (guarded.call(new_sse_ticket, "Events", duration=30) for _ in range(2))
    clock.advance(29)
    with enter(guarded, early) as client:
        assert client.status == 200
    clock.advance(2)
    with enter(guarded, late) as client:
        assert client.status == 401


@pytest.mark.parametrize(
    "ticket", ["", "wrong", "%00", "a" * 5000, "x&ticket=y", "..%2F"], ids=range(6)
)
def test_a_wrong_one_opens_nothing(guarded, ticket):
    guarded.call(new_sse_ticket, "Events")
    with enter(guarded, ticket) as client:
        assert client.status == 401
    assert guarded.live.get("/guarded", headers={"Accept": "text/event-stream"}).status_code == 401
    assert guarded.hub.admission.total == 0
    assert not guarded.errors()


def test_one_for_another_name_opens_nothing_and_is_used_up(guarded):
    ticket = guarded.call(new_sse_ticket, "Private")
    with enter(guarded, ticket) as client:
        assert client.status == 401
    with enter(guarded, ticket, "&name=Private") as client:
        assert client.status == 401
    ticket = guarded.call(new_sse_ticket, "Private")
    with enter(guarded, ticket, "&name=Private") as client:
        assert client.status == 200


def test_a_request_that_can_be_no_stream_uses_none_up(guarded):
    ticket = guarded.call(new_sse_ticket, "Events")
    assert guarded.live.get(f"/guarded?ticket={ticket}").status_code == 406
    with enter(guarded, ticket) as client:
        assert client.status == 200


def test_no_log_shows_a_ticket(guarded):
    ticket = guarded.call(new_sse_ticket, "Events")
    with enter(guarded, ticket) as client:
        assert client.status == 200
    with enter(guarded, ticket) as client:
        assert client.status == 401
    assert guarded.live.server.room(Logs).flush()
    assert any("/guarded" in line for line in guarded.lines)
    assert not [line for line in guarded.lines if ticket in line]


def test_tickets_that_nobody_uses_do_not_pile_up(guarded, clock):
    for _ in range(1000):
        guarded.call(new_sse_ticket, "Events", duration=10)
    clock.advance(11)
    guarded.call(new_sse_ticket, "Events", duration=10)
    assert len(guarded.hub.tickets._passes) == 1


def test_no_two_are_alike_and_none_can_be_guessed(guarded):
    tickets = {guarded.call(new_sse_ticket, "Events") for _ in range(1000)}
    assert len(tickets) == 1000
    assert min(map(len, tickets)) >= 40


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        ({"name": ""}, ValueError, "name must not be empty"),
        ({"name": None}, TypeError, "name takes a str"),
        ({"name": "A\n"}, ValueError, "name='A.n' must not contain CR, LF or NUL"),
        ({"name": "A", "duration": 0}, ValueError, "duration=0 must be at least"),
        ({"name": "A", "duration": "1"}, TypeError, "duration takes seconds"),
        ({"name": "A", "group": 1.5}, TypeError, "group takes a str"),
        ({"name": "A", "client_id": "a\0"}, ValueError, "client_id="),
    ],
)
def test_bad_arguments_are_told(house, arguments, kind, text):
    with pytest.raises(kind, match=text):
        house.call(new_sse_ticket, **arguments)
