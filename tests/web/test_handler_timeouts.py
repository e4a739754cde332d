"""Handlers that do not answer in time: 503, what is awaited cancelled, late answers dropped."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from pode_py import (
    StatusError,
    add_endware,
    add_exception_handler,
    add_middleware,
    add_route,
    add_route_group,
    convert_to_sse_connection,
    enable_log_error_type,
    enable_log_request_type,
    new_log_custom_method,
    send_response,
    send_sse_event,
    set_header,
    start_server,
    web_event,
)
from pode_py.testing import FakeClock, LiveServer, Wire
from tests.server.program import DEADLINE, beside


class House:
    """A server whose clock is moved by hand, and handlers that wait until they are let go."""

    def __init__(self, make: Callable[..., LiveServer]) -> None:
        self.clock = FakeClock()
        self.logged: list[str] = []
        self.go = threading.Event()
        self.inside = threading.Semaphore(0)
        self.ended = threading.Semaphore(0)
        self.live: LiveServer
        self._make = make

    def start(self, set_up: Callable[[], Any], **options: Any) -> None:
        def all_of_it() -> None:
            enable_log_error_type(new_log_custom_method(lambda item: self.logged.append(str(item))))
            set_up()

        self.live = self._make(all_of_it, clock=self.clock, **options)

    def ask(self, path: str, **options: Any) -> Any:
        """Ask on another thread; return once the handler has begun."""
        answer = beside(self.live.get, path, **options)
        assert self.inside.acquire(timeout=DEADLINE)
        return answer

    def wait(self) -> str:
        """A plain handler's work."""
        self.inside.release()
        self.go.wait(DEADLINE)
        self.ended.release()
        return "late"

    async def wait_async(self) -> str:
        self.inside.release()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.release()
        return "never"

    def log(self) -> str:
        """All that was logged, once the server has ended."""
        self.go.set()
        self.live.close()
        return "\n".join(self.logged)


@pytest.fixture
def house(live_server: Callable[..., LiveServer]) -> Iterator[House]:
    made = House(live_server)
    yield made
    made.go.set()


def test_an_async_handler_is_cancelled_and_its_client_gets_503(house: House):
    house.start(lambda: add_route("get", "/", house.wait_async, timeout=5))
    answer = house.ask("/")
    house.clock.advance(4.9)
    assert not answer.done()
    house.clock.advance(0.2)
    assert answer.result(DEADLINE).status_code == 503
    assert house.ended.acquire(timeout=DEADLINE)
    log = house.log()
    assert "had no answer within 5 seconds" in log
    assert 'add_route("get", "/")' in log
    assert "await asyncio.Event().wait()" in log  # where it was
    assert len(house.logged) == 1


def test_a_plain_handler_goes_on_while_its_client_gets_503(house: House):
    house.start(lambda: add_route("get", "/", house.wait, timeout=5))
    answer = house.ask("/")
    house.clock.advance(5)
    assert answer.result(DEADLINE).status_code == 503
    assert not house.ended.acquire(blocking=False)
    log = house.log()
    assert house.ended.acquire(timeout=DEADLINE)
    assert "had no answer within 5 seconds. The client got 503" in log
    assert "self.go.wait(DEADLINE)" in log  # where it is
    assert len(house.logged) == 1  # what it answered late says no more


def test_what_a_plain_handler_raises_late_is_logged_as_well(house: House):
    def fail() -> None:
        house.wait()
        raise ZeroDivisionError("too late")

    house.start(lambda: add_route("get", "/", fail, timeout=5))
    answer = house.ask("/")
    house.clock.advance(5)
    assert answer.result(DEADLINE).status_code == 503
    assert "ZeroDivisionError: too late" in house.log()
    assert len(house.logged) == 2


def test_a_handler_that_has_sent_its_answer_is_never_late(house: House):
    def plain() -> None:
        send_response()
        house.wait()

    async def later() -> None:
        send_response()
        house.inside.release()
        await asyncio.to_thread(house.go.wait, DEADLINE)
        house.ended.release()

    house.start(
        lambda: [add_route("get", f"/{one.__name__}", one, timeout=5) for one in (plain, later)]
    )
    for path in ("/plain", "/later"):
        assert house.ask(path).result(DEADLINE).status_code == 200
    house.clock.advance(60)
    assert not house.ended.acquire(blocking=False)
    assert house.log() == ""
    for _ in range(2):
        assert house.ended.acquire(timeout=DEADLINE)


def test_the_answer_is_the_error_page_with_the_headers_that_were_set(house: House):
    def slow() -> str:
        set_header("Access-Control-Allow-Origin", "*")
        return house.wait()

    house.start(
        lambda: add_route("get", "/", slow, timeout=5, error_content_type="application/json")
    )
    answer = house.ask("/")
    house.clock.advance(5)
    response = answer.result(DEADLINE)
    assert response.json()["status"]["code"] == 503
    assert response.headers["Access-Control-Allow-Origin"] == "*"


def test_the_server_s_timeout_holds_for_routes_that_say_nothing(house: House):
    def set_up() -> None:
        add_route("get", "/slow", house.wait_async)
        add_route("get", "/own", house.wait_async, timeout=timedelta(seconds=20))
        with add_route_group("/group", timeout=30):
            add_route("get", "/slow", house.wait_async)
        add_route("get", "/endless", house.wait_async, timeout=0)

    house.start(set_up, handler_timeout=10)
    slow, own, group, endless = map(house.ask, ("/slow", "/own", "/group/slow", "/endless"))
    house.clock.advance(10)
    assert slow.result(DEADLINE).status_code == 503
    house.clock.advance(10)
    assert own.result(DEADLINE).status_code == 503
    assert not group.done()
    house.clock.advance(10)
    assert group.result(DEADLINE).status_code == 503
    house.clock.advance(1000)
    assert not endless.done()


def test_without_a_timeout_nothing_is_late(house: House):
    house.start(lambda: add_route("get", "/", house.wait))
    answer = house.ask("/")
    house.clock.advance(100_000)
    house.go.set()
    assert answer.result(DEADLINE).text == "late"


def test_middleware_counts(house: House):
    def set_up() -> None:
        add_middleware("slow", house.wait_async)
        add_route("get", "/", lambda: "never", timeout=5)

    house.start(set_up)
    answer = house.ask("/")
    house.clock.advance(5)
    assert answer.result(DEADLINE).status_code == 503


@pytest.mark.parametrize("kind", ["plain", "async"])
def test_the_first_piece_of_a_generator_counts_and_the_others_do_not(house: House, kind: str):
    def pieces() -> Iterator[str]:
        if "late" in web_event.query:
            house.wait()
        yield "one "
        house.wait()
        yield "two"

    async def async_pieces() -> Any:
        if "late" in web_event.query:
            await house.wait_async()
        yield "one "
        await asyncio.to_thread(house.wait)
        yield "two"

    house.start(
        lambda: add_route("get", "/", pieces if kind == "plain" else async_pieces, timeout=5)
    )
    late = house.ask("/?late")
    house.clock.advance(5)
    assert late.result(DEADLINE).status_code == 503
    in_time = house.ask("/")
    house.clock.advance(50)
    house.go.set()
    assert in_time.result(DEADLINE).text == "one two"


@pytest.mark.parametrize("style", ["pode", "plain"])
@pytest.mark.parametrize("kind", ["plain", "async"])
def test_a_stream_that_is_open_is_not_cut(house: House, kind: str, style: Any):
    def events() -> None:
        convert_to_sse_connection("Events", scope="local", style=style)
        house.wait()
        send_sse_event("still here", from_event=True)

    async def async_events() -> None:
        convert_to_sse_connection("Events", scope="local", style=style)
        await asyncio.to_thread(house.wait)
        send_sse_event("still here", from_event=True)

    house.start(
        lambda: add_route("get", "/", events if kind == "plain" else async_events, timeout=5)
    )
    with house.live.sse("/") as stream:
        assert house.inside.acquire(timeout=DEADLINE)
        house.clock.advance(5)
        house.go.set()
        assert "still here" in [event.data for event in stream.until_closed()]
    assert house.log() == ""


def test_a_late_handler_can_not_become_a_stream_and_knows_that_it_is_cancelled(house: House):
    known: list[bool] = []

    def slow() -> None:
        house.wait()
        known.append(web_event.is_cancelled)
        convert_to_sse_connection("Events", force=True)
        known.append(False)

    house.start(lambda: add_route("get", "/", slow, timeout=5))
    answer = house.ask("/")
    house.clock.advance(5)
    assert answer.result(DEADLINE).status_code == 503
    house.log()
    assert known == [True]
    assert len(house.logged) == 1


def test_an_async_handler_that_ignores_its_cancellation_is_answered_past(house: House):
    async def stubborn() -> str:
        house.inside.release()
        while not house.go.is_set():
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                house.ended.release()
        return "late"

    house.start(lambda: add_route("get", "/", stubborn, timeout=5))
    answer = house.ask("/")
    house.clock.advance(5)
    assert house.ended.acquire(timeout=DEADLINE)
    assert not answer.done()
    house.clock.advance(1)
    assert answer.result(DEADLINE).status_code == 503


def test_a_plain_handler_behind_async_middleware_is_answered_past(house: House):
    async def pause() -> None:
        await asyncio.sleep(0)

    def set_up() -> None:
        add_middleware("pause", pause)
        add_route("get", "/", house.wait, timeout=5)

    house.start(set_up)
    answer = house.ask("/")
    house.clock.advance(5)
    assert answer.result(DEADLINE).status_code == 503
    house.log()
    assert house.ended.acquire(timeout=DEADLINE)


def test_endware_runs_when_the_handler_has_ended_and_sees_what_was_sent(house: House):
    seen: list[tuple[int, str]] = []
    lines: list[str] = []

    def set_up() -> None:
        enable_log_request_type(new_log_custom_method(lambda item: lines.append(str(item))))
        add_endware(lambda: seen.append((web_event.response.status_code, "plain")))
        add_route("get", "/", house.wait, timeout=5)

    house.start(set_up)
    answer = house.ask("/")
    house.clock.advance(5)
    assert answer.result(DEADLINE).status_code == 503
    assert seen == []
    house.log()
    assert seen == [(503, "plain")]
    assert len(lines) == 1
    assert " 503 " in lines[0]


def test_a_handler_of_status_errors_answers_for_a_cancelled_one(house: House):
    def set_up() -> None:
        add_exception_handler(StatusError, lambda error: f"mine {error.status}")
        add_route("get", "/", house.wait_async, timeout=5)

    house.start(set_up)
    answer = house.ask("/")
    house.clock.advance(5)
    assert (answer.result(DEADLINE).status_code, answer.result().text) == (503, "mine 503")
    assert "had no answer within 5 seconds" in house.log()


def test_after_a_cancelled_handler_the_connection_goes_on(house: House):
    def set_up() -> None:
        add_route("get", "/slow", house.wait_async, timeout=5)
        add_route("get", "/quick", lambda: "quick", timeout=5)

    house.start(set_up)
    with Wire(house.live.port, deadline=DEADLINE) as wire:
        wire.send(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        assert house.inside.acquire(timeout=DEADLINE)
        house.clock.advance(5)
        assert wire.read_response().status_code == 503
        wire.send(b"GET /quick HTTP/1.1\r\nHost: x\r\n\r\n")
        assert wire.read_response().text == "quick"


@pytest.mark.own_engine
def test_the_connection_of_a_plain_handler_ends_for_its_client_at_once(house: House):
    house.start(lambda: add_route("get", "/", house.wait, timeout=5))
    with Wire(house.live.port, deadline=DEADLINE) as wire:
        wire.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert house.inside.acquire(timeout=DEADLINE)
        house.clock.advance(5)
        response = wire.read_response()
        assert response.headers["Connection"] == "close"
        assert wire.read_to_end() == b""


def test_many_requests_leave_nothing_behind(house: House):
    house.start(lambda: add_route("get", "/", lambda: "quick", timeout=5))
    for _ in range(50):
        assert house.live.get("/").text == "quick"
    house.clock.advance(50)
    assert house.log() == ""


BAD_TIMEOUTS = pytest.mark.parametrize(
    ("value", "error"), [(-1, ValueError), ("5", TypeError), (float("inf"), ValueError)]
)


@BAD_TIMEOUTS
def test_a_timeout_of_a_route_that_is_none_is_an_error_that_names_it(
    web: Any, value: Any, error: Any
):
    with pytest.raises(error, match="timeout"):
        add_route("get", "/", lambda: "x", timeout=value)


@BAD_TIMEOUTS
def test_a_timeout_of_the_server_that_is_none_is_an_error_that_names_it(value: Any, error: Any):
    with pytest.raises(error, match="handler_timeout"):
        start_server(lambda: None, handler_timeout=value)
