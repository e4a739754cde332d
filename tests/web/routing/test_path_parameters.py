"""Parameters of a path fill the parameters of its handler, converted as they are annotated."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal

import pytest

from pode_py import (
    PodeError,
    add_middleware,
    add_route,
    add_route_group,
    get_route,
    web_event,
)
from pode_py.testing import LiveServer


class Colour(enum.Enum):
    RED = "red"
    Blue = "Dark-Blue"
    THIRD = 3


ID = uuid.UUID("12345678-1234-5678-1234-567812345678")
#: Kind, text in the path, and what the handler gets.
FITS: list[tuple[Any, str, Any]] = [
    (str, "7", "7"),
    (Any, "7", "7"),
    (int, "7", 7),
    (int, "-0012", -12),
    (float, "1.5", 1.5),
    (bool, "yes", True),
    (float, "2", 2.0),
    (float, "1e3", 1000.0),
    (date, "2027-03-14", date(2027, 3, 14)),
    (uuid.UUID, str(ID), ID),
    (uuid.UUID, ID.hex, ID),
    (Colour, "red", Colour.RED),
    (Colour, "RED", Colour.RED),
    (Colour, "dark-blue", Colour.Blue),
    (Colour, "3", Colour.THIRD),
    (Literal["new", "old"], "old", "old"),
    (Literal[1, 2], "2", 2),
    (int | None, "7", 7),
    (Annotated[int, "a note"], "7", 7),
]
DOES_NOT_FIT: list[tuple[Any, str]] = [
    (int, "x"),
    (int, "1.0"),
    (bool, "maybe"),
    (int, "1_000"),
    (int, "%D9%A3"),  # a digit of another script
    (int, "9" * 5000),
    (float, "nan"),
    (float, "inf"),
    (float, "1e999"),
    (date, "2027-02-30"),
    (date, "20270314"),
    (uuid.UUID, "1234"),
    (uuid.UUID, "%7B" + str(ID) + "%7D"),
    (Colour, "green"),
    (Literal["new", "old"], "older"),
]


def with_annotation(kind: Any) -> Callable[..., Any]:
    def show(value):  # type: ignore[no-untyped-def]
        return {"is": repr(value)}

    show.__annotations__["value"] = kind
    return show


@pytest.mark.parametrize(("kind", "text", "value"), FITS)
def test_a_value_is_what_the_annotation_says(live_server: Any, kind: Any, text: str, value: Any):
    live = live_server(lambda: add_route("get", "/x/:value", with_annotation(kind)) and None)
    assert live.get(f"/x/{text}").json() == {"is": repr(value)}


@pytest.mark.parametrize(("kind", "text"), DOES_NOT_FIT)
def test_a_value_that_does_not_fit_is_404(live_server: Any, kind: Any, text: str):
    live = live_server(lambda: add_route("get", "/x/:value", with_annotation(kind)) and None)
    assert live.get(f"/x/{text}").status_code == 404


@pytest.fixture
def live(live_server: Any) -> LiveServer:
    class Size(enum.Enum):
        SMALL = "s"

    def set_up() -> None:
        class Local(enum.Enum):
            HERE = "here"

        @add_route("get", "/text/:id")
        def text(id):  # type: ignore[no-untyped-def]
            return id

        @add_route("get", "/both/:id/:name")
        def both(name, web_event, id: int):  # type: ignore[no-untyped-def]
            return [id, name, web_event.parameters["id"]]

        @add_route("get", "/local/:where")
        def local(where: Local) -> str:
            return where.name

        @add_route("get", "/async/:id")
        async def later(id: int) -> Any:
            return [id]

        @add_route("get", "/wild/:id/*")
        def wild(id: int) -> Any:
            return [id, web_event.parameters["*"]]

        @add_route("get", "/values/:id", argument_list=["red"])
        def values(id: int, colour: str) -> Any:
            return [id, colour]

        def maybe(id: int | None = None) -> Any:
            return {"id": id}

        add_route("get", "/maybe", maybe)
        add_route("get", "/maybe/:id", maybe)

        with add_route_group("/group/:group"):
            add_route("get", "/:id", lambda group, id: [group, id])

        add_middleware("first", lambda: None, route="/maybe/*")

    return live_server(set_up)


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/both/7/Ada", [7, "Ada", "7"]),
        ("/async/7", [7]),
        ("/wild/7/a/b", [7, "a/b"]),
        ("/values/7", [7, "red"]),
        ("/maybe", {"id": None}),
        ("/maybe/7", {"id": 7}),
        ("/group/a/b", ["a", "b"]),
    ],
)
def test_a_handler_has_the_parameters_of_its_path(live: LiveServer, path: str, answer: Any):
    assert live.get(path).json() == answer


def test_without_an_annotation_it_is_text(live: LiveServer):
    assert live.get("/text/a%20b").text == "a b"


def test_an_annotation_can_be_a_class_of_the_set_up(live: LiveServer):
    assert live.get("/local/here").text == "HERE"


def test_routes_whose_handlers_take_none_have_no_binder(live: LiveServer):
    bound = {route.path for route in live.call(get_route) if route.binder is not None}
    assert "/maybe/:id" in bound
    assert "/maybe" not in bound


def set_up_fails(live_server: Any, set_up: Callable[[], object]) -> str:
    with pytest.raises(PodeError) as caught:
        live_server(lambda: set_up() and None)
    return str(caught.value)


def test_an_annotation_that_text_cannot_become_is_refused_when_it_is_added(live_server: Any):
    def user(id: list[int]) -> None: ...

    said = set_up_fails(live_server, lambda: add_route("get", "/users/:id", user))
    assert "`user (test_path_parameters.py:" in said
    assert (
        "cannot become list[int]. Annotate it as str, int, float, bool, date, UUID or an Enum"
        in said
    )


def test_an_annotation_that_names_nothing_is_refused_when_it_is_added(live_server: Any):
    def user(id: Missing) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    said = set_up_fails(live_server, lambda: add_route("get", "/users/:id", user))
    assert "its annotation 'Missing' cannot be read: name 'Missing' is not defined" in said


def test_a_parameter_of_the_path_is_not_called_as_the_event(live_server: Any):
    said = set_up_fails(live_server, lambda: add_route("get", "/:web_event", lambda: None))
    assert "has the name of the event" in said
