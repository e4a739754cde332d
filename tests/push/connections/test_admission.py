"""How many streams there may be."""

from __future__ import annotations

import threading
from contextlib import ExitStack

import pytest

from pode_py import (
    add_route,
    close_sse_connection,
    convert_to_sse_connection,
    join_sse_name,
    set_sse_limits,
)
from pode_py.testing import SseClient, storm
from tests.push.house import SOON, eventually
from tests.push.sse.resuming import many


def ask(house, query="name=Events", **options):
    return SseClient(f"{house.url}/many?{query}", deadline=SOON, **options)


@pytest.fixture
def limited(make_house):
    def build(**limits):
        def setup():
            set_sse_limits(**limits)
            add_route("get", "/many", many)

        return make_house(setup)

    return build


def empty(house):
    eventually(lambda: not house.hub.admission.total, "everybody has left")
    assert not house.hub.admission._names
    assert not house.hub.admission._addresses


def test_one_too_many_of_a_name_gets_503_and_when_to_come_back(limited):
    house = limited(per_name=2, retry_after=7)
    with ask(house) as one, ask(house) as two, ask(house) as three, ask(house, "name=B") as other:
        assert [one.status, two.status, three.status, other.status] == [200, 200, 503, 200]
        assert three.headers["Retry-After"] == "7"
        one.close()
        eventually(lambda: house.hub.admission.total == 2, "one has left")
        with ask(house) as four:
            assert four.status == 200
    empty(house)


def test_every_name_of_a_stream_counts(limited):
    house = limited(per_name=1)
    with ask(house, "name=A,B") as both, ask(house, "name=B") as b, ask(house, "name=C") as c:
        assert [both.status, b.status, c.status] == [200, 503, 200]
    empty(house)


def test_one_address_may_have_its_share_only(limited):
    house = limited(per_address=2)
    with ExitStack() as stack:
        here = [stack.enter_context(ask(house)).status for _ in range(3)]
        there = [stack.enter_context(ask(house, source="127.0.0.2")).status for _ in range(3)]
        assert here == there == [200, 200, 503]
    empty(house)


def test_all_together_are_bounded(limited):
    house = limited(total=3)
    with ExitStack() as stack:
        statuses = [
            stack.enter_context(ask(house, f"name=N{number}")).status for number in range(5)
        ]
        assert statuses == [200, 200, 200, 503, 503]
        # Plain requests are none of these.
        assert house.live.get("/quick").text == "quick"
    empty(house)


@pytest.mark.parametrize("limit", ["per_name", "per_address", "total"])
def test_a_limit_is_exact_when_all_come_at_once(limited, limit):
    house = limited(**{limit: 50})
    clients = storm(house.url + "/events", 200, deadline=30)
    statuses = sorted(client.status for client in clients)
    assert statuses == [200] * 50 + [503] * 150
    for client in clients:
        client.close()
    empty(house)


def test_whoever_is_refused_for_another_reason_is_not_counted(limited):
    house = limited(total=1)
    for _ in range(5):
        assert house.live.get("/many?name=Events").status_code == 406
        assert house.live.get("/many?name=").status_code == 500
        assert house.live.request("POST", "/many?name=Events").status_code == 405
        with ask(house, last_event_id="pode.closed") as away:
            assert away.status == 204
    assert house.hub.admission.total == 0
    with ask(house) as client:
        assert client.status == 200
    empty(house)


def test_a_route_that_raises_after_the_conversion_leaves_its_stream_counted_once(make_house):
    def setup():
        def route():
            convert_to_sse_connection("Events")
            raise RuntimeError("later")

        add_route("get", "/raises", route)

    house = make_house(setup)
    with house.live.sse("/raises") as client:
        assert client.next().type == "pode.open"
        assert house.hub.admission.total <= 1
    empty(house)


@pytest.mark.parametrize("how", ["close", "reset", "server", "take over", "local"])
def test_every_kind_of_end_is_counted_out(make_house, how):
    def setup():
        add_route("get", "/local", lambda: convert_to_sse_connection("L", scope="local") and None)

    house = make_house(setup)
    for number in range(20):
        if how == "local":
            house.live.sse("/local").until_closed()
            continue
        client = house.open(id="me")
        if how == "server":
            house.call(close_sse_connection, "Events")
            client.until_closed()
        elif how == "take over":
            house.open(id="me").close()
            client.until_closed()
        else:
            getattr(client, how)()
        del number
    empty(house)


def test_joining_names_while_streams_leave_miscounts_nothing(limited):
    house = limited()
    stop = threading.Event()

    def join():
        turn = 0
        while not stop.is_set():
            house.call(join_sse_name, "Events", f"N{turn % 5}")
            turn += 1

    joiners = [threading.Thread(target=join) for _ in range(3)]
    for joiner in joiners:
        joiner.start()
    for _ in range(15):
        clients = storm(house.url + "/events", 20, deadline=30)
        for client in clients:
            client.reset()
    stop.set()
    for joiner in joiners:
        joiner.join()
    empty(house)
    assert house.hub.store.names() == []


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        ({"per_name": 0}, ValueError, "per_name=0 must be at least 1"),
        ({"per_address": -1}, ValueError, "per_address=-1 must be at least 1"),
        ({"total": "many"}, TypeError, "total takes a whole number"),
        ({"total": 1.5}, TypeError, "total takes a whole number"),
        ({"retry_after": -1}, ValueError, "retry_after=-1 must be at least 0"),
        ({"retry_after": "soon"}, TypeError, "retry_after takes seconds"),
    ],
)
def test_bad_arguments_are_told(house, arguments, kind, text):
    with pytest.raises(kind, match=text):
        house.call(set_sse_limits, **arguments)
