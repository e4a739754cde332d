"""Async handlers hold no thread: many wait at once, and each keeps its context and its client."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from contextvars import ContextVar

import pytest

from pode_py import (
    ClientDisconnected,
    add_endpoint,
    add_endware,
    add_middleware,
    add_route,
    close_sse_connection,
    convert_to_sse_connection,
    enable_log_error_type,
    enable_log_request_type,
    new_log_custom_method,
    send_sse_event,
    web_event,
    write_text_response,
)
from pode_py.testing import LiveServer, Wire
from tests.server.program import DEADLINE, beside

MARK: ContextVar[str] = ContextVar("mark", default="none")


def ask(target: str, method: str = "GET", more: str = "") -> bytes:
    return f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n".encode()


def send_for_ever(sock: socket.socket) -> None:
    for _ in range(2000):
        sock.send(ask("/") * 1000)


@pytest.fixture
def logged() -> list[str]:
    return []


@pytest.fixture
def keep_errors(logged: list[str]) -> Callable[[], None]:
    """Call it in the set-up: what is logged as an error is in `logged` then."""
    return lambda: enable_log_error_type(
        new_log_custom_method(lambda item: logged.append(str(item)))
    )


@pytest.fixture
def open_wire() -> Iterator[Callable[..., Wire]]:
    with ExitStack() as stack:
        yield lambda target: stack.enter_context(Wire(target, deadline=DEADLINE))


def test_two_workers_have_three_hundred_handlers_wait_at_once(live_server, open_wire):
    count, inside = 300, []

    def set_up() -> None:
        everybody = asyncio.Event()

        @add_route("get", "/meet")
        async def meet() -> str:
            inside.append(threading.current_thread().name)
            if len(inside) == count:
                everybody.set()
            await everybody.wait()
            return "met"

    live = live_server(set_up, threads=2)
    wires = [open_wire(live.port) for _ in range(count)]
    for wire in wires:
        wire.send(ask("/meet"))
    assert {wire.read_response().text for wire in wires} == {"met"}
    assert len(inside) == count


def test_open_local_streams_of_async_handlers_hold_no_thread(live_server, open_wire):
    count, arrived = 200, []

    def set_up() -> None:
        go = asyncio.Event()

        @add_route("get", "/events")
        async def events() -> None:
            convert_to_sse_connection("Local", scope="local")
            arrived.append(1)
            if len(arrived) == count:
                go.set()
            await go.wait()
            for number in range(20):
                send_sse_event(str(number), from_event=True)
                await asyncio.sleep(0)

    live = live_server(set_up, threads=2)
    wires = [open_wire(live.port) for _ in range(count)]
    before = threading.active_count()
    for wire in wires:
        wire.send(ask("/events", more="Accept: text/event-stream\r\n"))
    for wire in wires:
        body = wire.read_response().text
        numbers = [line[6:] for line in body.splitlines() if line.startswith("data: ")]
        assert [number for number in numbers if number.isdigit()] == list(map(str, range(20)))
    assert threading.active_count() <= before + 4  # the loop, its watch, events, logs


def test_one_context_holds_from_the_first_middleware_to_the_last_endware(live_server):
    seen: list[str] = []

    def set_up() -> None:
        @add_middleware("first")
        async def first() -> None:
            MARK.set("set by middleware")
            await asyncio.sleep(0)

        @add_middleware("second")
        def second() -> None:
            seen.append(MARK.get())

        @add_route("get", "/")
        async def home() -> str:
            await asyncio.sleep(0)
            seen.append(MARK.get())
            MARK.set("set by handler")
            return MARK.get()

        @add_endware()
        async def last() -> None:
            await asyncio.sleep(0)
            seen.append(MARK.get())

        @add_endware()
        def very_last() -> None:
            seen.append(MARK.get())

    live = live_server(set_up)
    assert live.get("/").text == "set by handler"
    live.close()
    assert seen == ["set by middleware"] * 2 + ["set by handler"] * 2
    assert MARK.get() == "none"


def test_a_coroutine_behind_a_plain_function_is_awaited(live_server):
    async def later(value: object) -> object:
        await asyncio.sleep(0)
        return value

    def set_up() -> None:
        add_middleware("guard", lambda: later(web_event.path != "/refused"))
        add_route("get", "*", lambda: later("let in"))

    live = live_server(set_up)
    assert live.get("/").text == "let in"
    assert live.get("/refused").text == ""


def test_an_exception_is_raised_at_the_call_that_awaited(live_server, keep_errors, logged):
    def set_up() -> None:
        keep_errors()

        @add_route("get", "/")
        async def home() -> str:
            await asyncio.sleep(0)
            raise KeyError("missing")

    live = live_server(set_up)
    assert live.get("/").status_code == 500
    live.close()
    assert len(logged) == 1
    assert "KeyError" in logged[0]
    assert "in home" in logged[0]


# Async generators.


def test_an_async_generator_is_one_task_in_one_context(live_server):
    def set_up() -> None:
        @add_route("get", "/")
        async def pieces():
            task = asyncio.current_task()
            MARK.set("mine")
            for number in range(4):
                yield f"{number}:{MARK.get()}:{asyncio.current_task() is task} "
                await asyncio.sleep(0)

    assert live_server(set_up).get("/").text == "".join(f"{n}:mine:True " for n in range(4))


def test_a_timeout_works_across_a_yield(live_server):
    def set_up() -> None:
        @add_route("get", "/")
        async def pieces():
            try:
                async with asyncio.timeout(0.05):
                    yield "first "
                    await asyncio.Event().wait()
            except TimeoutError:
                yield "timed out"

    assert live_server(set_up).get("/").text == "first timed out"


def test_an_async_generator_waits_for_a_client_that_does_not_read(live_server, open_wire):
    made: list[int] = []
    size, count = 64 * 1024, 400

    def set_up() -> None:
        @add_route("get", "/")
        async def pieces():
            for number in range(count):
                made.append(number)
                yield b"x" * size

        add_route("get", "/other", lambda: "other")

    live = live_server(set_up, threads=1)
    with Wire(live.port, receive_buffer=4096, deadline=DEADLINE) as wire:
        wire.send(ask("/"))
        wire.read_head()
        for _ in range(5):  # the one worker is free, and the generator makes no more meanwhile
            assert live.get("/other").text == "other"
        assert len(made) < count
    slow = open_wire(live.port)
    slow.send(ask("/"))
    assert len(slow.read_response().body) == size * count


def test_the_first_piece_is_made_before_the_head_is_sent(live_server, keep_errors, logged):
    def set_up() -> None:
        keep_errors()

        @add_route("get", "/async")
        async def fails_at_once():
            raise ValueError("no first piece")
            yield ""

        @add_route("get", "/plain")
        def fails_too():
            raise ValueError("no first piece")
            yield ""

        @add_route("get", "/empty")
        async def empty():
            return
            yield ""

    live = live_server(set_up)
    assert live.get("/async").status_code == 500
    assert live.get("/plain").status_code == 500
    empty = live.get("/empty")
    assert (empty.status_code, empty.body) == (200, b"")
    live.close()
    assert len(logged) == 2


def test_an_async_generator_that_fails_later_is_cut_and_logged_once(
    live_server, open_wire, keep_errors, logged
):
    def set_up() -> None:
        keep_errors()

        @add_route("get", "/")
        async def pieces():
            yield "first"
            raise ValueError("second")

    live = live_server(set_up)
    wire = open_wire(live.port)
    wire.send(ask("/"))
    response = wire.read_response()
    assert (response.text, response.complete) == ("first", False)
    live.close()
    assert ["ValueError: second" in line for line in logged] == [True]


def test_the_client_that_leaves_an_async_generator_ends_it(live_server, keep_errors, logged):
    ended = threading.Semaphore(0)

    def set_up() -> None:
        keep_errors()

        @add_route("get", "/")
        async def pieces():
            try:
                yield "first"
                await asyncio.sleep(3600)
            finally:
                ended.release()

    live = live_server(set_up)
    for _ in range(20):  # it can leave before the request waits for the end of the body
        with Wire(live.port) as wire:
            wire.send(ask("/"))
            assert wire.read(wire._until(None))
            wire.reset()
        assert ended.acquire(timeout=DEADLINE)
    live.close()
    assert logged == []


def test_the_connection_is_used_again_after_an_async_generator(live_server, open_wire):
    def set_up() -> None:
        @add_route("get", "/pieces/:n")
        async def pieces():
            for number in range(3):
                yield f"{web_event.parameters['n']}{number} "
                await asyncio.sleep(0)

        add_route("get", "/plain", lambda: "plain")

    wire = open_wire(live_server(set_up).port)
    wire.send(ask("/pieces/a") + ask("/plain") + ask("/pieces/b", "HEAD") + ask("/pieces/c"))
    assert wire.read_response().text == "a0 a1 a2 "
    assert wire.read_response().text == "plain"
    assert wire.read_response("HEAD").status_code == 200
    assert wire.read_response().text == "c0 c1 c2 "


def test_an_idle_connection_is_closed_after_an_async_generator_like_any(live_server, open_wire):
    def set_up() -> None:
        @add_route("get", "/")
        async def pieces():
            yield "x"

    wire = open_wire(live_server(set_up, keep_alive_timeout=0.3).port)
    wire.send(ask("/"))
    assert wire.read_response().text == "x"
    assert wire.read_to_end() == b""


def test_the_request_log_has_the_size_of_what_an_async_generator_sent(live_server):
    lines: list[object] = []
    written = threading.Event()

    def keep(item: object) -> None:
        lines.append(item)
        written.set()

    def set_up() -> None:
        enable_log_request_type(new_log_custom_method(keep))

        @add_route("get", "/")
        async def pieces():
            yield "12345"
            yield "678"

    live_server(set_up).get("/")
    assert written.wait(DEADLINE)
    assert " 200 8 " in str(lines[0])


def test_a_generator_that_waits_before_its_first_piece_ends_with_its_client(
    live_server, keep_errors, logged
):
    began, ended = threading.Event(), threading.Event()

    def set_up() -> None:
        keep_errors()

        @add_route("get", "/")
        async def never():
            began.set()
            try:
                await asyncio.sleep(3600)
                yield "never"
            finally:
                ended.set()

    live = live_server(set_up)
    with Wire(live.port) as wire:
        wire.send(ask("/"))
        assert began.wait(DEADLINE)
        wire.reset()
    assert ended.wait(DEADLINE)
    live.close()
    assert logged == []


def test_a_client_that_leaves_after_a_generator_cancels_the_next_request(live_server):
    cancelled = threading.Semaphore(0)
    began = threading.Semaphore(0)

    def set_up() -> None:
        @add_route("get", "/pieces")
        async def pieces():
            yield "x"

        @add_route("get", "/wait")
        async def wait() -> None:
            began.release()
            try:
                await asyncio.sleep(3600)
            finally:
                cancelled.release()

    live = live_server(set_up)
    for _ in range(20):
        with Wire(live.port, deadline=DEADLINE) as wire:
            wire.send(ask("/pieces"))
            assert wire.read_response().text == "x"
            wire.send(ask("/wait"))
            assert began.acquire(timeout=DEADLINE)
            wire.reset()
        assert cancelled.acquire(timeout=DEADLINE)


def test_the_end_of_a_body_is_no_client_that_leaves(live_server, open_wire, keep_errors, logged):
    closed = threading.Event()

    class Pieces:
        def __init__(self) -> None:
            self.left = 2

        def __aiter__(self):
            return self

        async def __anext__(self):
            if not self.left:
                raise StopAsyncIteration
            self.left -= 1
            return "x"

        async def aclose(self):
            await asyncio.sleep(0.05)
            closed.set()
            raise ValueError("while it closed")

    def set_up() -> None:
        keep_errors()
        add_route("get", "/", Pieces)
        add_route("get", "/next", lambda: "next")

    live = live_server(set_up)
    wire = open_wire(live.port)
    wire.send(ask("/") + ask("/next"))
    assert wire.read_response().text == "xx"
    assert closed.wait(DEADLINE)
    assert wire.read_response().text == "next"
    live.close()
    assert ["while it closed" in line for line in logged] == [True]


def test_head_keeps_the_connection_of_a_generator_that_fails_at_its_end(
    live_server, open_wire, keep_errors, logged
):
    def set_up() -> None:
        keep_errors()

        @add_route("get", "/")
        async def pieces():
            try:
                yield "a"
            finally:
                raise ValueError("at its end")

        add_route("get", "/next", lambda: "next")

    live = live_server(set_up)
    wire = open_wire(live.port)
    wire.send(ask("/", "HEAD"))
    assert wire.read_response("HEAD").status_code == 200
    wire.send(ask("/next"))
    assert wire.read_response().text == "next"
    live.close()
    assert len(logged) == 1


@pytest.mark.parametrize("path", ["/plain", "/async"])
def test_a_handler_that_raises_generator_exit_is_an_error_like_any(
    live_server, keep_errors, logged, path
):
    def set_up() -> None:
        keep_errors()

        @add_route("get", "/plain")
        def plain() -> None:
            raise GeneratorExit

        @add_route("get", "/async")
        async def later() -> None:
            await asyncio.sleep(0)
            raise GeneratorExit

    live = live_server(set_up)
    assert live.get(path).status_code == 500
    live.close()
    assert len(logged) == 1


# Clients.


def test_pipelined_requests_are_answered_in_their_order(live_server, open_wire):
    def set_up() -> None:
        @add_route("get", "/slow/:n")
        async def slow() -> str:
            await asyncio.sleep(0.02)
            return f"slow {web_event.parameters['n']}"

        add_route("get", "/quick", lambda: "quick")

    wire = open_wire(live_server(set_up).port)
    wire.send(ask("/slow/1") + ask("/quick") + ask("/slow/2") + ask("/slow/3", "HEAD"))
    assert [wire.read_response().text for _ in range(3)] == ["slow 1", "quick", "slow 2"]
    assert wire.read_response("HEAD").headers["Content-Length"] == "6"


def test_over_tls(live_server, open_wire):
    def set_up() -> None:
        add_endpoint(port=0, protocol="https", self_signed=True)

        @add_route("get", "/")
        async def home() -> str:
            await asyncio.sleep(0.01)
            return "hello"

        @add_route("get", "/pieces")
        async def pieces():
            for number in range(3):
                yield str(number)
                await asyncio.sleep(0.01)

    live = live_server(set_up)
    wire = open_wire(live.url)
    wire.send(ask("/"), ask("/pieces"), ask("/"))
    assert [wire.read_response().text for _ in range(3)] == ["hello", "012", "hello"]


def test_a_client_that_resets_cancels_its_handler(live_server, keep_errors, logged):
    began, cleaned = threading.Event(), threading.Event()
    after: list[int] = []

    def set_up() -> None:
        keep_errors()

        @add_route("get", "/")
        async def home() -> None:
            began.set()
            try:
                await asyncio.sleep(3600)
            finally:
                await asyncio.sleep(0)
                cleaned.set()

        @add_endware()
        async def last() -> None:
            await asyncio.sleep(0)
            after.append(web_event.response.status_code)

    live = live_server(set_up)
    with Wire(live.port) as wire:
        wire.send(ask("/"))
        assert began.wait(DEADLINE)
        wire.reset()
    assert cleaned.wait(DEADLINE)
    live.close()
    assert logged == []
    assert after == [499]


def test_a_half_closed_client_still_gets_its_answer(live_server, open_wire):
    began = threading.Event()

    def set_up() -> None:
        @add_route("get", "/")
        async def home() -> str:
            began.set()
            while not web_event.is_cancelled:
                await asyncio.sleep(0.001)
            return "you have said all you had to say"

    wire = open_wire(live_server(set_up).port)
    wire.send(ask("/"))
    assert began.wait(DEADLINE)
    wire.finish_sending()
    assert wire.read_response().text == "you have said all you had to say"
    assert wire.read_to_end() == b""


def test_a_plain_handler_sees_that_its_client_has_half_closed(live_server, open_wire):
    began, pause = threading.Event(), threading.Event()

    def set_up() -> None:
        @add_route("get", "/")
        def home() -> str:
            before = web_event.is_cancelled
            began.set()
            while not web_event.is_cancelled:
                pause.wait(0.001)
            return f"{before} {web_event.is_cancelled}"

    wire = open_wire(live_server(set_up).port)
    wire.send(ask("/"))
    assert began.wait(DEADLINE)
    wire.finish_sending()
    assert wire.read_response().text == "False True"


def test_a_client_that_leaves_its_local_stream_cancels_the_handler(
    live_server, keep_errors, logged
):
    cleaned = threading.Event()

    def set_up() -> None:
        keep_errors()

        @add_route("get", "/events")
        async def events() -> None:
            convert_to_sse_connection("Local", scope="local")
            try:
                await asyncio.sleep(3600)
            finally:
                cleaned.set()

    live = live_server(set_up)
    with live.sse("/events") as stream:
        stream.next("pode.open")
    assert cleaned.wait(DEADLINE)
    live.close()
    assert logged == []


def test_clients_that_leave_endless_plain_streams_give_the_workers_back(
    live_server, keep_errors, logged
):
    ended: list[str] = []
    pause = threading.Event()

    def set_up() -> None:
        keep_errors()

        @add_route("get", "/events")
        def events() -> None:
            convert_to_sse_connection("Local", scope="local")
            try:
                while True:
                    try:
                        send_sse_event("tick", from_event=True)
                    except Exception as error:
                        ended.append(repr(error))
                    pause.wait(0.001)
            finally:
                ended.append("ended")

        add_route("get", "/", lambda: "served")

    live = live_server(set_up, threads=4)
    for _ in range(8):
        with live.sse("/events") as stream:
            stream.next("message")
    assert live.get("/").text == "served"
    live.close()
    assert ended == ["ended"] * 8
    assert logged == []


def test_client_disconnected_can_be_caught_for_a_clean_up(live_server):
    caught: list[str] = []
    done = threading.Event()
    pause = threading.Event()

    def set_up() -> None:
        @add_route("get", "/events")
        def events() -> None:
            convert_to_sse_connection("Local", scope="local")
            try:
                while True:
                    send_sse_event("tick", from_event=True)
                    pause.wait(0.001)
            except ClientDisconnected:
                caught.append("the client has left")
                done.set()
                raise

    with live_server(set_up).sse("/events") as stream:
        stream.next("message")
    assert done.wait(DEADLINE)
    assert caught == ["the client has left"]


def test_a_stream_closed_by_the_server_ends_like_one_whose_client_left(live_server):
    cleaned = threading.Event()

    def set_up() -> None:
        @add_route("get", "/events")
        async def events() -> None:
            convert_to_sse_connection("Events")
            try:
                await asyncio.sleep(3600)
            finally:
                cleaned.set()

    live = live_server(set_up)
    with live.sse("/events") as stream:
        stream.next("pode.open")
        live.call(close_sse_connection, "Events")
        assert stream.until_closed()[-1].type == "pode.close"
    assert cleaned.wait(DEADLINE)


# The end.


def test_at_a_stop_a_late_stream_gets_its_farewell(live_server, keep_errors):
    def set_up() -> None:
        keep_errors()

        @add_route("get", "/events")
        async def events() -> None:
            convert_to_sse_connection("Local", scope="local")
            await asyncio.sleep(3600)

    live = live_server(set_up)
    with live.sse("/events") as stream:
        stream.next("pode.open")
        stopping = beside(live.stop, 0.1)
        assert stream.until_closed()[-1].type == "pode.close"
        assert stream.ended_cleanly
    stopping.result(DEADLINE)
    live.check_threads()


def test_a_stop_waits_for_the_endware_of_a_deferred_request(live_server):
    began, order = threading.Event(), []

    def set_up() -> None:
        @add_route("get", "/")
        async def home() -> str:
            began.set()
            await asyncio.sleep(0.05)
            return "done"

        @add_endware()
        async def last() -> None:
            await asyncio.sleep(0.05)
            order.append("endware")

    live = live_server(set_up, grace=DEADLINE)
    answer = beside(live.get, "/")
    assert began.wait(DEADLINE)
    live.stop()
    order.append("stopped")
    assert answer.result(DEADLINE).text == "done"
    assert order == ["endware", "stopped"]


def test_a_blocked_loop_is_named_with_its_stack(live_server):
    lines: list[str] = []
    warned = threading.Event()

    def keep(item: object) -> None:
        lines.append(str(item))
        warned.set()

    def set_up() -> None:
        enable_log_error_type(new_log_custom_method(keep), levels=["warning", "error"])

        @add_route("get", "/")
        async def blocks_the_loop() -> str:
            warned.wait(DEADLINE)  # what no async handler should do
            return "late"

    assert live_server(set_up).get("/").text == "late"
    assert "blocks_the_loop (test_deferred.py:" in lines[0]
    assert "pode_py/" not in lines[0]
    assert "asyncio.to_thread" in lines[0]


def test_a_full_house_is_said_once_with_routes_and_counts(live_server):
    lines: list[str] = []
    warned, awaiting = threading.Event(), threading.Event()

    def keep(item: object) -> None:
        lines.append(str(item))
        warned.set()

    def set_up() -> None:
        enable_log_error_type(new_log_custom_method(keep), levels=["warning", "error"])

        @add_route("get", "/wait/:n")
        def wait() -> str:
            warned.wait(DEADLINE)
            return "waited"

        @add_middleware("later")
        async def later() -> None:
            await asyncio.sleep(0)

        @add_route("get", "/async")
        async def awaits() -> str:
            awaiting.set()
            await asyncio.to_thread(warned.wait, DEADLINE)
            return "awaited"

    live = live_server(set_up, threads=3)
    other = beside(live.get, "/async")
    assert awaiting.wait(DEADLINE)
    answers = [beside(live.get, f"/wait/{number}") for number in range(5)]
    assert [answer.result(DEADLINE).text for answer in answers] == ["waited"] * 5
    live.close()
    assert other.result(DEADLINE).text == "awaited"
    assert len(lines) == 1
    assert "GET /wait/:n (3). " in lines[0]


def test_an_async_generator_in_the_memory_client():
    from pode_py.testing import Client

    def set_up() -> None:
        @add_route("get", "/")
        async def pieces():
            for number in range(3):
                await asyncio.sleep(0)
                yield str(number)

        @add_route("get", "/text")
        async def text() -> None:
            await asyncio.sleep(0)
            write_text_response("text")

    with Client(set_up) as client:
        assert client.get("/").text == "012"
        assert client.get("/text").text == "text"


def test_the_socket_of_a_deferred_request_is_not_read_meanwhile(
    live_server: Callable[..., LiveServer],
):
    """A client that sends on while its request is deferred can't fill the server's memory."""
    go = threading.Event()

    def set_up() -> None:
        @add_route("get", "/")
        async def home() -> str:
            await asyncio.to_thread(go.wait, DEADLINE)
            return "answer"

    live = live_server(set_up)
    with Wire(live.port, deadline=DEADLINE) as wire:
        wire.send(ask("/"))
        wire.sock.setblocking(False)
        with pytest.raises(BlockingIOError):
            send_for_ever(wire.sock)
        go.set()
        wire.sock.settimeout(DEADLINE)
        assert wire.read_response().text == "answer"
        wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


@pytest.mark.parametrize("threads", [1, 3])
def test_a_full_house_counts_the_requests_that_wait(live_server, threads):
    lines: list[str] = []
    warned = threading.Event()
    wires: list[Wire] = []
    # The last one to come in has others ask.
    full = threading.Barrier(threads, lambda: [wire.send(ask("/quick")) for wire in wires])

    def keep(item: object) -> None:
        lines.append(str(item))
        warned.set()

    def set_up() -> None:
        enable_log_error_type(new_log_custom_method(keep), levels=["warning", "error"])

        @add_route("get", "/wait")
        def wait() -> str:
            full.wait(DEADLINE)
            warned.wait(DEADLINE)
            return "waited"

        add_route("get", "/quick", lambda: "quick")

    live = live_server(set_up, threads=threads)
    with Wire(live.port, deadline=DEADLINE) as one, Wire(live.port, deadline=DEADLINE) as two:
        wires += [one, two]
        busy = [beside(live.get, "/wait") for _ in range(threads)]
        assert [answer.result(DEADLINE).text for answer in busy] == ["waited"] * threads
        assert [wire.read_response().text for wire in wires] == ["quick"] * 2
    assert f"GET /wait ({threads})" in lines[0]
    assert "Requests that wait: 2." in lines[0]
