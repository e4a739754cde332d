"""What is said at the start of a set-up that can't be meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pode_py import (
    add_endpoint,
    add_middleware,
    add_route,
    add_route_group,
    new_middleware,
    use_routes,
)
from pode_py.web.remarks import remarks
from tests.web.conftest import Web


def check() -> None: ...


def home() -> None: ...


def said(web: Web) -> str:
    return "\n".join(remarks(web.rooms))


def test_a_warning_names_middleware_whose_route_no_route_fits(live_server: Any, capfd: Any):
    def set_up() -> None:
        add_middleware("key", check, route="/api/v1/*")
        add_route("get", "/api/v2/x", home)

    live_server(set_up).stop()
    logged = capfd.readouterr().err
    assert logged.count("never runs") == 1
    assert "Middleware 'key', `check (test_remarks.py:" in logged
    assert "no route fits its route='/api/v1/*'. Did you mean '/api/v2/x'?" in logged


def test_the_wildcard_that_is_missing_is_named(web: Web):
    add_middleware("key", check, route="/api")
    add_route("get", "/api/x", home)
    assert "For what is below that path, write route='/api/*'." in said(web)


def test_so_is_that_of_routes_and_of_groups(web: Web):
    add_route("get", "/x", home, middleware=new_middleware(check, route="/y"))
    with add_route_group("/group", middleware=new_middleware(check, route="/group/b")):
        add_route("get", "/a", home)
    assert said(web).count("never runs") == 2


@pytest.mark.parametrize("route", [None, "/", "/api/*", "/:kind/x", "/API/X"])
def test_middleware_that_a_route_fits_is_not_named(web: Web, route: str | None):
    add_middleware("key", check, route=route)
    add_route("get", "/api/x", home)
    add_route("get", "/other", home)
    assert said(web) == ""


def test_middleware_of_a_group_that_one_of_its_routes_fits_is_not_named(web: Web):
    with add_route_group("/group", middleware=new_middleware(check, route="/group/b")):
        add_route("get", "/a", home)
        add_route("get", "/b", home)
    assert said(web) == ""


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("get", "/u/:id"), ("get", "/U/:name")),
        (("get", "/files/*"), ("get", "/files/:name")),
        (("get", "/files/*"), ("get", "/files/more/*")),
        (("*", "/x"), ("get", "/x")),
    ],
)
def test_a_route_that_another_answers_for_is_named(web: Web, first: Any, second: Any):
    add_route(*first, home)
    add_route(*second, check)
    assert "`check (test_remarks.py:" in said(web)
    assert said(web).count("can't be reached: ") == 1


def test_a_route_for_any_method_hides_those_that_were_added_before(web: Web):
    add_route("get", "/x", check)
    add_route("post", "/y", check)
    add_route("*", "/*", home)
    assert "GET /x, `check (test_remarks.py:" in said(web)
    assert " and 1 more can't be reached: * /*, `home (test_remarks.py:" in said(web)
    assert "Name its methods." in said(web)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("get", "/u/:id"), ("post", "/u/:id")),
        (("get", "/u/:id"), ("get", "/u/new")),
        (("get", "/files/:name"), ("get", "/files/*")),
        (("get", "/files/*"), ("get", "/files/readme")),
        (("get", "/x"), ("*", "/y")),
    ],
)
def test_a_route_that_can_be_reached_is_not_named(web: Web, first: Any, second: Any):
    add_route(*first, home)
    add_route(*second, check)
    assert said(web) == ""


def test_routes_of_different_endpoints_hide_no_other(web: Web):
    add_endpoint(port=8001, name="one")
    add_endpoint(port=8002, name="two")
    add_route("get", "/u/:id", home, endpoint_name="one")
    add_route("get", "/u/:name", check, endpoint_name="two")
    add_route("get", "/u/:any", check)
    assert said(web) == ""


def books(page: int = 1) -> str:
    return str(page)


def found(q: str | None = None, *, tags: list[str] = []) -> None: ...  # noqa: B006


def user(uid=0) -> None: ...


@pytest.mark.parametrize(
    ("path", "handler", "words"),
    [
        ("/x", books, 'write web_event.query.get_int("page", 1) in the function'),
        ("/x", found, 'web_event.query.get_str("q", None)'),
        ("/x", found, 'web_event.query.get_list("tags")'),
        ("/u/:id", user, "The parameter of its path is called 'id': call this one so."),
    ],
)
def test_a_parameter_that_no_request_fills_is_named(web: Web, path: str, handler: Any, words: str):
    add_route("get", path, handler)
    assert "(test_remarks.py:" in said(web)
    assert words in said(web)


def test_a_parameter_that_one_of_several_routes_fills_is_not_named(web: Web):
    add_route("get", "/books", books)
    add_route("get", "/books/:page", books)
    assert said(web) == ""


def test_a_parameter_that_argument_list_fills_is_not_named(web: Web):
    add_route("get", "/a", books, argument_list=[2])
    add_route("get", "/b", found, argument_list={"q": "x", "tags": []})
    assert said(web) == ""


def test_defaults_that_hold_what_a_loop_has_made_are_not_named(web: Web):
    for number in (1, 2):

        @add_route("get", f"/{number}")
        def of_loop(number: int = number) -> None: ...

        add_route("get", f"/lambda/{number}", lambda number=number: number)
    assert said(web) == ""


def test_other_defaults_are_not_named(web: Web):
    @add_route("get", "/x")
    def with_store(web_event, store: dict[str, str] = {}, size=3) -> None: ...  # noqa: B006

    assert said(web) == ""


def test_a_file_of_a_folder_that_adds_nothing_is_named(
    live_server: Any, tmp_path: Path, capfd: Any
):
    (tmp_path / "x.py").write_text("def handler(): ...")

    def set_up() -> None:
        use_routes(tmp_path)

    live_server(set_up).stop()
    logged = capfd.readouterr().err
    assert f"{tmp_path / 'x.py'} defines a function called handler, and adds nothing" in logged
