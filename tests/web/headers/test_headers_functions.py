"""Pode's functions about headers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pode_py.core.errors import PodeError
from pode_py.core.signing import sign
from pode_py.web.headers.functions import (
    add_header,
    add_header_bulk,
    get_header,
    set_header,
    set_header_bulk,
)
from pode_py.web.headers.functions import (
    test_header as has_header,
)
from pode_py.web.headers.functions import (
    test_header_signed as has_signed_header,
)
from pode_py.web.routing.functions import add_route
from tests.web.conftest import MemoryExchange, Web


def run(web: Web, handler: Callable[[], object], **options: object) -> MemoryExchange:
    """The answer of a route with this handler."""
    add_route("get", "/", handler, if_exists="overwrite")
    return web.send("GET", "/", **options)  # type: ignore[arg-type]


def test_add_keeps_what_is_there_and_set_replaces_it(web: Web):
    def handler() -> None:
        add_header("X-Name", "a")
        add_header("x-name", "b")
        add_header_bulk({"X-Other": 1, "X-Name": "c"})
        set_header("X-Other", "2")
        set_header_bulk({"X-Third": "3"})

    headers = run(web, handler).headers
    assert (headers["x-name"], headers["x-other"], headers["x-third"]) == ("a, b, c", "2", "3")


def test_request_and_response_headers_are_told_apart(web: Web):
    def handler() -> list[object]:
        set_header("X-Mine", "out")
        return [
            get_header("x-theirs"),
            get_header("X-Mine"),
            get_header("x-mine", response=True),
            has_header("X-THEIRS"),
            has_header("X-Mine"),
            has_header("X-Mine", response=True),
        ]

    answer = run(web, handler, headers={"X-Theirs": "in"})
    assert answer.text == '["in",null,"out",true,false,true]'


def test_values_are_signed_as_pode_does_and_unsigned_again(web: Web):
    def handler() -> str | None:
        set_header("X-Id", "7", secret="hunter2")
        return get_header("X-Id", secret="hunter2")

    answer = run(web, handler, headers={"X-Id": sign("seven", "hunter2")})
    assert answer.headers["x-id"] == sign("7", "hunter2")
    assert answer.text == "seven"


def test_a_wrong_signature_is_none(web: Web):
    def handler() -> list[object]:
        return [
            get_header("X-Id", secret="other"),
            has_signed_header("X-Id", secret="other"),
            has_signed_header("X-Id", secret="hunter2"),
            has_signed_header("X-None", secret="hunter2"),
        ]

    answer = run(web, handler, headers={"X-Id": sign("7", "hunter2")})
    assert answer.text == "[null,false,true,false]"


def test_an_empty_secret_is_refused_and_never_means_unsigned(web: Web):
    for call in (
        lambda: set_header("X-Id", "7", secret=""),
        lambda: add_header_bulk({"X-Id": "7"}, secret=""),
        lambda: get_header("X-Id", secret=""),
        lambda: has_signed_header("X-Id", secret=""),
    ):
        assert run(web, call, headers={"X-Id": "7"}).status == 500
        assert isinstance(web.logs.errors[-1], ValueError)


def test_strict_binds_a_signature_to_user_agent_and_address(web: Web):
    signed = sign("7", "s;curl;10.0.0.1")

    def handler() -> str:
        return str(get_header("X-Id", secret="s", strict=True))

    own = {"X-Id": signed, "User-Agent": "curl"}
    assert run(web, handler, headers=own, address="10.0.0.1").text == "7"
    assert run(web, handler, headers=own, address="::ffff:10.0.0.1").text == "7"
    assert run(web, handler, headers=own, address="10.0.0.2").text == "None"
    other = {"X-Id": signed, "User-Agent": "wget"}
    assert run(web, handler, headers=other, address="10.0.0.1").text == "None"


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nb", "a\rb", "a\0b", "a\x1bb", "\u2028"])
@pytest.mark.parametrize("function", [add_header, set_header])
def test_what_could_break_out_of_a_header_is_refused(web: Web, function: Callable, value: str):
    assert run(web, lambda: function("X-Name", value)).status == 500
    assert run(web, lambda: function(f"X{value}", "x")).status == 500
    assert all(isinstance(error, ValueError) for error in web.logs.errors)


def test_headers_need_a_request():
    with pytest.raises(PodeError, match="while a request is handled"):
        get_header("X-Name")
