"""What middleware returns: False ends a request, None and True let it go on, all else is an error.

What was meant to refuse a request must never let it in, wherever the middleware stands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from pode_py import (
    StatusError,
    add_middleware,
    add_route,
    add_route_group,
    enable_log_error_type,
    new_log_custom_method,
    new_middleware,
    set_response_status,
)

Add = Callable[[Any], object]


def route_with(handler: Any) -> None:
    add_route("get", "/secret", lambda: "secret", middleware=handler)


def group_with(handler: Any) -> None:
    with add_route_group("", middleware=handler):
        add_route("get", "/secret", lambda: "secret")


def global_of(name: str, handler: Any, **options: Any) -> None:
    add_middleware(name, handler, **options)
    add_route("get", "/secret", lambda: "secret")


def named(handler: Any) -> None:
    add_middleware("auth", handler, route="/elsewhere")
    route_with("auth")


PLACES: dict[str, Add] = {
    "global": partial(global_of, "auth"),
    "global for some paths": partial(global_of, "auth", route="/*"),
    "of a route": route_with,
    "of a route, made before": lambda handler: route_with(new_middleware(handler)),
    "of a route, by name": named,
    "of a group": group_with,
    "in the place of a step before the route": partial(global_of, "__pode_mw_access__"),
    "in the place of a step before the handler": partial(global_of, "__pode_mw_validate__"),
    "in the place of a step before the response": partial(global_of, "__pode_mw_session__"),
}

RETURNED: dict[str, Callable[[], Any]] = {
    "a tuple with a status": lambda: ({"error": "no key"}, 401),
    "a text with a status": lambda: ("no", 403),
    "a text": lambda: "no",
    "an exception": lambda: StatusError(401),
    "a class": lambda: StatusError,
    "zero": lambda: 0,
    "one": lambda: 1,
    "a dict": dict,
    "a list": lambda: [False],
}


def plain(make: Callable[[], Any]) -> Callable[[], Any]:
    def auth() -> Any:
        return make()

    return auth


def coroutine(make: Callable[[], Any]) -> Callable[[], Any]:
    async def auth() -> Any:
        await asyncio.sleep(0)
        return make()

    return auth


@pytest.mark.parametrize("kind", [plain, coroutine])
@pytest.mark.parametrize("place", PLACES)
def test_a_value_that_says_nothing_ends_the_request(live_server: Any, place: str, kind: Any):
    returned: list[Callable[[], Any]] = []
    errors: list[str] = []

    def value() -> Any:
        return returned[-1]()

    def set_up() -> None:
        enable_log_error_type(new_log_custom_method(errors.append))
        PLACES[place](kind(value))

    live = live_server(set_up)
    for what, make in RETURNED.items():
        returned.append(make)
        answer = live.get("/secret")
        assert (what, answer.status_code) == (what, 500)
        assert "secret" not in answer.text
    live.stop()
    logged = "".join(errors)
    assert logged.count("`auth (test_returned_by_middleware.py:") >= len(RETURNED)
    assert "returned a tuple, and what a request needs to go on is None or True" in logged
    assert "Raise it: `raise StatusError(401)`" in logged


@pytest.mark.parametrize("kind", [plain, coroutine])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("value", [None, True])
def test_none_and_true_let_the_request_go_on(live_server: Any, place: str, kind: Any, value: Any):
    live = live_server(lambda: PLACES[place](kind(lambda: value)))
    assert live.get("/secret").text == "secret"


@pytest.mark.parametrize("kind", [plain, coroutine])
@pytest.mark.parametrize("place", [place for place in PLACES if "before the response" not in place])
def test_false_ends_the_request_with_the_response_as_it_is(live_server: Any, place: str, kind: Any):
    live = live_server(lambda: PLACES[place](kind(lambda: bool(set_response_status(403)))))
    answer = live.get("/secret")
    assert answer.status_code == 403
    assert "secret" not in answer.text
