"""Mistakes that show when a handler runs: the log says where, what, and what to write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pode_py import (
    StatusError,
    add_endpoint,
    add_route,
    add_timer,
    enable_log_error_type,
    enable_sse_backplane,
    get_header,
    invoke_timer,
    new_log_custom_method,
    send_sse_event,
    start_server,
    web_event,
)
from pode_py.testing import LiveServer
from tests.contract.names import table
from tests.contract.parity import status

# ruff: noqa: F821, B018
# mypy: ignore-errors

#: A function that is still planned, whichever that is.
FUTURE = next(row for row in table().values() if status(row.name) == "planned")


def planned() -> None:
    eval(FUTURE.name)("home")


def forgotten_import() -> None:
    set_header("X-A", "b")


def misspelt() -> None:
    invoke_timr("tick")


def spelled_as_in_pode() -> None:
    InvokePodeTimer("tick")


def an_event_whose_name_comes_first() -> None:
    send_sse_event("Events", "hello")


def an_unknown_parameter() -> None:
    send_sse_event("hello", nam="Events")


def a_header_without_its_name() -> None:
    get_header()


def an_endpoint_too_late() -> None:
    add_endpoint(port=8100)


def a_backplane_too_late() -> None:
    enable_sse_backplane("redis://localhost:1")


def a_server_in_a_server() -> None:
    start_server(lambda: None)


def an_unknown_argument() -> None:
    invoke_timer("tick", argument_list={"nme": 1})


def an_unknown_timer() -> None:
    invoke_timer("tock")


def an_argument_of_another_type() -> None:
    add_timer("tack", "5", print)


def a_misspelt_field() -> None:
    web_event.quary


def a_field_in_pode_s_case() -> None:
    web_event.Request.Url


def a_field_of_another_framework() -> None:
    web_event.args


def a_parameter_as_an_attribute() -> None:
    web_event.query.page


def a_field_of_the_body_as_an_attribute() -> None:
    web_event.data.name


def an_unknown_parameter_of_a_getter() -> None:
    web_event.query.get_int("page", min=1)


def a_bound_of_another_type() -> None:
    web_event.query.get_int("page", 1, minimum="1")


def a_status_after_its_text() -> None:
    raise StatusError("No such user", 404)


def no_name_of_ours() -> None:
    users


HANDLERS: dict[Callable[[], None], str] = {
    planned: f"{FUTURE.name} (Pode: {FUTURE.pode}) is planned, not there yet.",
    forgotten_import: "set_header is a name of pode_py: write `from pode_py import set_header`.",
    misspelt: "Did you mean 'invoke_timer'?",
    spelled_as_in_pode: "InvokePodeTimer is called invoke_timer here: write `invoke_timer`.",
    an_event_whose_name_comes_first: "By position it takes data, by name name=, group=",
    an_unknown_parameter: "Did you mean 'name'? By position it takes data",
    a_header_without_its_name: 'For example: key = get_header("X-Key")',
    an_endpoint_too_late: "add_endpoint was called while the server runs: nobody would listen",
    a_backplane_too_late: "enable_sse_backplane was called while the server runs",
    a_server_in_a_server: "start_server was called inside of a server",
    an_unknown_argument: "has no parameter 'nme', but argument_list names it. Did you mean 'name'?",
    an_unknown_timer: "Timer 'tock' does not exist. Did you mean 'tick'? There are: 'tick'.",
    an_argument_of_another_type: "not '5'. Write 5, without quotes.",
    a_misspelt_field: "Did you mean 'query'?",
    a_field_in_pode_s_case: "Request is called request here.",
    a_field_of_another_framework: "args is called query here.",
    a_parameter_as_an_attribute: 'stands in brackets: `web_event.query["page"]`.',
    a_field_of_the_body_as_an_attribute: 'stands in brackets: `web_event.data["name"]`.',
    an_unknown_parameter_of_a_getter: "Did you mean 'minimum'? By position it takes name, default",
    a_bound_of_another_type: "minimum takes a value to compare with, not '1': no text.",
    a_status_after_its_text: "not 'No such user'. The text comes after it, as in StatusError(404",
    no_name_of_ours: "NameError: name 'users' is not defined",
}


@pytest.fixture
def logged(live_server: Any) -> tuple[LiveServer, list[str]]:
    """A server with a route for each handler, and what it logs."""
    errors: list[str] = []

    def set_up() -> None:
        enable_log_error_type(new_log_custom_method(errors.append))
        add_timer("tick", 1000, lambda name=1: None)
        for handler in HANDLERS:
            add_route("get", f"/{handler.__name__}", handler)

    return live_server(set_up), errors


def test_a_mistake_in_a_handler_is_logged_with_what_to_write(logged: Any):
    live, errors = logged
    for handler in HANDLERS:
        assert live.get(f"/{handler.__name__}").status_code == 500
    live.stop()
    assert len(errors) == len(HANDLERS)
    for handler, error in zip(HANDLERS, errors, strict=True):
        assert HANDLERS[handler] in error
        assert "/pode_py/" not in error
        line = handler.__code__.co_firstlineno + 1
        assert f'test_wrong_handlers.py", line {line}, in {handler.__name__}' in error
    assert "pode_py" not in errors[-1].rpartition("NameError")[2]
