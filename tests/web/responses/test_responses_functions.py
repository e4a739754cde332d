"""Responses that handlers write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pode_py.core.errors import PodeError
from pode_py.http.response import Response
from pode_py.web.endpoints.functions import add_endpoint
from pode_py.web.event import web_event
from pode_py.web.responses.functions import (
    move_response_url,
    set_response_status,
    write_html_response,
    write_json_response,
    write_text_response,
)
from pode_py.web.routing.functions import add_route
from tests.web.conftest import MemoryExchange, Web


def run(
    web: Web, handler: Callable[[], object], target: str = "/", **options: Any
) -> MemoryExchange:
    """The answer of a route with this handler."""
    add_route("get", "/*", handler, if_exists="overwrite")
    return web.get(target, **options)


def test_text_is_written_as_utf_8(web: Web):
    answer = run(web, lambda: write_text_response("hö"))
    assert (answer.status, answer.text) == (200, "hö")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


def test_bytes_and_other_types_are_written_as_they_are(web: Web):
    answer = run(web, lambda: write_text_response(bytes=b"\xff", content_type="image/x"))
    assert (answer.body, answer.headers["content-type"]) == (b"\xff", "image/x")


def test_text_may_be_kept_by_browsers(web: Web):
    answer = run(web, lambda: write_text_response("x", cache=True, max_age=60))
    assert answer.headers["cache-control"] == "max-age=60, must-revalidate"


def test_a_status_set_before_stays_unless_another_is_given(web: Web):
    def handler() -> None:
        set_response_status(201)
        write_text_response("x")

    assert run(web, handler).status == 201
    assert run(web, lambda: write_text_response("x", status_code=202)).status == 202


def test_json_is_written_compact_or_for_people(web: Web):
    answer = run(web, lambda: write_json_response({"a": ["ö"]}))
    assert answer.text == '{"a":["ö"]}'
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert (
        run(web, lambda: write_json_response({"a": 1}, no_compress=True)).text == '{\n  "a": 1\n}'
    )
    assert run(web, lambda: write_json_response(None)).text == "null"


def test_json_text_is_written_as_it_is(web: Web):
    assert run(web, lambda: write_json_response('{"a" : 1}')).text == '{"a" : 1}'
    assert run(web, lambda: write_json_response("")).text == "{}"


def test_files_of_json_and_html_are_written(web: Web):
    (web.root / "a.json").write_text("[1]")
    (web.root / "a.html").write_text("<p>ö", "utf-8")
    assert run(web, lambda: write_json_response(path="a.json")).text == "[1]"
    answer = run(web, lambda: write_html_response(path="a.html"))
    assert (answer.text, answer.headers["content-type"]) == ("<p>ö", "text/html; charset=utf-8")


def test_a_file_that_is_not_there_is_an_error_that_names_it(web: Web):
    assert run(web, lambda: write_html_response(path="gone.html")).status == 500
    assert "gone.html" in str(web.logs.errors[0])


def test_html_text_is_written_as_it_is_and_values_as_an_escaped_table(web: Web):
    assert run(web, lambda: write_html_response("<b>x</b>")).text == "<b>x</b>"
    text = run(web, lambda: write_html_response([{"name": "<i>"}, {"age": 7}])).text
    assert "<th>name</th><th>age</th>" in text
    assert "<td>&lt;i&gt;</td><td></td>" in text


def test_whoever_writes_last_decides(web: Web):
    def handler() -> None:
        write_text_response("one")
        write_json_response([2])

    assert run(web, handler).text == "[2]"


def test_nothing_is_written_to_a_stream(web: Web):
    def handler() -> None:
        web_event.exchange.upgrade(Response())
        write_text_response("x")

    run(web, handler)
    assert isinstance(web.logs.errors[0], PodeError)
    assert "event stream" in str(web.logs.errors[0])


def test_a_status_from_400_up_shows_its_page(web: Web):
    answer = run(web, lambda: set_response_status(404, description="No such user"))
    assert answer.status == 404
    assert "No such user" in answer.text


def test_the_page_may_be_left_out_or_be_of_another_type(web: Web):
    assert run(web, lambda: set_response_status(404, no_error_page=True)).body == b""
    answer = run(web, lambda: set_response_status(404, content_type="application/json"))
    assert answer.text == '{"status":{"code":404,"description":"Not Found"}}'


@pytest.mark.parametrize("code", [0, 100, 199, 600, True, "404"])
def test_a_status_that_is_none_is_refused(web: Web, code: Any):
    assert run(web, lambda: set_response_status(code)).status == 500
    assert "Use a number from 200 to 599" in str(web.logs.errors[0])


@pytest.mark.parametrize("text", ["a\r\nX: y", "Nö", "a\0"])
def test_a_description_never_breaks_the_status_line(web: Web, text: str):
    reasons: list[str | None] = []

    def handler() -> None:
        set_response_status(200, description=text)
        reasons.append(web_event.response.reason)

    run(web, handler)
    assert reasons == [None]


@pytest.mark.parametrize("moved", [False, True])
def test_a_redirect_says_where_to_and_for_how_long(web: Web, moved: bool):
    answer = run(web, lambda: move_response_url("/login", moved=moved))
    assert answer.status == (301 if moved else 302)
    assert answer.headers["location"] == "/login"


def test_letters_beyond_ascii_are_encoded_in_a_redirect(web: Web):
    answer = run(web, lambda: move_response_url("/ö?q=a b%20c&d"))
    assert answer.headers["location"] == "/%C3%B6?q=a%20b%20c&d"


@pytest.mark.parametrize("url", ["/a\r\nX: y", "/a\nb", "/ö\0"])
def test_a_redirect_never_breaks_its_line(web: Web, url: str):
    answer = run(web, lambda: move_response_url(url))
    assert answer.status == 500
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("options", "location"),
    [
        ({"protocol": "https"}, "https://example.com:8080/a?b=1"),
        ({"protocol": "HTTPS", "port": 443}, "https://example.com/a?b=1"),
        ({"port": 9000}, "http://example.com:9000/a?b=1"),
        ({"address": "other.org"}, "http://other.org:8080/a?b=1"),
        ({"endpoint_name": "secure"}, "https://localhost:8443/a?b=1"),
    ],
)
def test_a_redirect_may_keep_the_url_but_for_a_part(
    web: Web, options: dict[str, Any], location: str
):
    add_endpoint(name="secure", protocol="https", self_signed=True)
    answer = run(web, lambda: move_response_url(**options), "/a?b=1", host="Example.com:8080")
    assert answer.headers["location"] == location


def test_a_redirect_to_nowhere_is_an_error(web: Web):
    assert run(web, move_response_url).status == 500
    assert isinstance(web.logs.errors[0], ValueError)
