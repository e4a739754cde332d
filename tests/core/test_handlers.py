"""What a handler's parameters get, and what is said when it is added and nothing fills one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from pode_py import PodeError, ScheduleEvent, TimerEvent, TriggeredEvent, WebEvent
from pode_py.core import ambient
from pode_py.core.ambient import Slot
from pode_py.core.handlers import Arguments, Handler, describe

EVENTS = {
    ambient.WEB: WebEvent,
    ambient.TIMER: TimerEvent,
    ambient.SCHEDULE: ScheduleEvent,
    ambient.TRIGGERED: TriggeredEvent,
}


def added(
    function: Callable[..., Any],
    arguments: Arguments = None,
    *,
    slot: Slot = ambient.WEB,
    path: tuple[str, ...] = (),
) -> Handler:
    return Handler(function, slot, arguments, what='add_route("get", "/x")', offered=path)


def refused(*given: Any, **named: Any) -> str:
    with pytest.raises(PodeError) as caught:
        added(*given, **named)
    return str(caught.value)


@pytest.mark.parametrize(
    ("function", "arguments", "result"),
    [
        (lambda a: a, ["one"], "one"),
        (lambda a, web_event: (a, web_event), ["one"], ("one", "event")),
        (lambda web_event, a=2: (web_event, a), None, ("event", 2)),
        (lambda **rest: rest, {"a": 1}, {"a": 1}),
        (lambda *rest: rest, [1, 2], (1, 2)),
        (lambda *rest, web_event: (*rest, web_event), [1, 2], (1, 2, "event")),
        (lambda a, /, b: (a, b), {"a": 1, "b": 2}, (1, 2)),
        (lambda a: a, "text", "text"),
    ],
)
def test_a_handler_gets_the_event_and_its_arguments(function: Any, arguments: Any, result: Any):
    assert added(function, arguments).call("event") == result


@pytest.mark.parametrize(
    ("function", "arguments", "result"),
    [
        (lambda: "none", [1, 2], "none"),
        (lambda a: a, [1, 2], 1),
        (lambda web_event: web_event, [1], "event"),
        (lambda a, *, b=3: (a, b), [1, 2], (1, 3)),
    ],
)
def test_values_that_it_does_not_take_are_left_out(function: Any, arguments: Any, result: Any):
    assert added(function, arguments).call("event") == result


def test_values_of_one_call_that_it_does_not_take_are_left_out():
    assert added(lambda a: a, [1]).call("event", [2, 3]) == 1


def test_what_the_path_offers_fills_the_parameters_of_its_name():
    handler = added(lambda id, web_event: (id, web_event), path=("id", "name"))
    assert list(handler.bound) == ["id"]
    assert handler.call("event", {"id": 7}) == (7, "event")


def test_the_path_and_argument_list_fill_different_parameters():
    handler = added(lambda id, colour: (id, colour), ["red"], path=("id",))
    assert handler.call("event", {"id": 7}) == (7, "red")


@pytest.mark.parametrize("arguments", [{"id": 1}, ["red", 1]])
def test_a_parameter_has_one_source(arguments: Any):
    said = refused(lambda id, colour="": id, arguments, path=("id",))
    assert "gets 'id' from its path" in said
    assert "Leave" in said


def test_the_event_is_in_no_argument_list():
    said = refused(lambda web_event: web_event, {"web_event": 1})
    assert "gets the event as 'web_event', and argument_list names it, too" in said


def test_values_with_a_star_do_not_fill_the_event():
    said = refused(lambda web_event, *values: values, [1, 2])
    assert "`def handler(*values, web_event)`" in said


@pytest.mark.parametrize("name", ["id", "web_event"])
def test_what_is_filled_by_name_must_have_one(name: str):
    function = eval(f"lambda {name}, /: {name}")
    assert "remove the '/' from its parameters" in refused(function, path=("id",))


@pytest.mark.parametrize("name", ["event", "e", "ctx", "webevent", "web_evnt", "req"])
def test_the_event_is_named_if_it_was_meant(name: str):
    said = refused(eval(f"lambda {name}: {name}"))
    assert f"has the parameter {name!r}, and nothing fills it. Did you mean 'web_event'?" in said


def test_a_parameter_of_the_path_is_named_if_it_was_meant():
    said = refused(lambda usr_id: usr_id, path=("user_id",))
    assert (
        "Did you mean 'user_id'? It may have web_event, and parameters of its path: 'user_id'."
        in said
    )


@pytest.mark.parametrize("slot", EVENTS, ids=lambda slot: slot.name)
def test_a_field_of_the_event_is_named_if_it_was_meant(slot: Slot):
    for field in slot.fields:
        assert f"It is {slot.name}.{field}" in refused(eval(f"lambda {field}: 1"), slot=slot)


@pytest.mark.parametrize("slot", EVENTS, ids=lambda slot: slot.name)
def test_the_fields_are_those_of_the_event(slot: Slot):
    event = EVENTS[slot]
    known = {*dir(event), *getattr(event, "__annotations__", {})}
    assert slot.fields
    assert set(slot.fields) <= known


def test_another_parameter_of_a_route_is_told_where_requests_have_their_values():
    said = refused(lambda page: page)
    assert "web_event.query['page'], web_event.data['page'] and get_header('page')" in said
    assert "write :page in it" in said
    assert "argument_list={'page': ...}" in said


def test_an_unknown_name_of_argument_list_says_which_was_meant():
    said = refused(lambda colour: colour, {"color": 1})
    assert "has no parameter 'color', but argument_list names it. Did you mean 'colour'?" in said


def test_no_function_is_told_to_be_given_uncalled():
    with pytest.raises(TypeError, match="Give add_route the function itself, without"):
        added({"a": 1})  # type: ignore[arg-type]


class Callable_:
    def __call__(self) -> None: ...


@pytest.mark.parametrize("function", [describe, partial(partial(describe)), Callable_()])
def test_whatever_python_code_is_called_has_a_line(function: Any):
    assert ".py:" in describe(function)
