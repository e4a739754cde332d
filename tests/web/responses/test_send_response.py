"""send_response: the client has its answer while the handler goes on. On both engines."""

from __future__ import annotations

import asyncio
import threading
from contextlib import closing
from http.client import HTTPConnection

import pytest

from pode_py import (
    ClientDisconnected,
    PodeError,
    add_endware,
    add_exception_handler,
    add_route,
    convert_to_sse_connection,
    send_response,
    set_response_status,
    web_event,
    write_text_response,
)
from tests.server.program import DEADLINE
from tests.web.conftest import Web


@pytest.mark.parametrize("size", [5, 8_000_000])
def test_the_answer_is_there_while_a_plain_handler_goes_on(live_server, size):
    may_end, has_ended = threading.Event(), threading.Event()

    def set_up() -> None:
        add_endware(has_ended.set)

        @add_route("get", "/")
        def handler() -> None:
            write_text_response("x" * size, status_code=202)
            send_response()
            assert may_end.wait(DEADLINE)

    live = live_server(set_up)
    answer = live.get("/")
    assert (answer.status_code, len(answer.text)) == (202, size)
    assert not has_ended.is_set()
    may_end.set()
    assert has_ended.wait(DEADLINE)
    assert live.get("/").status_code == 202


def test_the_answer_is_there_while_an_async_handler_goes_on(live_server):
    may_end, has_ended = threading.Event(), threading.Event()
    seen = []

    def set_up() -> None:
        add_endware(has_ended.set)

        @add_route("get", "/")
        async def handler() -> None:
            await asyncio.sleep(0)
            write_text_response("early")
            send_response()
            try:
                # The client has its answer, and leaves: that must not end it.
                await asyncio.to_thread(may_end.wait, DEADLINE)
                seen.append("end")
            except ClientDisconnected:
                seen.append("cut")
                raise

    live = live_server(set_up)
    assert live.get("/").text == "early"
    assert not has_ended.is_set()
    may_end.set()
    assert has_ended.wait(DEADLINE)
    assert seen == ["end"]


def test_a_large_answer_of_an_async_handler_arrives_whole(live_server):
    def set_up() -> None:
        @add_route("get", "/")
        async def handler() -> None:
            await asyncio.sleep(0)
            write_text_response("x" * 8_000_000)
            send_response()
            await asyncio.sleep(0.01)

    live = live_server(set_up)
    assert [len(live.get("/").text) for _ in range(3)] == [8_000_000] * 3


def test_a_connection_serves_the_next_request_afterwards(live_server):
    def set_up() -> None:
        @add_route("get", "/")
        def handler() -> None:
            write_text_response("early")
            send_response()

    live = live_server(set_up)
    connection = HTTPConnection("127.0.0.1", live.port, timeout=DEADLINE)
    with closing(connection):
        for _ in range(3):
            connection.request("GET", "/")
            assert connection.getresponse().read() == b"early"


def test_whatever_is_written_after_it_is_an_error_and_no_second_answer(web: Web):
    def second_text() -> None:
        write_text_response("second")

    def second_status() -> None:
        set_response_status(404)

    for more in (second_text, second_status, send_response, convert_to_sse_connection):

        def handler(more: object = more) -> None:
            write_text_response("first")
            send_response()
            more()  # type: ignore[operator]

        add_route("get", f"/{more.__name__}", handler)
        answer = web.get(f"/{more.__name__}", headers={"Accept": "text/event-stream"})
        assert (answer.status, answer.text) == (200, "first")
    assert len(web.logs.errors) == 4
    assert all(isinstance(error, (PodeError, TypeError)) for error in web.logs.errors)


def test_a_returned_value_is_an_error(web: Web):
    @add_route("get", "/")
    def handler() -> str:
        send_response()
        return "second"

    assert (web.get("/").status, web.get("/").text) == (200, "")
    assert "returned a value as well" in str(web.logs.errors[0])


def test_what_fails_after_it_is_logged_and_asks_no_exception_handler(web: Web):
    asked = []
    add_exception_handler(ValueError, asked.append)

    @add_route("get", "/")
    def handler() -> None:
        write_text_response("first")
        send_response()
        raise ValueError("late")

    assert (web.get("/").status, web.get("/").text) == (200, "first")
    assert [str(error) for error in web.logs.errors] == ["late", "late"]
    assert asked == []


def test_middleware_may_send_it(web: Web):
    def first() -> bool:
        write_text_response("from middleware")
        send_response()
        return False

    add_route("get", "/", lambda: web_event.path, middleware=first)
    assert web.get("/").text == "from middleware"
    assert web.logs.errors == []
