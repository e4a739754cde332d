"""What handlers may return, and what it becomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from pode_py.web.event import web_event
from pode_py.web.headers.functions import set_header
from pode_py.web.middleware.functions import add_endware
from pode_py.web.routing.functions import add_route
from tests.web.conftest import MemoryExchange, Web


@dataclass
class Point:
    x: int
    y: int


def answer_of(web: Web, handler: Any) -> MemoryExchange:
    """The answer of a route with this handler."""
    add_route("get", "/", handler)
    return web.get("/")


@pytest.mark.parametrize(
    ("value", "body", "content_type"),
    [
        ("hö", "hö".encode(), "text/plain; charset=utf-8"),
        ("", b"", "text/plain; charset=utf-8"),
        (b"\x00\xff", b"\x00\xff", "application/octet-stream"),
        (bytearray(b"x"), b"x", "application/octet-stream"),
        ({"a": [1]}, b'{"a":[1]}', "application/json; charset=utf-8"),
        ([], b"[]", "application/json; charset=utf-8"),
        (Point(1, 2), b'{"x":1,"y":2}', "application/json; charset=utf-8"),
        ([Point(1, 2)], b'[{"x":1,"y":2}]', "application/json; charset=utf-8"),
    ],
)
def test_values_become_responses(web: Web, value: Any, body: bytes, content_type: str):
    answer = answer_of(web, lambda: value)
    assert (answer.status, answer.body) == (200, body)
    assert answer.headers["content-type"] == content_type


def test_a_content_type_that_was_set_stays(web: Web):
    def handler() -> str:
        set_header("Content-Type", "text/css")
        return "body {}"

    assert answer_of(web, handler).headers["content-type"] == "text/css"


@pytest.mark.parametrize("value", [7, True, 1.5, ("a", 404), {1, 2}, object(), Point])
def test_values_that_mean_no_response_are_an_error_that_says_what_to_return(web: Web, value: Any):
    assert answer_of(web, lambda: value).status == 500
    assert "Return a dict, list, dataclass, str, bytes" in str(web.logs.errors[0])


def test_what_json_has_no_text_for_is_an_error_that_names_it(web: Web):
    assert answer_of(web, lambda: {"a": object()}).status == 500
    assert "object can't be made JSON" in str(web.logs.errors[0])


def test_generators_are_sent_piece_by_piece(web: Web):
    def pieces():
        yield "one "
        yield b"two"
        yield ""

    assert answer_of(web, pieces).body == b"one two"


def test_iterators_are_sent_piece_by_piece(web: Web):
    assert answer_of(web, lambda: iter(["a", "b"])).body == b"ab"


def test_async_generators_run_on_the_loop_and_see_the_event(web: Web):
    async def pieces():
        yield "path "
        yield web_event.path

    answer = answer_of(web, pieces)
    assert answer.body == b"path /"
    assert web.logs.errors == []


def test_an_async_function_may_return_an_async_generator(web: Web):
    async def pieces():
        yield "x"

    async def handler():
        return pieces()

    assert answer_of(web, handler).body == b"x"


def test_an_async_generator_that_raises_is_logged_once(web: Web):
    async def pieces():
        yield "x"
        raise RuntimeError("half way")

    assert answer_of(web, pieces).body == b"x"
    assert [str(error) for error in web.logs.errors] == ["half way"]


def test_a_piece_that_is_no_text_is_logged(web: Web):
    def pieces():
        yield "x"
        yield 7

    answer_of(web, pieces)
    assert "The handler's iterator yielded int" in str(web.logs.errors[0])


def test_a_stream_that_is_not_sent_is_closed(web: Web):
    closed: list[str] = []

    def pieces():
        try:
            yield "x"
            yield "y"
        finally:
            closed.append("closed")

    def take_back() -> None:
        next(web_event.response.body)
        web_event.response.reset(204)

    add_endware(take_back)
    assert answer_of(web, pieces).status == 204
    assert closed == ["closed"]
