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
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import pytest

from pode_py import (
    PodeError,
    StatusError,
    add_body_parser,
    add_endware,
    add_exception_handler,
    add_log_type,
    add_middleware,
    add_route,
    add_route_group,
    add_schedule,
    add_timer,
    close_sse_connection,
    convert_to_sse_connection,
    enable_log_error_type,
    enable_log_request_type,
    invoke_schedule,
    invoke_timer,
    new_log_custom_method,
    new_middleware,
    register_event,
    register_sse_event,
    send_sse_event,
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


def failing() -> None:
    raise KeyError("name")


def exception_handler(handler: Any, *, grouped: bool = False) -> None:
    with add_route_group("/failing"):
        add_route("get", "/", failing)
        if grouped:
            add_exception_handler(KeyError, handler)
    if not grouped:
        add_exception_handler(KeyError, handler)


def in_a_group(handler: Any) -> None:
    with add_route_group("/grouped", middleware=new_middleware(handler)):
        add_route("get", "/", lambda: "")


def of_a_file(handler: Any) -> None:
    """A file whose `handler` is what a script of the user's has put there."""
    with NamedTemporaryFile("w", suffix=".py", delete=False) as file:
        file.write(f"import {__name__} as home\nhandler = home.FILED[-1]\n")
    FILED.append(handler)
    add_timer("filed", 1000, file_path=file.name, on_start=True)
    Path(file.name).unlink()


FILED: list[Any] = []
NOWHERE = partial(new_log_custom_method, lambda item: None)
SOMETHING = partial(write_log, "something", "mine")

KINDS = {
    "middleware": Kind(partial(add_middleware, "first"), get),
    "middleware of a route": Kind(
        lambda handler: add_route("get", "/own", lambda: "", middleware=handler),
        lambda live: live.get("/own"),
    ),
    "middleware of a group": Kind(in_a_group, lambda live: live.get("/grouped/")),
    "in the place of an inbuilt step": Kind(partial(add_middleware, "__pode_mw_access__"), get),
    "exception handler": Kind(exception_handler, lambda live: live.get("/failing/")),
    "exception handler of a group": Kind(
        partial(exception_handler, grouped=True), lambda live: live.get("/failing/")
    ),
    "endware": Kind(add_endware, get),
    "on_end": Kind(on_end, get),
    "body parser": Kind(partial(add_body_parser, "text/csv"), post),
    "timer": Kind(partial(add_timer, "tick", 1000, on_start=True), lambda live: None),
    "invoked timer": Kind(
        partial(add_timer, "tick", 1000), lambda live: live.call(invoke_timer, "tick")
    ),
    "timer of a file": Kind(of_a_file, lambda live: None),
    "schedule": Kind(
        partial(add_schedule, "yearly", "@yearly"),
        lambda live: live.call(invoke_schedule, "yearly"),
    ),
    "connect event": Kind(partial(register_sse_event, "Events", "connect", "note"), open_stream),
    "disconnect event": Kind(
        partial(register_sse_event, "Events", "disconnect", "note"), open_stream
    ),
    **{
        f"{kind} event": Kind(partial(register_event, kind, "note"), lambda live: live.stop())
        for kind in ("starting", "start", "running", "terminate", "stop")
    },
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


@pytest.mark.parametrize("name", [name for name in KINDS if not name.startswith("exception")])
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


STREAMING = ("exception handler", "exception handler of a group")


@pytest.mark.parametrize("name", STREAMING)
def test_the_handler_of_an_exception_streams_a_generator_as_a_route_does(live_server, name):
    def pieces(*_: Any) -> Iterator[str]:
        yield "one "
        yield "two"

    live = live_server(set_up_with(name, pieces, []))
    assert live.get("/failing/").text == "one two"


@pytest.mark.parametrize(
    "name", [name for name in KINDS if name not in (*STREAMING, "on_end", "set-up")]
)
def test_a_generator_function_is_refused_when_it_is_added(live_server: Any, name: str):
    def pieces(*_: Any) -> Iterator[None]:
        yield

    added: list[BaseException] = []

    def set_up() -> None:
        routes()
        try:
            KINDS[name].add(pieces)
        except PodeError as error:
            added.append(error)

    live_server(set_up)
    assert "is a generator function" in str(added[0])
    assert "(test_every_kind_of_handler.py:" in str(added[0])


@pytest.mark.parametrize("refusal", ["a coroutine", "a generator", "an exception", "nothing"])
def test_a_guard_behind_a_plain_decorator_refuses_whatever_becomes_of_it(
    live_server: Any, refusal: str
):
    async def coroutine() -> bool:
        await asyncio.sleep(0)
        return False

    def generator() -> Iterator[bool]:
        yield True

    def guard() -> Any:
        if refusal == "a coroutine":
            return coroutine()
        if refusal == "a generator":
            return generator()
        raise KeyError("role") if refusal == "an exception" else StatusError(403)

    def set_up() -> None:
        add_middleware("guard", guard)
        add_route("get", "/", lambda: "secret")

    assert live_server(set_up).get("/").text != "secret"


def test_a_condition_behind_a_plain_decorator_does_not_choose_everybody(live_server: Any):
    async def chosen(connection: Any) -> bool:
        await asyncio.sleep(0)
        return str(connection.client_id) == "1"

    def set_up() -> None:
        @add_route("get", "/events/:id")
        def events() -> None:
            convert_to_sse_connection("Events", client_id=web_event.parameters["id"])

    live = live_server(set_up)
    with live.sse("/events/1") as one, live.sse("/events/2") as two:
        for stream in (one, two):
            stream.next("pode.open")

        def where(connection: Any) -> Any:
            return chosen(connection)

        def pieces(connection: Any) -> Iterator[bool]:
            yield True

        def behind(connection: Any) -> Any:
            return pieces(connection)

        assert live.call(send_sse_event, "x", name="Events", where=where).matched == 1
        assert live.call(close_sse_connection, "Events", where=where) == 1
        with pytest.raises(PodeError, match="generator"):
            live.call(send_sse_event, "x", name="Events", where=behind)
        with pytest.raises(PodeError, match="generator"):
            live.call(close_sse_connection, "Events", where=pieces)
