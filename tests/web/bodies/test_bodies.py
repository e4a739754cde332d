"""What the bodies of requests mean."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pode_py.core.errors import PodeError
from pode_py.web.bodies.functions import (
    add_body_parser,
    remove_body_parser,
    set_body_defaults,
)
from pode_py.web.event import web_event
from pode_py.web.routing.functions import add_route
from tests.web.conftest import MemoryExchange, Web

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


def data_of(web: Web, body: bytes, content_type: str) -> Any:
    """What the handler sees."""
    answer = status_of(web, body, content_type)
    assert answer.status == 200, answer.text
    return json.loads(answer.text)["data"]


def status_of(web: Web, body: bytes, content_type: str) -> MemoryExchange:
    """The answer of a handler that looks at the data."""
    add_route("post", "/", lambda: {"data": web_event.data}, if_exists="overwrite")
    return web.post("/", body, content_type)


@pytest.mark.parametrize("kind", [JSON, "APPLICATION/JSON; charset=utf-8", "application/ld+json"])
def test_json_is_read(web: Web, kind: str):
    assert data_of(web, '{"a": [1, "ä"]}'.encode(), kind) == {"a": [1, "ä"]}


def test_json_need_not_be_an_object(web: Web):
    assert data_of(web, b"[1, 2.5, null]", JSON) == [1, 2.5, None]


def test_a_byte_order_mark_and_white_space_are_no_data(web: Web):
    assert data_of(web, b'\xef\xbb\xbf {"a": 1}', JSON) == {"a": 1}
    assert data_of(web, b"  ", JSON) == {}


def test_another_charset_is_respected(web: Web):
    assert data_of(web, '"ä"'.encode("latin-1"), f"{JSON}; charset=iso-8859-1") == "ä"


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{'a': 1}",
        b"[1,]",
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b"1e999",
        b"9" * 5000,
        b'{"a": 1, "a": 2}',
        b"[" * 129 + b"]" * 129,
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\xff\xfe",
        b'"\x00"',
    ],
)
def test_json_that_is_none_or_that_parsers_disagree_about_is_400(web: Web, body: bytes):
    assert status_of(web, body, JSON).status == 400
    assert web.logs.errors == []


def test_json_of_128_levels_is_fine(web: Web):
    assert status_of(web, b"[" * 128 + b"]" * 128, JSON).status == 200


def test_a_bad_body_is_no_error_for_who_does_not_look(web: Web):
    add_route("post", "/", lambda: web_event.request.raw_body)
    assert web.post("/", b"{", JSON).body == b"{"


def test_forms_are_read_and_repeated_names_are_lists(web: Web):
    body = b"name=J+D%C3%B6&a=1&a=2&empty="
    assert data_of(web, body, FORM) == {"name": "J Dö", "a": ["1", "2"], "empty": ""}


def test_forms_of_more_than_a_thousand_names_are_400(web: Web):
    body = b"&".join(b"n%d=1" % number for number in range(1001))
    assert status_of(web, body, FORM).status == 400


def test_a_field_that_was_not_sent_is_400_and_named(web: Web):
    add_route("post", "/x", lambda: web_event.data["name"])
    for body, kind in ((b"{}", JSON), (b"a=1", FORM), (b"", JSON)):
        answer = web.post("/x", body, kind)
        assert answer.status == 400
        assert "name" in answer.text


def test_text_and_unknown_types_are_text(web: Web):
    assert data_of(web, b"hello", "text/plain") == "hello"
    assert data_of(web, b"a,b", "text/x-notes") == "a,b"


def test_a_body_without_a_type_or_no_body_is_empty(web: Web):
    assert data_of(web, b"hello", "") == {}
    assert data_of(web, b"", "text/plain") == {}


def test_forms_with_files_say_that_they_are_not_read_yet(web: Web):
    assert status_of(web, b"--x--", "multipart/form-data; boundary=x").status == 415


def test_a_body_parser_of_the_user_goes_first(web: Web):
    @add_body_parser("Text/CSV")
    def parse_csv(content: str) -> list[str]:
        return content.split(",")

    add_body_parser(JSON, lambda content: content.upper())
    assert data_of(web, b"a,b", "text/csv; charset=utf-8") == ["a", "b"]
    assert data_of(web, b'"a"', JSON) == '"A"'
    remove_body_parser("text/csv")
    remove_body_parser("text/csv")
    assert data_of(web, b"a,b", "text/csv") == []


def test_there_is_one_body_parser_for_a_type(web: Web):
    add_body_parser("text/csv", str)
    with pytest.raises(PodeError, match="text/csv already exists"):
        add_body_parser("text/csv", str)


@pytest.mark.parametrize("kind", ["csv", "text/", "text/csv; charset=utf-8", ""])
def test_a_body_parser_needs_a_content_type(web: Web, kind: str):
    with pytest.raises(ValueError, match="not a content type"):
        add_body_parser(kind, str)


def test_an_async_body_parser_is_refused(web: Web):
    async def parse(content: str) -> str:
        return content

    with pytest.raises(PodeError, match="can't be an async function"):
        add_body_parser("text/csv", parse)


def test_defaults_beat_the_client_and_the_route_beats_them(web: Web):
    set_body_defaults(content_type=JSON, content_type_routes={"/forms/*": FORM})
    add_route("post", "/", lambda: {"data": web_event.data})
    add_route("post", "/forms/x", lambda: {"data": web_event.data})
    add_route("post", "/forms/text", lambda: {"data": web_event.data}, content_type="text/plain")
    assert json.loads(web.post("/", b"[1]", "text/plain").text) == {"data": [1]}
    assert json.loads(web.post("/forms/x", b"a=1", JSON).text) == {"data": {"a": "1"}}
    assert json.loads(web.post("/forms/text", b"a=1", JSON).text) == {"data": "a=1"}


def test_defaults_that_are_not_given_stay(web: Web):
    set_body_defaults(content_type=JSON)
    set_body_defaults(content_type_routes={})
    assert data_of(web, b"[1]", "text/plain") == [1]
    with pytest.raises(ValueError, match="'json' is not a content type"):
        set_body_defaults(content_type="json")


@pytest.mark.parametrize(("body", "is_said"), [(b'{"name":"Ada"}', True), (b"nam=Ada", False)])
def test_json_that_comes_as_a_form_lacks_its_content_type(web: Web, body: bytes, is_said: bool):
    add_route("post", "/", lambda: web_event.data["name"])
    answer = web.post("/", body, FORM)
    assert answer.status == 400
    assert ("send it with Content-Type: application/json" in answer.text) == is_said


def test_a_getter_says_so_as_well(web: Web):
    add_route("post", "/", lambda: str(web_event.data.get_int("age")))
    assert "Content-Type: application/json" in web.post("/", b'{"age":7}', FORM).text
