"""What a generator does before its first piece still decides about the response."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from pode_py import (
    StatusError,
    add_route,
    convert_to_sse_connection,
    enable_log_error_type,
    new_log_custom_method,
    send_sse_event,
    set_header,
    set_response_status,
    write_json_response,
)
from tests.server.program import DEADLINE

Step = Callable[[], Any]


def nothing() -> None: ...


def fail() -> None:
    raise ZeroDivisionError("in the generator")


def refuse() -> None:
    raise StatusError(404, "No such thing")


def head() -> None:
    set_header("X-Pieces", "two")
    set_header("Content-Type", "text/css")
    set_response_status(206)


class House:
    """A server with one route: a generator of the kind that this test is for."""

    def __init__(self, kind: str, live_server: Callable[..., Any]) -> None:
        self.kind = kind
        self.logged: list[str] = []
        self._make = live_server
        self.live: Any = None

    def serve(
        self,
        before: Step = nothing,
        pieces: tuple[Any, ...] = ("one", "two"),
        after: Step = nothing,
    ) -> Any:
        """`before` runs before the first piece, `after` after the last."""

        def plain() -> Any:
            before()
            yield from pieces
            after()

        async def coroutine() -> Any:
            await asyncio.sleep(0)
            before()
            for piece in pieces:
                yield piece
            after()

        def set_up() -> None:
            enable_log_error_type(new_log_custom_method(lambda item: self.logged.append(str(item))))
            add_route("get", "/", plain if self.kind == "plain" else coroutine)

        self.live = self._make(set_up)
        return self.live

    def log(self) -> str:
        self.live.close()
        return "\n".join(self.logged)


@pytest.fixture(params=["plain", "async"])
def house(request: pytest.FixtureRequest, live_server: Callable[..., Any]) -> House:
    return House(request.param, live_server)


def test_a_status_error_is_answered_with_its_page(house: House):
    answer = house.serve(before=refuse).get("/")
    assert answer.status_code == 404
    assert "No such thing" in answer.text
    assert house.log() == ""


def test_another_exception_is_a_500_and_logged_once(house: House):
    assert house.serve(before=fail).get("/").status_code == 500
    assert house.log().count("ZeroDivisionError: in the generator") == 2  # its line and traceback


def test_headers_and_status_are_kept(house: House):
    answer = house.serve(before=head).get("/")
    assert (answer.status_code, answer.text) == (206, "onetwo")
    assert answer.headers["X-Pieces"] == "two"
    assert answer.headers["Content-Type"] == "text/css"


def test_pieces_take_the_place_of_an_error_page(house: House):
    answer = house.serve(before=lambda: set_response_status(404)).get("/")
    assert (answer.status_code, answer.text) == (404, "onetwo")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert house.log() == ""


def test_one_that_yields_nothing_has_an_empty_body(house: House):
    answer = house.serve(before=head, pieces=()).get("/")
    assert (answer.status_code, answer.text) == (206, "")
    assert answer.headers["X-Pieces"] == "two"


def test_one_that_yields_nothing_may_write_its_response(house: House):
    answer = house.serve(before=lambda: write_json_response({"a": 1}), pieces=()).get("/")
    assert answer.json() == {"a": 1}
    assert house.log() == ""


def test_a_response_and_pieces_are_an_error_that_names_the_handler(house: House):
    answer = house.serve(before=lambda: write_json_response({"a": 1})).get("/")
    assert answer.status_code == 500
    log = house.log()
    assert "(test_first_piece.py:" in log
    assert "written a response, and yields pieces as well" in log


def test_one_that_raises_after_its_last_piece_is_cut(house: House):
    answer = house.serve(after=fail).get("/")
    assert (answer.status_code, answer.text, answer.complete) == (200, "onetwo", False)
    assert "ZeroDivisionError" in house.log()


@pytest.mark.parametrize("before", [nothing, head, refuse, fail])
def test_head_is_answered_as_get_is(house: House, before: Step):
    live = house.serve(before=before)
    expected, answer = live.get("/"), live.request("HEAD", "/")
    assert (answer.status_code, answer.text) == (expected.status_code, "")
    assert answer.headers.get("X-Pieces") == expected.headers.get("X-Pieces")


@pytest.mark.parametrize("style", ["pode", "plain"])
def test_one_that_becomes_an_event_stream_sends_its_events(house: House, style: Any):
    def stream() -> None:
        convert_to_sse_connection("Events", scope="local", style=style)
        for number in range(3):
            send_sse_event(str(number), from_event=True)

    live = house.serve(before=stream, pieces=())
    with live.sse("/", deadline=DEADLINE) as events:
        data = [event.data for event in events.until_closed() if event.type == "message"]
    assert data == ["0", "1", "2"]
    assert house.log() == ""


def test_pieces_of_an_event_stream_are_an_error_that_says_what_to_do(house: House):
    closed: list[str] = []

    def stream() -> None:
        convert_to_sse_connection("Events", scope="local")

    live = house.serve(before=stream, after=lambda: closed.append("not reached"))
    with live.sse("/", deadline=DEADLINE) as events:
        events.until_closed()
    log = house.log()
    assert "in an event stream, send_sse_event" in log
    assert closed == []
