"""Sending: who gets an event, what it looks like, and what send_sse_event says about it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from uuid import UUID

import pytest

from pode_py import (
    PodeError,
    add_middleware,
    add_route,
    convert_to_sse_connection,
    get_sse_broadcast_level,
    get_sse_client_id_list,
    get_sse_group_list,
    join_sse_group,
    join_sse_name,
    leave_sse_group,
    send_sse_event,
    set_sse_broadcast_level,
    set_sse_history,
    test_sse_broadcast_level,
    test_sse_client_id,
    test_sse_name,
    web_event,
)
from pode_py.testing import SseClient
from tests.push.house import SOON, House, eventually, stick


class Colour(Enum):
    RED = "red"


@dataclass
class Point:
    x: int
    y: int


def datas(client: SseClient, count: int) -> list[str]:
    return [event.data for event in client.take(count)]


def only(house: House, client: SseClient) -> list[str]:
    """What the client got up to a marker that everybody gets."""
    house.send("marker")
    got = []
    while (event := client.next()).data != "marker":
        got.append(event.data)
    return got


def test_an_event_has_data_id_and_type(house):
    with house.open() as events:
        house.send("hello", id=7, event_type="news")
        event = events.next()
        assert (event.type, event.data, event.id) == ("news", "hello", "7")
        house.send("plain")
        event = events.next()
        assert (event.type, event.data) == ("message", "plain")


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("one\ntwo", "one\ntwo"),
        ("one\rtwo", "one\ntwo"),
        ("one\r\ntwo", "one\ntwo"),
        ("\n\n", "\n\n"),
        ("", ""),
        (" lead", " lead"),
        ("event: other\nid: 5", "event: other\nid: 5"),
        (": no comment", ": no comment"),
        ("tab\tvt\x0bff\x0cnel\x85ls\u2028ps\u2029", "tab\tvt\x0bff\x0cnel\x85ls\u2028ps\u2029"),
        ("nul\0inside", "nul\0inside"),
        ("\ufeffbom", "\ufeffbom"),
        ("lone \ud800 half", "lone \ufffd half"),
        ("😀", "😀"),
    ],
)
def test_every_line_of_a_text_arrives(house, text, seen):
    with house.open() as events:
        house.send(text)
        assert events.next().data == seen


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": 1, "b": [True, None]}, '{"a":1,"b":[true,null]}'),
        ([1, 2.5], "[1,2.5]"),
        (None, "null"),
        (12, "12"),
        (Point(1, 2), '{"x":1,"y":2}'),
        (datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC), '"2027-01-02T03:04:05Z"'),
        (date(2027, 1, 2), '"2027-01-02"'),
        (Decimal("12.5"), "12.5"),
        (UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        (Colour.RED, '"red"'),
        (Path("/tmp/x"), '"/tmp/x"'),
        ({1}, "[1]"),
        ("ü".encode(), '"ü"'),
        ({"text": "ü\n"}, '{"text":"ü\\n"}'),
    ],
)
def test_other_values_travel_as_compact_json(house, value, text):
    with house.open() as events:
        house.send(value)
        assert events.next().data == text


def test_what_has_no_json_text_is_a_type_error_and_nothing_is_sent(house):
    with house.open() as events:
        with pytest.raises(TypeError):
            house.send(object())
        with pytest.raises(TypeError):
            house.send({"deep": [object()]})
        assert only(house, events) == []


@pytest.mark.parametrize("bad", ["a\rb", "a\nb", "a\0b", "\n", "a\r\n\r\ndata: x"])
@pytest.mark.parametrize("argument", ["id", "event_type"])
def test_line_ends_and_nul_in_id_or_type_are_refused_and_nothing_is_sent(house, argument, bad):
    with house.open() as events:
        with pytest.raises(ValueError, match=argument):
            house.send("x", **{argument: bad})
        assert only(house, events) == []


def test_groups_are_or_client_ids_are_and(house):
    with (
        house.open(id="1", group="red") as one,
        house.open(id="2", group="Blue") as two,
        house.open(id="3") as three,
    ):
        assert house.send("all").matched == 3
        assert house.send("red", group="RED").matched == 1
        assert house.send("both", group=["red", "blue"]).matched == 2
        assert house.send("first", client_id="1").matched == 1
        assert house.send("pair", client_id=[1, 3]).matched == 2
        assert house.send("blue 2", group="blue", client_id="2").matched == 1
        assert house.send("nobody", group="blue", client_id="1").matched == 0
        assert only(house, one) == ["all", "red", "both", "first", "pair"]
        assert datas(two, 4) == ["all", "both", "blue 2", "marker"]
        assert datas(three, 3) == ["all", "pair", "marker"]


def test_several_names_get_an_event_once_each(house):
    with house.open("A") as a, house.open("B") as b, house.open("C") as c:
        delivery = house.send("ab", name=["A", "B", "A"])
        assert (delivery.matched, delivery.queued, delivery.dropped) == (2, 2, 0)
        house.send("end", name=["A", "B", "C"])
        assert datas(a, 2) == datas(b, 2) == ["ab", "end"]
        assert datas(c, 1) == ["end"]


def test_names_and_client_ids_have_case_groups_have_none(house):
    with house.open("Events", id="Me", group="Admins") as events:
        assert house.send("x", name="events").matched == 0
        assert house.send("x", client_id="me").matched == 0
        assert house.send("x", group="ADMINS", client_id="Me").matched == 1
        assert datas(events, 1) == ["x"]


def test_a_name_or_client_that_is_not_there_is_no_error(house):
    delivery = house.send("x", name="Nowhere")
    assert (delivery.matched, delivery.queued, delivery.dropped) == (0, 0, 0)
    assert delivery.wait(0)
    with house.open():
        assert house.send("x", client_id="nobody").matched == 0


def test_a_send_without_a_name_says_that_it_needs_one(house):
    with pytest.raises(PodeError, match="name="):
        house.send("x", name=None)


def test_a_delivery_can_be_waited_for(house):
    with house.open(), house.open():
        delivery = house.send("x")
        assert (delivery.matched, delivery.queued, delivery.dropped) == (2, 2, 0)
        assert delivery.wait(SOON)


def test_a_delivery_to_a_client_that_does_not_read_is_not_flushed(house):
    with house.open(receive_buffer=4096):
        stick(house, "Events")
        delivery = house.send("x")
        assert (delivery.matched, delivery.queued) == (1, 1)
        assert not delivery.wait(0.05)


def test_a_wait_ends_when_the_client_leaves(house):
    with house.open(receive_buffer=4096) as events:
        stick(house, "Events")
        delivery = house.send("x")
        assert delivery.queued == 1
        events.reset()
        assert not delivery.wait(SOON)


def test_from_event_goes_to_a_local_stream_itself(make_house):
    def more():
        def local():
            convert_to_sse_connection("Events", scope="local", client_id="same")
            delivery = send_sse_event("mine", from_event=True)
            assert (delivery.matched, delivery.queued) == (1, 1)

        add_route("get", "/local", local)

    house = make_house(more)
    with house.open(id="same") as other, house.live.sse("/local") as local:
        assert [event.data for event in local.until_closed()][1:] == ["mine", ""]
        assert only(house, other) == []


def test_from_event_goes_to_the_own_client_of_a_global_stream(make_house):
    def more():
        def route():
            convert_to_sse_connection("Events", group="g")
            send_sse_event("welcome", from_event=True)

        add_route("get", "/welcome", route)

    house = make_house(more)
    with house.open(group="g") as other, house.live.sse("/welcome") as own:
        assert datas(own, 2)[1] == "welcome"
        assert only(house, other) == []


def test_from_event_goes_where_the_request_headers_say(make_house):
    def more():
        def route():
            send_sse_event("reply", from_event=True)

        add_route("post", "/say", route)

    house = make_house(more)
    with house.open(id="1", group="g") as one, house.open(id="2", group="g") as two:
        headers = {"X-Pode-Sse-Client-Id": "1", "X-Pode-Sse-Name": "Events"}
        assert house.live.request("POST", "/say", headers=headers).status_code == 200
        assert datas(one, 1) == ["reply"]
        assert only(house, two) == []
        # The client id alone says no name: the handler has to.
        alone = {"X-Pode-Sse-Client-Id": "1"}
        for answer in (
            house.live.request("POST", "/say", headers=alone),
            house.live.request("POST", "/say"),
        ):
            assert answer.status_code == 400
            assert "name=" in answer.text


def test_the_events_of_one_thread_arrive_in_their_order(house):
    with house.open() as events:
        for number in range(5000):
            delivery = house.send(number)
            if number % 500 == 0:
                delivery.wait(SOON)
        assert datas(events, 5000) == [str(number) for number in range(5000)]


def test_several_threads_do_not_disturb_each_others_order(house):
    with house.open() as events:

        def speak(thread):
            for number in range(1000):
                send_sse_event(f"{thread} {number}", name="Events")

        threads = [threading.Thread(target=house.call, args=(speak, n)) for n in range(4)]
        for thread in threads:
            thread.start()
        got = [text.split() for text in datas(events, 4000)]
        for thread in threads:
            thread.join()
    for speaker in "0123":
        assert [n for who, n in got if who == speaker] == [str(n) for n in range(1000)]


def test_every_thread_of_a_handler_finds_the_server(make_house):
    def more():
        def route():
            thread = threading.Thread(target=lambda: send_sse_event("from afar", name="Events"))
            thread.start()
            thread.join()

        add_route("post", "/thread", route)

    house = make_house(more)
    with house.open() as events:
        assert house.live.request("POST", "/thread").status_code == 200
        assert events.next().data == "from afar"


def test_the_level_of_a_name_or_of_all_guards_sends(house):
    house.call(set_sse_broadcast_level, "Group", name="Events")
    house.call(set_sse_broadcast_level, "clientid")
    assert house.call(get_sse_broadcast_level, "EVENTS") == "group"
    assert house.call(get_sse_broadcast_level, "Other") == "clientid"
    allowed = house.live.call
    assert not allowed(test_sse_broadcast_level, "Events")
    assert allowed(test_sse_broadcast_level, "Events", group="g")
    assert allowed(test_sse_broadcast_level, "Events", client_id="1")
    assert not allowed(test_sse_broadcast_level, "Other", group="g")
    assert allowed(test_sse_broadcast_level, "Other", client_id="1")
    with pytest.raises(ValueError, match="clientid"):
        house.call(set_sse_broadcast_level, "nobody")


def test_a_send_below_the_level_sends_to_none_of_its_names(house):
    house.call(set_sse_broadcast_level, "clientid", name="Private")
    with house.open("Events") as events, house.open("Private", id="1") as private:
        with pytest.raises(PodeError, match="client_id="):
            house.send("secret", name=["Events", "Private"])
        with pytest.raises(PodeError, match="client_id="):
            house.send("secret", name="Private", group="g")
        assert only(house, events) == []
        house.send("yours", name="Private", client_id="1")
        assert private.next().data == "yours"


def test_a_route_can_answer_while_others_are_sent_to(make_house):
    def more():
        add_route("post", "/tell", lambda: send_sse_event(web_event.data, name="Events") and None)

    house = make_house(more)
    with house.open() as events:
        answer = house.live.request("POST", "/tell", json={"a": 1})
        assert answer.status_code == 200
        assert events.next().data == '{"a":1}'


def test_a_client_that_just_left_counts_as_matched_or_not_but_never_fails(house):
    with house.open() as events:
        events.close()
        house.send("x")
        eventually(lambda: house.send("x").matched == 0, "the client is out")


# where=


def test_where_chooses_among_those_who_are_meant(house):
    with (
        house.open(id="ada", group="red") as ada,
        house.open(id="bob", group="red") as bob,
        house.open(id="eve") as eve,
        house.open("Other", id="ada") as other,
    ):
        delivery = house.send("x", where=lambda one: one.client_id in ("ada", "eve"))
        assert (delivery.matched, delivery.queued) == (2, 2)
        house.send("y", group="red", where=lambda one: one.client_id != "bob")
        house.send("end", name=["Events", "Other"])
        assert [event.data for event in ada.take(3)] == ["x", "y", "end"]
        assert [event.data for event in eve.take(2)] == ["x", "end"]
        assert bob.next().data == other.next().data == "end"


def test_where_knows_who_opened_a_connection(make_house):
    def more():
        def log_in():
            web_event.auth.user = web_event.query.get("user")
            return True

        add_middleware("log in", log_in)

    house = make_house(more)
    with house.open(user="ada") as ada, house.open(user="bob") as bob:
        assert house.send("hi", where=lambda one: one.auth.user == "ada").matched == 1
        house.send("end")
        assert ada.next().data == "hi"
        assert bob.next().data == "end"


def test_where_that_chooses_nobody_reaches_nobody_later_either(make_house):
    house = make_house(set_sse_history)
    with house.open(id="me") as events:
        cursor = events.last_event_id
        assert house.send("x", where=lambda _: False).matched == 0
    with house.open(id="me", last_event_id=cursor) as again:
        house.send("end")
        assert again.next().data == "end"


def test_with_a_history_a_chosen_client_gets_it_when_it_comes_back(make_house):
    house = make_house(set_sse_history)
    with house.open(id="me") as mine, house.open(id="you"):
        cursor = mine.last_event_id
        delivery = house.send("x", where=lambda one: one.client_id == "me")
        assert mine.next().id == delivery.event_id
    with (
        house.open(id="me", last_event_id=cursor) as me,
        house.open(id="you", last_event_id=cursor) as you,
    ):
        house.send("end")
        assert me.next().data == "x"
        assert you.next().data == "end"


def test_where_that_raises_sends_nothing(house):
    def fails(connection):
        raise LookupError(connection.client_id)

    with house.open(id="me") as events:
        with pytest.raises(LookupError, match="me"):
            house.send("x", where=fails)
        house.send("end")
        assert events.next().data == "end"


async def _later(connection):
    return True


@pytest.mark.parametrize("where", ["ada", 1, _later])
def test_where_is_a_plain_function(house, where):
    with pytest.raises(TypeError, match="where takes a plain function of a connection"):
        house.send("x", where=where)


def test_where_and_from_event_exclude_each_other(house):
    with pytest.raises(PodeError, match=r"from_event=True.* or where="):
        house.send("x", from_event=True, where=lambda _: True)


def test_where_is_held_to_the_broadcast_level(make_house):
    house = make_house(lambda: set_sse_broadcast_level("group", name="Events"))
    with pytest.raises(PodeError, match="broadcast level"):
        house.send("x", where=lambda _: True)


# Values of other types.


@pytest.mark.parametrize(
    ("meant", "wrong"),
    [
        ({"name": [None]}, "name takes a str, not None"),
        ({"name": 1.5}, "name takes a str, not 1.5"),
        ({"group": 1.5}, "group takes a str, not 1.5"),
        ({"group": [True]}, "group takes a str, not True"),
        ({"client_id": 5.0}, "client_id takes a str, not 5.0"),
        ({"client_id": [None]}, "client_id takes a str, not None"),
        ({"event_type": 5}, "event_type takes a str, not 5"),
    ],
)
def test_a_value_that_nobody_could_have_is_an_error_instead_of_reaching_nobody(house, meant, wrong):
    with pytest.raises(TypeError, match=wrong):
        house.send("x", **{"name": "Events", **meant})


def test_numbers_are_names_groups_and_ids_as_in_the_conversion(make_house):
    def more():
        add_route("get", "/room", lambda: convert_to_sse_connection(5, group=6, client_id=7))

    house = make_house(more)
    with house.live.sse("/room") as events:
        events.next()
        house.send("name", name=5)
        house.send("group", name=["5"], group=[6])
        house.send("id", name=5, client_id=7)
        assert datas(events, 3) == ["name", "group", "id"]
        assert house.call(test_sse_name, 5)
        assert house.call(get_sse_client_id_list, 5, group=6) == ["7"]


@pytest.mark.parametrize("change", [join_sse_group, leave_sse_group, join_sse_name])
def test_a_change_to_nothing_is_an_error(house, change):
    for nothing in (None, ""):
        with pytest.raises(ValueError, match="must not be empty"):
            house.call(change, "Events", nothing)
    assert house.call(change, "Events", []) == 0


@pytest.mark.parametrize(
    "ask",
    [
        test_sse_name,
        get_sse_group_list,
        get_sse_client_id_list,
        lambda name: test_sse_client_id(name, "1"),
    ],
)
def test_a_question_about_nothing_is_an_error(house, ask):
    with pytest.raises(TypeError, match="name takes a str, not None"):
        house.call(ask, None)
