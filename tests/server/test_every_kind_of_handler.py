"""A coroutine or a generator behind a plain decorator, in every kind of handler there is.

What a function is behind its decorator can't be seen when it is added. So a coroutine is run
whoever gives it, and a generator that nobody reads is closed and an error.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from pode_py import (
    PodeError,
    add_body_parser,
    add_endware,
    add_log_type,
    add_middleware,
    add_route,
    add_route_group,
    add_schedule,
    add_timer,
    convert_to_sse_connection,
    enable_log_error_type,
    enable_log_request_type,
    invoke_schedule,
    invoke_timer,
    new_log_custom_method,
    register_sse_event,
    web_event,
    write_error_log,
    write_log,
)
from pode_py.testing import LiveServer
from pode_py.testing.wire import DEADLINE

Add = Callable[[Any], object]
Trigger = Callable[[LiveServer], object]


@dataclass(frozen=True)
class Kind:
    """How a handler of one kind is added, and what makes it run. None: its addition does."""

    add: Add
    trigger: Trigger | None = None


def get(live: LiveServer) -> None:
    live.get("/")


def post(live: LiveServer) -> None:
    live.request("POST", "/data", data=b"a,b", headers={"Content-Type": "text/csv"})


def open_stream(live: LiveServer) -> None:
    with live.sse("/events") as events:
        events.next("pode.open")


def on_end(handler: Any) -> None:
    @add_middleware("mark")
    def mark() -> None:
        web_event.on_end.append(handler)


def custom(handler: Any) -> str:
    return new_log_custom_method(handler)


NOWHERE = partial(new_log_custom_method, lambda item: None)
SOMETHING = partial(write_log, "something", "mine")

KINDS = {
    "middleware": Kind(partial(add_middleware, "first"), get),
    "middleware of a route": Kind(
        lambda handler: add_route("get", "/own", lambda: "", middleware=handler),
        lambda live: live.get("/own"),
    ),
    "endware": Kind(add_endware, get),
    "on_end": Kind(on_end, get),
    "body parser": Kind(partial(add_body_parser, "text/csv"), post),
    "timer": Kind(partial(add_timer, "tick", 1000, on_start=True), lambda live: None),
    "invoked timer": Kind(
        partial(add_timer, "tick", 1000), lambda live: live.call(invoke_timer, "tick")
    ),
    "schedule": Kind(
        partial(add_schedule, "yearly", "@yearly"),
        lambda live: live.call(invoke_schedule, "yearly"),
    ),
    "connect event": Kind(partial(register_sse_event, "Events", "connect", "note"), open_stream),
    "disconnect event": Kind(
        partial(register_sse_event, "Events", "disconnect", "note"), open_stream
    ),
    "log type": Kind(
        lambda handler: add_log_type(NOWHERE(), "mine", handler), lambda live: live.call(SOMETHING)
    ),
    "log method": Kind(
        lambda handler: add_log_type(custom(handler), "mine", raw=True),
        lambda live: live.call(SOMETHING),
    ),
    "request log": Kind(
        lambda handler: enable_log_request_type(NOWHERE(), handler=handler),
        get,
    ),
    "error log": Kind(
        lambda handler: enable_log_error_type(NOWHERE(), handler=handler, name="other"),
        lambda live: live.call(write_error_log, "something"),
    ),
    "routes of a group": Kind(lambda handler: add_route_group("/group", handler)),
    "set-up": Kind(lambda handler: handler()),
}
ADDED = [name for name, kind in KINDS.items() if kind.trigger is None]
LOGS = ["log type", "log method", "request log", "error log"]


def routes() -> None:
    add_route("get", "/", lambda: "Hello")
    add_route("post", "/data", lambda: str(web_event.data))
    add_route("get", "/events", lambda: convert_to_sse_connection("Events") and None)


def set_up_with(name: str, handler: Any, errors: list[str]) -> Callable[[], Any]:
    """A set-up that adds the handler, or is it. What is logged is noted in `errors`."""

    def set_up() -> Any:
        routes()
        enable_log_error_type(new_log_custom_method(errors.append))
        if name == "set-up":
            return handler()
        KINDS[name].add(handler)
        return None

    return set_up


@pytest.mark.parametrize("name", KINDS)
def test_a_coroutine_behind_a_plain_decorator_runs(live_server: Any, name: str):
    ran = threading.Event()

    async def note() -> None:
        await asyncio.sleep(0)
        ran.set()

    live = live_server(set_up_with(name, lambda *_: note(), []))
    trigger = KINDS[name].trigger
    if trigger is not None:
        trigger(live)
    assert ran.wait(DEADLINE)


@pytest.mark.parametrize("name", KINDS)
def test_a_generator_behind_a_plain_decorator_is_closed_and_an_error(
    live_server: Any, name: str, capfd: pytest.CaptureFixture[str]
):
    made: list[Iterator[None]] = []
    gone = threading.Event()
    errors: list[str] = []

    def pieces() -> Iterator[None]:
        raise AssertionError("nobody reads this")
        yield

    def behind(*_: Any) -> Iterator[None]:
        made.append(pieces())
        gone.set()
        return made[0]

    set_up = set_up_with(name, behind, errors)
    if name in ADDED:
        with pytest.raises(PodeError, match="returned a generator"):
            live_server(set_up)
    else:
        live = live_server(set_up)
        trigger = KINDS[name].trigger
        assert trigger is not None
        trigger(live)
        assert gone.wait(DEADLINE)
        live.stop()  # all that was to be logged is written then
        logged = capfd.readouterr().err if name in LOGS else "".join(errors)
        assert "returned a generator" in logged
    assert inspect.getgeneratorstate(made[0]) == inspect.GEN_CLOSED


@pytest.mark.parametrize("kind", [False, True], ids=["generator", "async generator"])
def test_a_route_streams_a_generator_behind_a_plain_decorator(live_server: Any, kind: bool):
    def pieces() -> Iterator[str]:
        yield "one "
        yield "two"

    async def async_pieces() -> Any:
        yield "one "
        yield "two"

    live = live_server(
        lambda: add_route("get", "/", lambda: async_pieces() if kind else pieces()) and None
    )
    assert live.get("/").text == "one two"
