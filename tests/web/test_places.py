"""Places: who stands along a request, in which order, and how users take a place."""

from __future__ import annotations

import asyncio

import pytest

from pode_py import (
    PodeError,
    StatusError,
    add_endpoint,
    add_endware,
    add_middleware,
    add_route,
    clear_middleware,
    convert_to_sse_connection,
    remove_middleware,
    test_middleware,
    web_event,
    write_text_response,
)
from pode_py.web import places
from pode_py.web.event import WebEvent
from tests.web.conftest import Web


class Guarded:
    """A guard that answers what it was made with."""

    def __init__(self, answer: object, seen: list[str] | None = None) -> None:
        self.answer = answer
        self.seen = seen

    def check(self, event: WebEvent):
        if self.seen is not None:
            self.seen.append("guard")
        yield asyncio.sleep(0)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Bound:
    """A binder that gives what it was made with."""

    def __init__(self, arguments: dict[str, object]) -> None:
        self.arguments = arguments

    def bind(self, event: WebEvent):
        return self.arguments


def change_route(web: Web, **fields: object) -> None:
    """Give the only route what rooms above will give it."""
    (route,) = web.rooms.router.select(None, None)
    for name, value in fields.items():
        object.__setattr__(route, name, value)


def test_the_places_are_passed_in_their_order(web: Web):
    seen: list[str] = []
    for name in places.ALL:
        web.rooms.places.fill(name, lambda _, name=name: seen.append(name))
    add_middleware("mine", lambda: seen.append("global middleware"))
    add_endware(lambda: seen.append("endware"))

    def handler() -> None:
        seen.append("handler")
        web_event.on_end.append(lambda: seen.append("on_end"))
        web_event.before_head = (lambda _: seen.append("head"),)

    add_route("get", "/", handler, middleware=lambda: seen.append("route's middleware"))
    change_route(web, guards=(Guarded(True, seen),))
    web.get("/")
    assert seen == [
        *places.BEFORE_ROUTE,
        "global middleware",
        "guard",
        "route's middleware",
        *places.BEFORE_HANDLER,
        "handler",
        "on_end",
        "endware",
        *places.BEFORE_REPLY,
        "head",
    ]


@pytest.mark.parametrize("name", places.BEFORE_ROUTE)
def test_whoever_stands_before_the_route_may_end_the_request(web: Web, name: str):
    def refuse(event: WebEvent) -> bool:
        event.response.status_code = 429
        return False

    web.rooms.places.fill(name, refuse)
    assert web.get("/nowhere").status == 429


def test_middleware_with_the_name_of_a_place_stands_there(web: Web):
    (web.root / "public").mkdir()
    seen: list[str] = []
    web.rooms.places.fill("static_content", lambda _: seen.append("ours"))

    @add_middleware("__pode_mw_Static_Content__")
    async def mine() -> bool:
        await asyncio.sleep(0)
        write_text_response("mine")
        return False

    assert web.get("/any.txt").text == "mine"
    assert test_middleware("__pode_mw_static_content__")
    remove_middleware("__pode_mw_static_content__")
    assert not test_middleware("__pode_mw_static_content__")
    assert web.get("/any.txt").status == 404
    assert seen == ["ours"]


def test_a_place_is_taken_once_and_has_no_route(web: Web):
    add_middleware("__pode_mw_access__", lambda: True)
    with pytest.raises(PodeError, match="already exists"):
        add_middleware("__pode_mw_access__", lambda: True)
    with pytest.raises(ValueError, match="takes no route"):
        add_middleware("__pode_mw_preflight__", lambda: True, route="/x")
    with pytest.raises(PodeError, match="There is no inbuilt middleware '__pode_mw_acess__'"):
        add_middleware("__pode_mw_acess__", lambda: True)


def test_clearing_middleware_leaves_the_places_alone(web: Web):
    add_middleware("__pode_mw_access__", lambda: False)
    add_route("get", "/", lambda: "here")
    clear_middleware()
    assert web.get("/").text == ""


@pytest.mark.parametrize("answer", [None, False, 0, 1, "yes", ValueError("no")])
def test_a_guard_that_does_not_say_true_refuses(web: Web, answer: object):
    ran: list[str] = []
    add_route("get", "/", lambda: ran.append("handler"), middleware=lambda: ran.append("route's"))
    change_route(web, guards=(Guarded(True), Guarded(answer)))
    assert web.get("/").status == (500 if isinstance(answer, ValueError) else 403)
    assert ran == []


def test_a_guard_may_write_the_response_that_refuses(web: Web):
    class Challenge(Guarded):
        def check(self, event: WebEvent):
            event.response.status_code = 401
            event.response.written = True
            return False
            yield

    add_route("get", "/", lambda: "never")
    change_route(web, guards=(Challenge(False),))
    assert web.get("/").status == 401


def test_a_binder_fills_the_parameters_of_a_handler(web: Web):
    add_route("get", "/", lambda user=0, page=1: {"user": user, "page": page})
    change_route(web, binder=Bound({"user": 7}))
    assert web.get("/").text == '{"user":7,"page":1}'


def test_what_fails_before_the_reply_is_answered_with_an_error(web: Web):
    def save(event: WebEvent) -> None:
        raise StatusError(503, "The session could not be saved.")

    web.rooms.places.fill("session", save)
    add_route("get", "/", lambda: "pretends to be saved")
    answer = web.get("/")
    assert answer.status == 503
    assert "pretends" not in answer.text


def test_before_head_comes_before_the_head_of_a_stream(live_server):
    def mark(event: WebEvent) -> None:
        event.response.headers["X-Ready"] = "yes"

    def set_up() -> None:
        add_endpoint(port=0)

        @add_middleware("ready")
        def ready() -> None:
            web_event.before_head = (*web_event.before_head, mark)

        @add_route("get", "/events")
        def events() -> None:
            convert_to_sse_connection("Events")

        add_route("get", "/", lambda: "plain")

    live = live_server(set_up)
    assert live.get("/").headers["X-Ready"] == "yes"
    with live.sse("/events") as stream:
        assert stream.headers["X-Ready"] == "yes"
