"""What is said at the start of a set-up that can't be meant."""

from __future__ import annotations

from typing import Any

import pytest

from pode_py import (
    add_endpoint,
    add_middleware,
    add_route,
    add_route_group,
    new_middleware,
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
