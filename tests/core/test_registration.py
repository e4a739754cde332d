"""How calls take their handlers: as an argument or as decorators; what they refuse."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import pode_py
from pode_py import (
    PodeError,
    StartError,
    add_body_parser,
    add_endware,
    add_log_type,
    add_middleware,
    add_route,
    add_schedule,
    add_timer,
    enable_log_error_type,
    enable_log_request_type,
    new_log_custom_method,
    new_log_terminal_method,
    new_middleware,
    register_sse_event,
)
from pode_py.core.registration import Registration, WaitingRegistrations, public_names
from pode_py.server.options import ServerOptions
from pode_py.server.server import Server

WITH_ARGUMENTS: dict[str, Callable[..., Any]] = {
    "add_timer": partial(add_timer, "name", 5),
    "add_schedule": partial(add_schedule, "name", "@daily"),
    "add_route": partial(add_route, "get", "/path"),
    "add_middleware": partial(add_middleware, "name"),
    "add_endware": add_endware,
    "add_body_parser": partial(add_body_parser, "text/csv"),
    "register_sse_event": partial(register_sse_event, "Events", "connect", "note it"),
    "add_log_type": lambda *handler: add_log_type(new_log_terminal_method(), "name", *handler),
}
NO_DECORATORS: dict[str, Callable[..., Any]] = {
    "middleware=": lambda handler: add_route("get", "/", print, middleware=handler),
    "new_middleware": new_middleware,
    "new_log_custom_method": new_log_custom_method,
    "enable_log_request_type": lambda handler: enable_log_request_type(
        new_log_terminal_method(), handler=handler
    ),
    "enable_log_error_type": lambda handler: enable_log_error_type(
        new_log_terminal_method(), handler=handler
    ),
}
EVERY_KIND = {**WITH_ARGUMENTS, **NO_DECORATORS}
STREAMS = {"add_route"}
# What these hand over fills any one parameter.
FILLED = {"add_body_parser", *(name for name in EVERY_KIND if "log" in name)}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Set up by the tests; it never starts."""
    made = Server(ServerOptions(root=tmp_path))
    yield made
    made.stop(0)


def run(server: Server, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call as the set-up handler would."""
    return server.context.copy().run(function, *arguments)


def pieces() -> Iterator[str]:
    yield "piece"


async def async_pieces() -> AsyncIterator[str]:
    yield "piece"


@pytest.mark.parametrize("name", WITH_ARGUMENTS)
def test_a_decorator_returns_the_function(server: Server, name: str):
    def function(*_: Any) -> None: ...

    waiting = run(server, WITH_ARGUMENTS[name])
    assert run(server, waiting, function) is function
    server.room(WaitingRegistrations).check()


@pytest.mark.parametrize("name", WITH_ARGUMENTS)
def test_a_decorator_without_a_function_keeps_the_server_from_starting(server: Server, name: str):
    run(server, WITH_ARGUMENTS[name])
    with pytest.raises(StartError, match=rf"^{name}\(.* at .*test_registration.py:\d+ has no"):
        server.room(WaitingRegistrations).check()


@pytest.mark.parametrize("name", sorted(set(WITH_ARGUMENTS) - {"add_endware"}))
def test_a_decorator_without_its_arguments_says_how_it_is_written(server: Server, name: str):
    def tick() -> None: ...

    bare = getattr(pode_py, name)
    with pytest.raises(PodeError, match=rf"@{name} above `tick \(.*\)` lacks .* @{name}\(.+\)"):
        run(server, bare, tick)


def test_endware_needs_no_arguments(server: Server):
    done = run(server, add_endware, lambda: None)
    with pytest.raises(PodeError, match=r"stands above a function as @add_endware\(\)"):
        done(print)


@pytest.mark.parametrize("name", WITH_ARGUMENTS)
def test_with_a_handler_nothing_waits(server: Server, name: str):
    done = run(server, WITH_ARGUMENTS[name], lambda *_: None)
    assert isinstance(done, Registration)
    server.room(WaitingRegistrations).check()
    with pytest.raises(PodeError, match="no decorator then"):
        done(lambda: None)


@pytest.mark.parametrize("function", [pieces, async_pieces])
@pytest.mark.parametrize("name", sorted(set(EVERY_KIND) - STREAMS))
def test_a_generator_function_is_refused_where_nothing_streams(
    server: Server, name: str, function: Any
):
    with pytest.raises(PodeError, match=rf"`{function.__name__} \(.*\)`, the handler of {name}"):
        run(server, EVERY_KIND[name], function)


@pytest.mark.parametrize("function", [pieces, async_pieces])
def test_a_route_may_stream(server: Server, function: Any):
    run(server, EVERY_KIND["add_route"], function)


@pytest.mark.parametrize("name", EVERY_KIND)
def test_a_parameter_that_nothing_fills_is_refused_when_it_is_added(server: Server, name: str):
    def needs(first: Any, second: Any, third: Any) -> None: ...

    with pytest.raises(PodeError, match=r"has the parameter '(first|second|third)', and nothing"):
        run(server, EVERY_KIND[name], needs)


@pytest.mark.parametrize("name", sorted(set(EVERY_KIND) - FILLED))
def test_the_error_says_what_the_event_is_called(server: Server, name: str):
    with pytest.raises(PodeError, match=r"Did you mean '(web|timer|schedule|triggered)_event'\?"):
        run(server, EVERY_KIND[name], lambda event: event)


@pytest.mark.parametrize("name", EVERY_KIND)
def test_what_is_no_function_is_refused(server: Server, name: str):
    with pytest.raises(TypeError, match="function"):
        run(server, EVERY_KIND[name], 5)


def test_public_names_are_neither_modules_nor_private():
    namespace = {"_hidden": 1, "pytest": pytest, "shown": 2, "test_it": lambda: None}
    assert public_names(namespace) == ["shown", "test_it"]
    assert namespace["test_it"].__test__ is False
