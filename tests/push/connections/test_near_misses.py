"""A send that reaches nobody hints at the name, group or client id that was probably meant."""

from __future__ import annotations

import pytest

from pode_py import (
    add_route,
    close_sse_connection,
    convert_to_sse_connection,
    enable_log_error_type,
    enable_sse_signing,
    join_sse_group,
    new_log_custom_method,
    send_sse_event,
    set_sse_history,
    set_sse_max_age,
    set_sse_slow_client_policy,
)
from pode_py.observability.logs.logs import Logs
from pode_py.testing import FakeClock
from tests.push.house import eventually


@pytest.fixture
def warned(make_house):
    """A house, and the warnings that it has logged. Its time moves by hand."""
    warnings = []

    def more():
        method = new_log_custom_method(warnings.append)
        enable_log_error_type(method, name="warnings", levels="warning", raw=True)

    house = make_house(more, clock=FakeClock())
    house.clock = house.hub.clock

    def texts():
        assert house.live.server.room(Logs).flush()
        return [one["message"] for one in warnings]

    house.hints = texts
    return house


def hint_of(house, **meant):
    """The hint that a send gives that reaches nobody."""
    before = len(house.hints())
    house.clock.advance(61)
    assert house.send("x", **meant).matched == 0
    eventually(lambda: len(house.hints()) > before, "a hint is given")
    return house.hints()[-1]


def gives_no_hint(house, *sends):
    """Whether none of the sends gives a hint: one that does comes after them."""
    for meant in sends:
        house.clock.advance(61)
        assert house.send("x", **meant).matched == 0
    with house.open("Marker"):
        return "'Marker'" in hint_of(house, name="marker") and len(house.hints()) == 1


@pytest.mark.parametrize("meant", ["events", "EVENTS", " Events", "Event", "Evnets", "event s"])
def test_a_name_that_is_nearly_connected(warned, meant):
    with warned.open("Events"):
        hint = hint_of(warned, name=meant)
        assert hint.endswith(f"nobody is connected to {meant!r}; connected: 'Events'.")


def test_the_hint_names_the_line_that_sends(make_house):
    warnings = []

    def more():
        method = new_log_custom_method(warnings.append)
        enable_log_error_type(method, name="warnings", levels="warning", raw=True)
        add_route("get", "/send", send)

    def send():
        send_sse_event("x", name="events")

    house = make_house(more)
    with house.open():
        house.live.get("/send")
        eventually(lambda: warnings, "a hint is given")
    assert warnings[0]["message"].startswith("test_near_misses.py:")


def test_a_group_that_is_nearly_there(warned):
    with warned.open("Events", group="admins"):
        hint = hint_of(warned, name="Events", group="admin")
        assert "nobody at 'Events' is in the group 'admin'; there is: 'admins'." in hint


@pytest.mark.parametrize("meant", ["Ada", "ada ", " ADA"])
def test_a_client_id_that_is_nearly_there(warned, meant):
    with warned.open("Events", id="ada"):
        hint = hint_of(warned, name="Events", client_id=meant)
        assert f"nobody at 'Events' has the client id {meant!r}; there is: 'ada'." in hint


def test_a_client_id_without_its_signature(warned):
    warned.call(enable_sse_signing, "secret")
    with warned.open("Events", id="42"):
        hint = hint_of(warned, name="Events", client_id=42)
        assert "has the client id '42', but one whose id is signed" in hint


def test_what_is_far_from_all_that_is_there_gives_no_hint(warned):
    with warned.open("Events", group="red", id="ada"):
        assert gives_no_hint(
            warned,
            {"name": "Prices"},
            {"name": "Even"[:3]},
            {"name": "Events", "group": "blue"},
            {"name": "Events", "client_id": "adam"},
            {"name": "Events", "group": "red", "client_id": "eve"},
        )


def test_numbers_in_names_are_no_mistakes(warned):
    with warned.open("user-1", group="room-12"):
        assert gives_no_hint(
            warned, {"name": "user-2"}, {"name": "user-12"}, {"name": "user-1", "group": "room-13"}
        )


def test_what_was_connected_once_is_no_mistake(warned):
    with warned.open("Events", group="admins", id="me"), warned.open("Event"):
        warned.call(join_sse_group, "Events", "admin", client_id="me")
    eventually(lambda: warned.connections == 0, "they are gone")
    with warned.open("Events", group="admins"):
        assert gives_no_hint(warned, {"name": "Event"}, {"name": "Events", "group": "admin"})


def test_one_hint_a_minute(warned):
    with warned.open("Events"):
        hint_of(warned, name="events")
        for _ in range(20):
            warned.clock.advance(2)
            warned.send("x", name="events")
        assert len(warned.hints()) == 1
        hint_of(warned, name="Event")
        assert len(warned.hints()) == 2


def test_while_no_error_log_is_enabled_it_is_printed(live_server, capfd):
    live = live_server(
        lambda: add_route("get", "/events", lambda: convert_to_sse_connection("Events"))
    )
    printed = []

    def is_printed():
        printed.append(capfd.readouterr().err)
        return "nobody is connected to 'events'; connected: 'Events'." in "".join(printed)

    with live.sse("/events") as events:
        events.next()
        live.call(send_sse_event, "x", name="events")
        eventually(is_printed, "the hint is printed")


@pytest.mark.parametrize("kept", [True, False])
def test_a_hint_comes_with_and_without_a_history(make_house, kept):
    warnings = []

    def more():
        method = new_log_custom_method(warnings.append)
        enable_log_error_type(method, name="warnings", levels="warning", raw=True)
        set_sse_history(limit=100 if kept else 0)

    house = make_house(more)
    with house.open():
        house.send("x", name="events")
        eventually(lambda: warnings, "a hint is given")


@pytest.mark.parametrize("change", [close_sse_connection, lambda name: join_sse_group(name, "g")])
def test_a_change_that_finds_nobody_gives_a_hint_as_well(warned, change):
    with warned.open("Events"):
        warned.call(change, "events")
        eventually(warned.hints, "a hint is given")
        assert "nobody is connected to 'events'; connected: 'Events'." in warned.hints()[0]


@pytest.mark.parametrize(
    "setting",
    [set_sse_history, set_sse_slow_client_policy, lambda name: set_sse_max_age(60, name=name)],
)
def test_a_setting_for_nearly_the_same_name_is_a_mistake(warned, setting):
    if setting is set_sse_slow_client_policy:
        warned.call(setting, name="events")
    else:
        warned.call(setting, "events")
    with warned.open("Events"), warned.open("Events"):
        [hint] = warned.hints()
        assert "was called for 'events', and a connection of 'Events' has opened" in hint


def test_settings_for_both_names_are_none(warned):
    for name in ("events", "Events", "*"):
        warned.call(set_sse_history, name)
    with warned.open("Events"), warned.open("events"), warned.open("Event"):
        assert warned.hints() == []
