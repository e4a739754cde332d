"""Several workers without a backplane serve no event streams, and say so."""

from __future__ import annotations

import functools
import json

import pytest

import pode_py
from pode_py import convert_to_sse_connection
from pode_py import convert_to_sse_connection as become_a_stream
from pode_py.server.processes.streams import opens_streams
from pode_py.testing import SseClient
from tests.server.processes.crew import pids_of_all
from tests.server.program import DEADLINE

SSE = """
def server():
    add_endpoint(port=PORT)
    add_route("get", "/", lambda: "hello")
    add_route("get", "/facts", lambda: {"number": get_server_worker_number(), "pid": os.getpid()})
    BODY

start_server(server, workers=2)
"""

SENTENCE = (
    "pode_py: start_server(workers=2) can't serve event streams by itself, and {why}: an event "
    "would reach only the clients of the worker that sends it. Call "
    'enable_sse_backplane("redis://localhost") in the set-up function, or use workers=1.\n'
)


def program_with(program, body):
    return program(SSE.replace("BODY", body))


@pytest.mark.own_engine("what a worker refuses does not depend on the engine")
def test_a_route_that_opens_streams_is_named(program):
    server = program_with(
        program, 'add_route("get", "/events", lambda: convert_to_sse_connection("Events"))'
    )
    assert server.end() == 1
    assert server.out == ""
    assert server.err == SENTENCE.format(why="route GET /events opens them")


@pytest.mark.own_engine("what a worker refuses does not depend on the engine")
@pytest.mark.parametrize(
    "call",
    [
        'set_sse_history("Events")',
        'set_sse_broadcast_level("group")',
        "set_sse_reconnect_spread(30)",
    ],
)
def test_settings_that_are_for_streams_are_named(program, call):
    server = program_with(program, call)
    assert server.end() == 1
    assert server.err == SENTENCE.format(why=f"{call.partition('(')[0]} is called")


@pytest.mark.own_engine("what a worker refuses does not depend on the engine")
def test_what_can_not_be_seen_fails_when_it_is_tried(program):
    name = '"_".join(["convert", "to", "sse", "connection"])'
    hidden = f'lambda: getattr(sys.modules["pode_py"], {name})("Events")'
    server = program_with(program, f'add_route("get", "/events", {hidden})').ready()
    answer = server.get("/events", headers={"Accept": "text/event-stream"})
    assert answer.status_code == 500
    server.wait_for("can't serve event streams by itself, and a route opens a stream", where="err")
    assert server.get().text == "hello"
    assert server.stop() == 0


def test_streams_that_are_the_route_s_own_are_served(program):
    server = program(
        """
def own():
    convert_to_sse_connection("Own", scope="local")
    send_sse_event(os.getpid(), from_event=True)
"""
        + SSE.replace("BODY", "add_route('get', '/own', own)")
    ).ready()
    pids = pids_of_all(server, 2)
    for _ in range(5):
        with SseClient(f"{server.url}/own", deadline=DEADLINE) as stream:
            assert int(stream.next("message").data) in pids
    assert server.stop() == 0
    assert server.err == ""


def test_one_worker_serves_streams_as_ever(program):
    server = program(
        SSE.replace("workers=2", "workers=1").replace(
            "BODY", 'add_route("get", "/events", lambda: convert_to_sse_connection("Events"))'
        )
    ).ready()
    assert server.sse().is_stream


# What is looked at in the code of a route.


def plain():
    convert_to_sse_connection("Events")


def of_a_module():
    pode_py.convert_to_sse_connection("Events")


def by_another_name():
    become_a_stream("Events")


def imported_late():
    from pode_py import convert_to_sse_connection as late

    late("Events")


def inside():
    def open_it():
        convert_to_sse_connection("Events")

    open_it()


def calls_one():
    plain()


def calls_one_that_calls_one():
    calls_one()


def _closure():
    opener = plain

    def route():
        return opener()

    return route


def _wrapped(function):
    @functools.wraps(function)
    def wrapper():
        return function()

    return wrapper


class Opener:
    def __call__(self):
        convert_to_sse_connection("Events")

    def method(self):
        convert_to_sse_connection("Events")


@pytest.mark.parametrize(
    "function",
    [
        *(plain, of_a_module, by_another_name, imported_late, inside),
        *(calls_one, calls_one_that_calls_one, _closure(), _wrapped(plain)),
        *(functools.partial(plain), Opener(), Opener().method),
    ],
)
def test_it_is_seen(function):
    assert opens_streams(function)


def own_stream():
    convert_to_sse_connection("Own", scope="local")


class Proxy:
    """Stands for something that is not there outside of a request."""

    def __getattr__(self, name):
        raise RuntimeError("outside of everything")

    def __call__(self):
        return None


def _calls_a_proxy():
    proxy = Proxy()

    def route():
        proxy()

    return route


def recursive():
    return json.dumps([recursive, print, len, Opener])


@pytest.mark.parametrize(
    "function",
    [own_stream, recursive, print, Opener, lambda: None, json.dumps, _calls_a_proxy()],
)
def test_there_is_nothing_to_see(function):
    assert not opens_streams(function)


def test_where_streams_are_local_by_default_only_global_ones_are_seen():
    assert not opens_streams(plain, "local")
    assert opens_streams(lambda: convert_to_sse_connection("Events", scope="global"), "local")
