"""Names and calls that there are not: what errors say instead."""

from __future__ import annotations

import importlib
import subprocess
import sys
import traceback
from collections.abc import Callable
from typing import Any

import pytest

import pode_py
from pode_py import get_header, send_sse_event, start_server
from pode_py.core.names import example_of, instead_of_name, spelled
from pode_py.core.notes import add_note
from tests.contract.names import functions, table
from tests.contract.parity import status
from tests.contract.tables import ALIASES

#: One that is still planned, whichever that is.
FUTURE = next(row for row in table().values() if status(row.name) == "planned")
PLANNED = f"{FUTURE.name} (Pode: {FUTURE.pode}) is planned, not there yet."


@pytest.mark.parametrize("row", table().values(), ids=lambda row: row.name)
def test_each_of_pode_s_names_is_known_by_its_state(row: Any):
    said = instead_of_name(row.name, pode_py.__all__)
    assert said is not None
    words = {"present": "from pode_py import", "planned": "is planned, not there yet"}
    assert words.get(status(row.name), "has no meaning in Python or on Linux: ") in said
    assert status(row.name) == "present" or f"{row.name} (Pode: {row.pode})" in said


@pytest.mark.parametrize("name", ["Add-PodeRoute", "AddPodeRoute", "add_pode_route", "Add_Route"])
def test_pode_s_spelling_leads_to_ours(name: str):
    assert spelled(name) == "add_route"
    said = instead_of_name(name, pode_py.__all__)
    assert said == f"{name} is called add_route here: write `add_route`."


def test_a_name_of_the_user_s_own_is_nothing_of_ours():
    assert instead_of_name("users", pode_py.__all__) is None


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (FUTURE.name, PLANNED),
        ("Add_PodeRoute", "Add_PodeRoute is called add_route here"),
        ("show_gui", "has no meaning in Python or on Linux: opens a WPF window"),
        ("add_rout", "pode_py has no add_rout. Did you mean 'add_route'?"),
        (f"{FUTURE.name}s", f"Did you mean '{FUTURE.name}'?"),
        ("flask", "pode_py has no flask."),
    ],
)
def test_an_import_says_what_to_write(name: str, says: str):
    with pytest.raises(ImportError) as caught:
        exec(f"from pode_py import {name}")
    assert says in str(caught.value)
    with pytest.raises(AttributeError) as missed:
        getattr(pode_py, name)
    assert says in str(missed.value)


def test_the_front_door_can_be_asked_for_any_name():
    assert not hasattr(pode_py, FUTURE.name)
    assert not hasattr(pode_py, "__wrapped__")


def test_modules_below_the_front_door_are_imported_as_ever():
    code = "from pode_py import asgi, testing; print(asgi.asgi_app.__name__)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "asgi_app\n"


def noted(function: Callable[[], object]) -> str:
    with pytest.raises((NameError, TypeError)) as caught:
        function()
    add_note(caught.value)
    add_note(caught.value)  # it may be logged twice
    return "".join(traceback.format_exception_only(caught.value))


def test_an_undefined_name_of_ours_gets_one_note():
    said = noted(lambda: eval(FUTURE.name)("home"))
    assert said.count(PLANNED) == 1


def test_a_forgotten_import_is_named():
    said = noted(lambda: web_event.path)  # type: ignore[name-defined]  # noqa: F821
    assert "write `from pode_py import web_event`" in said


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (
            lambda: send_sse_event("Events", "hi"),
            "By position it takes data, by name name=, group=",
        ),  # type: ignore[misc]
        (lambda: send_sse_event("hi", nam="Events"), "Did you mean 'name'?"),  # type: ignore[call-arg]
        (get_header, 'For example: key = get_header("X-Key")'),  # type: ignore[call-arg]
        (lambda: start_server(ScriptBlock=print), "Did you mean 'handler'?"),  # type: ignore[call-arg]
    ],
)
def test_a_call_whose_arguments_do_not_fit_gets_an_example(call: Any, says: str):
    assert says in noted(call)


def test_errors_of_the_user_s_own_calls_get_no_note():
    def get_header_of(name: str) -> None: ...

    assert "By position" not in noted(get_header_of)  # type: ignore[call-arg]


@pytest.mark.parametrize("name", sorted(set(functions()) - set(ALIASES)))
def test_each_function_has_an_example_that_names_it(name: str):
    assert name in example_of(functions()[name])


def test_the_table_of_names_is_not_stale():
    tool: Any = importlib.import_module("tools.pode_names")
    assert tool.FILE.read_text("utf-8") == tool.written(), "python -m tools.pode_names"
