"""One stream with several names and groups, and streams that join and leave them."""

from __future__ import annotations

import json
import threading
from enum import StrEnum

import pytest

from pode_py import (
    add_route,
    close_sse_connection,
    convert_to_sse_connection,
    get_sse_client_id_list,
    get_sse_connection,
    get_sse_group_list,
    get_sse_name_list,
    join_sse_group,
    join_sse_name,
    leave_sse_group,
    register_sse_event,
    set_sse_history,
)
from tests.push.house import SOON, build, eventually
from tests.push.sse.resuming import many, texts, up_to


@pytest.fixture
def house(make_house):
    return make_house(lambda: add_route("get", "/many", many))


def open_many(house, names, group="", client_id="me", **options):
    client = house.live.sse(f"/many?name={names}&group={group}&id={client_id}", **options)
    assert client.next().type == "pode.open"
    return client


def test_one_stream_hears_all_its_names_each_event_once(house):
    with open_many(house, "A,B,C", "x,y") as events:
        assert events.headers["X-Pode-Sse-Name"] == "A,B,C"
        assert events.headers["X-Pode-Sse-Group"] == "x,y"
        assert house.send("1", "A").matched == 1
        assert house.send("2", ["B", "A", "C"]).matched == 1
        assert house.send("3", "C", group=["x", "y"]).matched == 1
        assert house.send("4", "D").matched == 0
        assert house.send("5", "B", group="z").matched == 0
        house.send("end", "A")
        assert up_to(events, "end") == ["1", "2", "3"]


def test_pode_open_says_all_of_them(house):
    with open_many(house, "A,B", "x,y") as events:
        opened = json.loads(events.received[0].data)
        assert opened["name"] == "A"
        assert opened["names"] == ["A", "B"]
        assert opened["groups"] == ["x", "y"]
        assert opened["clientId"] == "me"


def test_it_leaves_all_its_names(house):
    with open_many(house, "A,B"):
        assert sorted(house.call(get_sse_name_list)) == ["A", "B"]
    eventually(lambda: not house.call(get_sse_name_list), "the names are gone")


def test_closing_one_name_closes_the_stream(house):
    with open_many(house, "A,B") as events:
        assert house.call(close_sse_connection, "B") == 1
        assert events.until_closed()[-1].type == "pode.close"
    eventually(lambda: not house.call(get_sse_name_list), "the names are gone")


def test_taking_over_under_one_name_takes_the_whole_stream(house):
    with open_many(house, "A,B") as old, open_many(house, "B,C") as new:
        assert old.until_closed()[-1].type == "pode.close"
        assert sorted(house.call(get_sse_name_list)) == ["B", "C"]
        house.send("hi", "B")
        assert new.next().data == "hi"


def test_joining_a_group_reaches_it_from_then_on(house):
    with house.open(id="1") as one, house.open(id="2") as two:
        assert house.send("x", group="admins").matched == 0
        assert house.call(join_sse_group, "Events", "Admins", client_id="1") == 1
        assert house.send("for admins", group="admins").matched == 1
        assert one.next().data == "for admins"
        assert house.call(get_sse_group_list, "Events") == ["Admins"]
        assert house.call(get_sse_client_id_list, "Events", group="ADMINS") == ["1"]
        assert house.call(join_sse_group, "Events", ["admins", "users"]) == 2
        assert house.send("all", group=["admins", "users"]).matched == 2
        assert one.next().data == two.next().data == "all"


def test_leaving_a_group_ends_it(house):
    with house.open(id="1", group="Admins") as one, house.open(id="2", group="admins") as two:
        assert house.call(leave_sse_group, "Events", "ADMINS", client_id="1") == 1
        house.send("for admins", group="admins")
        house.send("end")
        assert up_to(one, "end") == []
        assert up_to(two, "end") == ["for admins"]
        assert house.call(leave_sse_group, "Events", "admins") == 2
        assert house.call(get_sse_group_list, "Events") == []
        assert house.call(leave_sse_group, "Nobody", "admins") == 0


def test_joining_a_name_keeps_the_old_one(house):
    with house.open(id="1") as events:
        assert house.call(join_sse_name, "Events", ["News", "Events"], client_id="1") == 1
        house.send("old")
        house.send("new", "News")
        assert texts(events.take(2)) == ["old", "new"]
        assert house.call(join_sse_name, "Events", "News", client_id="nobody") == 0
    eventually(lambda: not house.call(get_sse_name_list), "the names are gone")


def test_joining_a_name_takes_over_from_the_same_client(house):
    with open_many(house, "A") as old, open_many(house, "B") as new:
        assert house.call(join_sse_name, "B", "A") == 1
        assert old.until_closed()[-1].type == "pode.close"
        house.send("hi", "A")
        assert new.next().data == "hi"


def test_whoever_comes_back_gets_what_the_joined_name_kept(make_house):
    def setup():
        set_sse_history()
        add_route("get", "/many", many)

    house = make_house(setup)
    with open_many(house, "A") as events:
        house.call(join_sse_name, "A", "B")
        house.send("1", "B")
        assert events.next().data == "1"
    house.send("2", "B")
    with open_many(house, "A,B", last_event_id=events.last_event_id) as again:
        assert again.next().data == "2"


def test_a_stream_that_has_gone_joins_nothing(house):
    client = house.open(id="1")
    [connection] = house.hub.store.select("Events")
    client.close()
    eventually(lambda: connection.outbox.closed, "it has gone")
    assert not house.hub.change(connection, ("A",), ())
    assert house.call(get_sse_name_list) == []


def test_regrouping_while_events_flow_loses_none_to_the_name(house):
    stop = threading.Event()

    def regroup():
        while not stop.is_set():
            house.call(join_sse_group, "Events", "g")
            house.call(leave_sse_group, "Events", "g")

    with house.open(id="1") as events:
        regrouper = threading.Thread(target=regroup)
        regrouper.start()
        try:
            for number in range(2000):
                assert house.send(number).matched == 1
        finally:
            stop.set()
            regrouper.join()
        assert texts(events.take(2000)) == [str(number) for number in range(2000)]


def test_the_handlers_of_every_name_hear_of_it(make_house):
    heard = []

    def setup():
        add_route("get", "/many", many)
        for name in ("A", "B", "C"):
            for kind in ("connect", "disconnect"):
                register_sse_event(
                    name, kind, "note", lambda name=name, kind=kind: heard.append((name, kind))
                )

    house = make_house(setup)
    open_many(house, "A,B").close()
    expected = [("A", "connect"), ("A", "disconnect"), ("B", "connect"), ("B", "disconnect")]
    eventually(lambda: sorted(heard) == expected, "the handlers have run")


@pytest.mark.parametrize(
    ("function", "arguments", "kind", "text"),
    [
        (join_sse_group, ("", "g"), ValueError, "name must not be empty"),
        (join_sse_group, ("A", ""), ValueError, "group must not be empty"),
        (join_sse_group, ("A", "g\n"), ValueError, "must not contain CR, LF or NUL"),
        (join_sse_group, ("A", 1.5), TypeError, "group takes a str"),
        (leave_sse_group, (None, "g"), TypeError, "name takes a str"),
        (join_sse_name, ("A", ""), ValueError, "other must not be empty"),
        (join_sse_name, ("A", "B\0"), ValueError, "must not contain CR, LF or NUL"),
        (join_sse_name, ("", "B"), ValueError, "name must not be empty"),
    ],
)
def test_bad_arguments_are_told(house, function, arguments, kind, text):
    with house.open("A"), pytest.raises(kind, match=text):
        house.call(function, *arguments)


def test_facts_name_all_names_and_groups(house):
    with open_many(house, "A,B", "x,y"):
        [one] = house.call(get_sse_connection)
        assert (one.names, one.groups, one.client_id) == (("A", "B"), ("x", "y"), "me")


def test_names_may_be_members_of_an_enum(live_server):
    class Name(StrEnum):
        NEWS = "news"

    class Group(StrEnum):
        STAFF = "staff"

    def more():
        add_route("get", "/enum", lambda: convert_to_sse_connection(Name.NEWS, group=Group.STAFF))

    house = build(live_server, more)
    with house.live.sse("/enum", deadline=SOON) as events:
        assert events.next().type == "pode.open"
        house.send("hello", name=Name.NEWS, group=Group.STAFF)
        house.send("again", name="news", group="staff")
        assert [event.data for event in events.take(2)] == ["hello", "again"]
