"""Handlers of connect and disconnect: when they run, what they know, and whom they can harm."""

from __future__ import annotations

import queue
import threading

import pytest

from pode_py import (
    PodeError,
    add_route,
    convert_to_sse_connection,
    get_sse_event,
    join_sse_name,
    register_sse_event,
    test_sse_event,
    triggered_event,
    unregister_sse_event,
)
from tests.push.house import SOON, eventually


@pytest.fixture
def notes():
    return queue.Queue()


def watch_both(notes):
    def note():
        notes.put(
            (triggered_event.type, triggered_event.name, triggered_event.connection.client_id)
        )

    register_sse_event("Events", "connect", "note", note)
    register_sse_event("Events", "disconnect", "note", note)


def test_both_handlers_run_once_with_the_connection(make_house, notes):
    house = make_house(lambda: watch_both(notes))
    with house.open(id="1"), house.open("Other"):
        assert notes.get(timeout=SOON) == ("connect", "Events", "1")
    assert notes.get(timeout=SOON) == ("disconnect", "Events", "1")
    house.live.stop()
    assert notes.empty()


def test_the_event_knows_its_connection(make_house, notes):
    def more():
        def note(triggered_event):
            sse = triggered_event.connection
            seen = (sse.name, sse.group, sse.client_id, sse.last_event_id, sse.is_global)
            notes.put((seen, triggered_event.timestamp, sse.remote_address))

        register_sse_event("Events", "Connect", "note", note)

    house = make_house(more)
    with house.open(id="1", group="g", last_event_id="9"):
        seen, timestamp, address = notes.get(timeout=SOON)
    assert seen == ("Events", "g", "1", "9", True)
    assert timestamp.tzinfo is not None
    assert address == "127.0.0.1"


def test_local_streams_connect_and_disconnect_too(make_house, notes):
    def more():
        watch_both(notes)
        add_route(
            "get", "/local", lambda: convert_to_sse_connection("Events", scope="local") and None
        )

    house = make_house(more)
    with house.live.sse("/local") as events:
        events.until_closed()
    assert notes.get(timeout=SOON)[0] == "connect"
    assert notes.get(timeout=SOON)[0] == "disconnect"


def test_the_streams_of_a_stopping_server_disconnect(make_house, notes):
    house = make_house(lambda: watch_both(notes))
    for number in range(5):
        house.open(id=str(number))
    house.live.stop()
    seen = [notes.get_nowait() for _ in range(notes.qsize())]
    assert sorted(one[2] for one in seen if one[0] == "disconnect") == list("01234")


def test_a_handler_registered_while_the_server_runs_is_called(make_house, notes):
    house = make_house()
    with house.open("Before"):
        house.call(watch_both, notes)
        with house.open(id="1"):
            assert notes.get(timeout=SOON)[0] == "connect"
        assert notes.get(timeout=SOON)[0] == "disconnect"


def test_a_raising_handler_is_logged_once_and_stops_nobody(make_house, notes):
    def more():
        def broken():
            raise RuntimeError(f"broken {triggered_event.type}")

        for kind in ("connect", "disconnect"):
            register_sse_event("Events", kind, "a broken one", broken)
            register_sse_event("Events", kind, "the next", lambda: notes.put("next"))

    house = make_house(more)
    with house.open() as events:
        assert notes.get(timeout=SOON) == "next"
        house.send("unharmed")
        assert events.next().data == "unharmed"
    assert notes.get(timeout=SOON) == "next"
    assert house.errors() == ["broken connect", "broken disconnect"]
    with house.open() as events:
        assert notes.get(timeout=SOON) == "next"
    assert house.live.get("/quick").text == "quick"


def test_a_slow_handler_holds_up_no_stream(make_house):
    entered, go_on = threading.Event(), threading.Event()

    def more():
        def slow():
            entered.set()
            go_on.wait(SOON)

        register_sse_event("Events", "connect", "slow", slow)

    house = make_house(more, threads=1)
    with house.open() as one:
        assert entered.wait(SOON)
        with house.open() as two:
            house.send("meanwhile")
            assert one.next().data == two.next().data == "meanwhile"
        eventually(lambda: len(house.client_ids()) == 1, "the second is out")
        go_on.set()


def test_an_async_handler_runs_too(make_house, notes):
    def more():
        async def note():
            notes.put(triggered_event.connection.name)

        register_sse_event("Events", "connect", "note", note)

    with make_house(more).open():
        assert notes.get(timeout=SOON) == "Events"


def test_handlers_can_be_found_and_taken_back(make_house, notes):
    house = make_house(lambda: watch_both(notes))

    def look():
        assert test_sse_event("connect", name="Events", event_name="NOTE")
        assert test_sse_event("disconnect", event_name="note")
        assert not test_sse_event("connect", name="Other")
        assert not test_sse_event("connect", event_name="other")
        assert len(get_sse_event(["connect", "disconnect"], name="events")) == 2
        [found] = get_sse_event("connect")
        assert (found.name, found.type, found.event_name) == ("Events", "connect", "note")
        unregister_sse_event("Events", "connect", "note")
        unregister_sse_event("Events", "connect", "note")
        assert not test_sse_event("connect")

    house.call(look)
    with house.open():
        pass
    assert notes.get(timeout=SOON)[0] == "disconnect"
    assert notes.empty()


def test_the_same_event_name_twice_is_an_error_that_says_what_to_do(make_house, notes):
    house = make_house(lambda: watch_both(notes))
    with pytest.raises(PodeError, match="Unregister it first"):
        house.call(watch_both, notes)
    with pytest.raises(ValueError, match="connect"):
        house.call(register_sse_event, "Events", "arrive", "x", print)


def test_the_decorator_and_several_names(make_house, notes):
    def more():
        @register_sse_event(["A", "B"], "connect", "note", argument_list=["seen"])
        def note(word):
            notes.put(f"{word} {triggered_event.name}")

        assert callable(note)

    house = make_house(more)
    with house.open("A"), house.open("B"):
        assert {notes.get(timeout=SOON), notes.get(timeout=SOON)} == {"seen A", "seen B"}


def test_a_connection_of_several_names_runs_the_handlers_of_each(make_house, notes):
    def more():
        def note():
            notes.put((triggered_event.type, triggered_event.name))

        register_sse_event(["A", "B"], "connect", "note", note)
        register_sse_event(["A", "B", "C"], "disconnect", "note", note)

        @add_route("get", "/both")
        def both():
            convert_to_sse_connection(["A", "B"], client_id="1")

    house = make_house(more)
    with house.live.sse("/both", deadline=SOON) as client:
        assert client.next().type == "pode.open"
        assert [notes.get(timeout=SOON) for _ in "AB"] == [("connect", "A"), ("connect", "B")]
        assert house.call(join_sse_name, "A", "C", client_id="1") == 1
    assert [notes.get(timeout=SOON) for _ in "ABC"] == [("disconnect", name) for name in "ABC"]
    house.live.stop()
    assert notes.empty()
