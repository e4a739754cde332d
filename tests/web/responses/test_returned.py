"""What handlers may return, and what it becomes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NamedTuple

import pytest

from pode_py.core.errors import StatusError
from pode_py.web.event import web_event
from pode_py.web.headers.functions import set_header
from pode_py.web.middleware.functions import add_endware, add_middleware
from pode_py.web.responses.functions import (
    set_response_status,
    write_json_response,
    write_text_response,
)
from pode_py.web.routing.functions import add_route, clear_routes
from tests.web.conftest import MemoryExchange, Web


@dataclass
class Point:
    x: int
    y: int


class Pair(NamedTuple):
    left: int
    right: int


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


@pytest.mark.parametrize("value", [7, True, 1.5, {1, 2}, object(), Point, Pair(1, 2)])
def test_values_that_mean_no_response_are_an_error_that_says_what_to_return(web: Web, value: Any):
    assert answer_of(web, lambda: value).status == 500
    assert "Return a dict, list, dataclass, str, bytes" in str(web.logs.errors[0])


def test_the_error_names_the_handler_its_file_and_its_line_and_what_to_write(web: Web):
    def names() -> set[str]:
        return {"Ada"}

    assert answer_of(web, names).status == 500
    message = str(web.logs.errors[0])
    line = names.__code__.co_firstlineno
    assert message.startswith(
        f'`names (test_returned.py:{line})`, the handler of add_route("get", "/"), returned a set.'
    )
    assert "`return sorted(...)`" in message


def test_a_value_and_a_status(web: Web):
    answer = answer_of(web, lambda: ({"id": 7}, 201))
    assert (answer.status, answer.body) == (201, b'{"id":7}')


def test_a_value_a_status_and_headers(web: Web):
    def handler() -> Any:
        set_header("X-Tag", "old")
        fields = {"Location": "/users/7", "X-Tag": ["a", "b"], "Content-Type": "text/css"}
        return "made", HTTPStatus.CREATED, fields

    answer = answer_of(web, handler)
    assert (answer.status, answer.text) == (201, "made")
    assert answer.headers["location"] == "/users/7"
    assert answer.headers["content-type"] == "text/css"
    assert answer.headers["x-tag"] == "a, b"


def test_a_status_without_a_value_has_no_body(web: Web):
    answer = answer_of(web, lambda: (None, 204))
    assert (answer.status, answer.body) == (204, b"")


def test_a_status_from_400_on_without_a_value_has_its_error_page(web: Web):
    answer = answer_of(web, lambda: (None, 404, {"X-Why": "gone"}))
    assert (answer.status, answer.headers["x-why"]) == (404, "gone")
    assert "Not Found" in answer.text


def test_an_iterator_and_a_status(web: Web):
    answer = answer_of(web, lambda: (iter(["a", "b"]), 206))
    assert (answer.status, answer.text) == (206, "ab")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ((), "a tuple of nothing"),
        ((1,), "a tuple of int"),
        (("a", "b"), "a tuple of str, str"),
        ((404, "a"), "a tuple of int, str"),
        (("a", True), "a tuple of str, bool"),
        (("a", 200, "b"), "a tuple of str, int, str"),
        (("a", 200, {}, 1), "a tuple of str, int, dict, int"),
        (("a", 99), "the status 99"),
        (("a", 600), "the status 600"),
        ((("a", 200), 201), "a tuple"),
    ],
)
def test_other_tuples_are_an_error_that_says_which_mean_something(web: Web, value: Any, words: str):
    assert answer_of(web, lambda: value).status == 500
    assert words in str(web.logs.errors[0])


@pytest.mark.parametrize(
    ("value", "body"), [({"id": 8}, b'{"id":8}'), ("none of it", b"none of it"), ("", b"")]
)
def test_a_returned_value_takes_the_place_of_an_error_page(web: Web, value: Any, body: bytes):
    def handler() -> Any:
        set_response_status(404)
        return value

    answer = answer_of(web, handler)
    assert (answer.status, answer.body) == (404, body)
    assert "html" not in answer.headers["content-type"]
    assert web.logs.errors == []


def test_an_async_handler_s_value_takes_the_place_of_an_error_page(web: Web):
    async def handler() -> dict[str, int]:
        set_response_status(409, description="Taken")
        return {"taken": 1}

    assert (answer_of(web, handler).status, web.get("/").body) == (409, b'{"taken":1}')


def test_a_value_with_a_written_response_is_still_an_error(web: Web):
    def handler() -> str:
        set_response_status(404)
        write_text_response("gone")
        return "and more"

    assert answer_of(web, handler).status == 500
    assert "wrote a response and returned a value as well" in str(web.logs.errors[0])


def test_what_json_has_no_text_for_is_an_error_that_names_it(web: Web):
    assert answer_of(web, lambda: {"a": object()}).status == 500
    said = str(web.logs.errors[0])
    assert "<lambda> (test_returned.py:" in said
    assert "object can't be made JSON" in said
    assert said.endswith("It stands at ['a'].")


@pytest.mark.parametrize(
    ("piece", "says"),
    [
        (7, 'yielded an int. Yield str or bytes. As text: `yield "7"`.'),
        ({"a": 1}, "One JSON text a line: `yield json.dumps(value)"),
        (None, "yielded None. Yield str or bytes. Leave out what is None"),
    ],
)
def test_a_first_piece_that_is_no_text_names_the_handler(web: Web, piece: object, says: str):
    def pieces():
        yield piece

    async def async_pieces():
        yield piece

    for number, handler in enumerate((pieces, async_pieces)):
        assert answer_of(web, handler).status == 500
        said = str(web.logs.errors[number])
        assert f"`{handler.__name__} (test_returned.py:" in said
        assert says in said
        clear_routes()


def test_a_header_that_can_t_be_sent_names_the_handler(web: Web):
    assert answer_of(web, lambda: ("x", 200, {"Bad Name": "x"})).status == 500
    said = str(web.logs.errors[0])
    assert "returned headers that can't be sent" in said
    assert "test_returned.py" in said


@pytest.mark.parametrize("value", [StatusError, StatusError(404)])
def test_a_status_error_that_is_returned_is_to_be_raised(web: Web, value: object):
    assert answer_of(web, lambda: value).status == 500
    assert "Raise it: `raise StatusError(404)`." in str(web.logs.errors[0])


def test_a_value_takes_the_place_of_what_middleware_wrote(web: Web):
    add_middleware("early", lambda: write_json_response({"a": 1}, status_code=202))
    answer = answer_of(web, lambda: "late")
    assert (answer.status, answer.body) == (202, b"late")
    assert answer.headers["content-type"].startswith("text/plain")


def test_a_refusal_of_middleware_that_lacks_its_return_false_is_no_answer(web: Web):
    add_middleware("key", lambda: write_json_response({"error": "no key"}, status_code=401))
    assert answer_of(web, lambda: "secret").status == 500
    said = str(web.logs.errors[0])
    assert 'the handler of add_middleware("key")' in said
    assert "ends the request with `return False`" in said


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
    assert "yielded an int. Yield str or bytes." in str(web.logs.errors[0])


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


def test_a_piece_of_text_that_no_utf8_has_gets_what_a_whole_text_gets(web: Web):
    def pieces() -> Iterator[str]:
        yield "a\ud800"

    async def later() -> AsyncIterator[str]:
        yield "a\ud800"

    add_route("get", "/whole", lambda: "a\ud800")
    add_route("get", "/pieces", pieces)
    add_route("get", "/later", later)
    assert web.get("/whole").text == "a?"
    assert web.get("/pieces").text == "a?"
    assert web.get("/later").text == "a?"


def test_a_generator_that_raises_what_is_pythons_own_is_a_500(web: Web):
    def pieces() -> Iterator[str]:
        raise GeneratorExit
        yield "never"

    add_route("get", "/", pieces)
    assert web.get("/").status == 500
    assert "GeneratorExit" in str(web.logs.errors)
