"""`async def` handlers over real sockets: one loop, many at once, each with its own event."""

from __future__ import annotations

import asyncio
import threading

import pytest

from pode_py import (
    add_endware,
    add_middleware,
    add_route,
    add_schedule,
    add_timer,
    convert_to_sse_connection,
    enable_log_error_type,
    get_server_state,
    new_log_custom_method,
    schedule_event,
    send_sse_event,
    timer_event,
    web_event,
    write_json_response,
    write_text_response,
)
from pode_py.core.errors import StatusError
from pode_py.testing import fetch
from tests.server.program import DEADLINE, beside


def test_all_run_on_one_loop_and_on_no_worker(live_server):
    def set_up() -> None:
        @add_route("get", "/")
        async def home() -> dict[str, object]:
            name = threading.current_thread().name
            return {"loop": id(asyncio.get_running_loop()), "thread": name}

    live = live_server(set_up)
    answers = [live.get("/").json() for _ in range(5)]
    assert answers == [answers[0]] * 5
    assert answers[0]["thread"] == "pode-loop"


def test_several_wait_for_each_other(live_server):
    met: list[str] = []

    def set_up() -> None:
        everybody = asyncio.Event()

        @add_route("get", "/:name")
        async def meet() -> str:
            met.append(web_event.parameters["name"])
            if len(met) == 8:
                everybody.set()
            await asyncio.wait_for(everybody.wait(), DEADLINE)
            return "met"

    live = live_server(set_up, threads=8)
    answers = [beside(live.get, f"/{number}") for number in range(8)]
    assert [answer.result(DEADLINE).text for answer in answers] == ["met"] * 8


def test_each_sees_its_own_event_after_every_wait(live_server):
    def set_up() -> None:
        @add_route("get", "/:name")
        async def echo(web_event=web_event) -> None:
            seen = []
            for _ in range(20):
                await asyncio.sleep(0.001)
                seen.append((await deeper(), web_event.query["mark"]))
            write_json_response({"seen": sorted(set(seen))})

        async def deeper() -> str:
            async def in_a_task() -> str:
                return str(web_event.parameters["name"])

            return await asyncio.create_task(in_a_task())

    live = live_server(set_up)
    answers = [beside(live.get, f"/n{number}?mark=m{number}") for number in range(10)]
    for number, answer in enumerate(answers):
        assert answer.result(DEADLINE).json() == {"seen": [[f"n{number}", f"m{number}"]]}


def test_a_thread_started_by_asyncio_sees_the_event_too(live_server):
    def set_up() -> None:
        @add_route("get", "/:name")
        async def home() -> str:
            return await asyncio.to_thread(lambda: web_event.parameters["name"])

    assert live_server(set_up).get("/ada").text == "ada"


def test_middleware_route_and_endware_may_all_be_async(live_server):
    seen: list[str] = []

    def set_up() -> None:
        @add_middleware("first")
        async def first() -> bool:
            await asyncio.sleep(0)
            web_event.metadata["mark"] = "set"
            return web_event.path != "/refused"

        @add_route("get", "*")
        async def home() -> None:
            await asyncio.sleep(0)
            write_text_response(web_event.metadata["mark"])

        @add_endware()
        async def last() -> None:
            await asyncio.sleep(0)
            seen.append(web_event.path)

    live = live_server(set_up)
    assert live.get("/").text == "set"
    assert live.get("/refused").text == ""
    assert seen == ["/", "/refused"]


def test_an_exception_is_a_500_and_logged_once(live_server):
    logged: list[object] = []
    done = threading.Event()

    def keep(item: object) -> None:
        logged.append(item)
        done.set()

    def set_up() -> None:
        enable_log_error_type(new_log_custom_method(keep))

        @add_route("get", "/")
        async def home() -> None:
            await asyncio.sleep(0.001)
            raise KeyError("missing")

        @add_route("get", "/missing")
        async def missing() -> None:
            raise StatusError(404, "no such user")

    with_errors = live_server(set_up)
    assert with_errors.get("/").status_code == 500
    assert with_errors.get("/missing").status_code == 404
    assert done.wait(DEADLINE)
    with_errors.close()
    assert len(logged) == 1
    assert "KeyError: 'missing'" in str(logged[0])
    assert "Traceback" in str(logged[0])


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, asyncio.CancelledError])
def test_a_handler_that_ends_itself_ends_no_other(live_server, error):
    began = threading.Event()
    let_go = threading.Event()

    def set_up() -> None:
        enable_log_error_type(new_log_custom_method(lambda item: None))

        @add_route("get", "/exit")
        async def leave() -> None:
            raise error

        @add_route("get", "/other")
        async def other() -> str:
            began.set()
            await asyncio.to_thread(let_go.wait, DEADLINE)
            return "unharmed"

    live = live_server(set_up)
    answer = beside(live.get, "/other")
    assert began.wait(DEADLINE)
    assert live.get("/exit").status_code == 500
    let_go.set()
    assert answer.result(DEADLINE).text == "unharmed"


def test_timers_and_schedules_may_be_async(live_server):
    seen: dict[str, object] = {}
    both = threading.Barrier(3)

    def set_up() -> None:
        @add_timer("tick", 60, on_start=True)
        async def tick() -> None:
            await asyncio.sleep(0)
            seen["timer"] = timer_event.sender.name
            await asyncio.to_thread(both.wait, DEADLINE)

        @add_schedule("tock", "@yearly", on_start=True)
        async def tock() -> None:
            await asyncio.sleep(0)
            seen["schedule"] = schedule_event.sender.name
            await asyncio.to_thread(both.wait, DEADLINE)

    live_server(set_up)
    both.wait(DEADLINE)
    assert seen == {"timer": "tick", "schedule": "tock"}


def test_a_local_stream_may_be_async(live_server):
    def set_up() -> None:
        @add_route("get", "/events")
        async def events() -> None:
            convert_to_sse_connection("Local", scope="local")
            for number in range(3):
                await asyncio.sleep(0.001)
                send_sse_event(str(number), from_event=True)

    with live_server(set_up).sse("/events") as stream:
        events = stream.until_closed()
        assert [event.data for event in events if event.type == "message"] == ["0", "1", "2"]
        assert events[-1].type == "pode.close"
        assert stream.ended_cleanly


def test_at_a_stop_they_may_finish_within_the_grace_time(live_server):
    began = threading.Event()

    def set_up() -> None:
        @add_route("get", "/")
        async def home() -> str:
            began.set()
            await asyncio.sleep(0.3)
            return f"finished while {get_server_state()}"

    live = live_server(set_up, grace=10)
    answer = beside(fetch, live.url + "/")
    assert began.wait(DEADLINE)
    live.stop()
    assert answer.result(DEADLINE).text == "finished while terminating"


def test_after_the_grace_time_they_are_cancelled_and_can_clean_up(live_server):
    began, cleaned = threading.Event(), threading.Event()

    def set_up() -> None:
        enable_log_error_type(new_log_custom_method(lambda item: None))

        @add_route("get", "/")
        async def home() -> None:
            began.set()
            try:
                await asyncio.sleep(60)
            finally:
                await asyncio.sleep(0.01)
                cleaned.set()

    live = live_server(set_up)
    answer = beside(fetch, live.url + "/")
    assert began.wait(DEADLINE)
    live.stop(0.2)
    assert cleaned.is_set()
    assert answer.result(DEADLINE).status_code == 503
    assert answer.result(DEADLINE).headers["Retry-After"] == "1"
    live.check_threads()


def test_an_async_log_method_still_gets_the_line_of_a_cancelled_handler(live_server):
    began = threading.Event()
    lines: list[str] = []

    async def keep(item: object) -> None:
        await asyncio.sleep(0.05)
        lines.append(str(item))

    def set_up() -> None:
        enable_log_error_type(new_log_custom_method(keep))

        @add_route("get", "/")
        async def home() -> None:
            began.set()
            await asyncio.sleep(60)

    live = live_server(set_up)
    beside(fetch, live.url + "/")
    assert began.wait(DEADLINE)
    live.stop(0.2)
    [cut, cancelled] = lines
    assert "The stop waits no longer, and cuts GET /, `home (" in cut
    assert "cancelled: the server stops" in cancelled
