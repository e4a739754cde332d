"""The functions of Pode's Metrics area, on running servers."""

from __future__ import annotations

import fcntl
import sys
import termios
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from pode_py import (
    WebEvent,
    add_route,
    convert_to_sse_connection,
    get_server_active_request_metric,
    get_server_active_sse_client_metric,
    get_server_active_sse_metric,
    get_server_request_metric,
    get_server_restart_count,
    get_server_uptime,
    send_sse_event,
)
from pode_py.observability.metrics.metrics import Metrics
from pode_py.server.options import ServerOptions
from pode_py.server.server import Server
from pode_py.testing import Client, FakeClock, LiveServer, Wire

Live = Callable[..., LiveServer]


def eventually(ask: Callable[[], Any], expected: Any) -> None:
    """A request counts once it was answered: its client may be a little ahead."""
    until = time.monotonic() + 10
    while (found := ask()) != expected:
        assert time.monotonic() < until, f"{found!r} did not become {expected!r}"
        time.sleep(0.002)


def web() -> None:
    add_route("get", "/", lambda: "hello")
    add_route("get", "/active", lambda: str(get_server_active_request_metric("processing")))

    @add_route("get", "/boom")
    def boom() -> None:
        raise RuntimeError("boom")

    @add_route("get", "/events")
    def events() -> None:
        convert_to_sse_connection("Events")


def test_requests_are_counted_by_status():
    with Client(web) as client:
        for path in ("/", "/", "/missing", "/boom"):
            client.get(path)
        assert client.call(get_server_request_metric) == {200: 2, 404: 1, 500: 1}
        assert client.call(get_server_request_metric, 404) == 1
        assert client.call(get_server_request_metric, 418) == 0
        assert client.call(get_server_request_metric, total=True) == 4


def test_a_request_that_is_being_answered_is_active_and_not_counted_yet():
    with Client(web) as client:
        assert client.get("/active").text == "1"
        assert client.call(get_server_active_request_metric) == 0


def test_requests_wait_when_all_threads_are_busy(live_server: Live):
    gates = {"one": threading.Event(), "two": threading.Event()}

    def slow() -> None:
        add_route("get", "/", lambda: "hello")

        @add_route("get", "/wait/:gate")
        def wait(web_event: WebEvent) -> str:
            return str(gates[web_event.parameters["gate"]].wait(10))

    live = live_server(slow, threads=1)

    def count(count_type: str) -> int:
        return live.call(get_server_active_request_metric, count_type)

    with Wire(live.url) as first, Wire(live.url) as second, Wire(live.url) as third:
        for wire in (first, second, third):
            ask(wire, "/")
            wire.read_response()
        ask(first, "/wait/one")
        eventually(lambda: count("processing"), 1)
        ask(second, "/wait/two")
        ask(third, "/wait/two")
        eventually(lambda: unsent(second) + unsent(third), 0)
        # The thread comes back, finds both, and can take up only one of them.
        gates["one"].set()
        first.read_response()
        eventually(lambda: (count("processing"), count("queued"), count("total")), (1, 1, 2))
        gates["two"].set()
        second.read_response()
        third.read_response()
    eventually(lambda: count("total"), 0)
    eventually(lambda: live.call(get_server_request_metric), {200: 6})


def ask(wire: Wire, path: str) -> None:
    wire.send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())


def unsent(wire: Wire) -> int:
    """How many bytes have not reached the other end yet."""
    return int.from_bytes(fcntl.ioctl(wire.sock, termios.TIOCOUTQ, bytes(4)), sys.byteorder)


def test_a_stream_is_a_request_that_ends_with_its_route(live_server: Live):
    live = live_server(web)
    with live.sse("/events") as stream:
        stream.next("pode.open")
        eventually(lambda: live.call(get_server_request_metric), {200: 1})
        eventually(lambda: live.call(get_server_active_request_metric), 0)


def test_clients_of_streams_are_counted_by_name_and_in_all(live_server: Live):
    live = live_server(web)
    count = get_server_active_sse_client_metric
    with live.sse("/events") as first, live.sse("/events") as second:
        first.next("pode.open")
        second.next("pode.open")
        assert live.call(count) == live.call(count, "Events") == 2
        assert live.call(count, "Nobody") == 0
    eventually(lambda: live.call(count), 0)


def test_events_that_were_not_written_yet_are_active():
    with Client(web) as client, client.sse("/events") as stream:
        stream.next("pode.open")
        for number in range(3):
            client.call(send_sse_event, number, name="Events")
        assert client.call(get_server_active_sse_metric) == 3
        for _ in range(3):
            stream.next("message")
        assert client.call(get_server_active_sse_metric) == 0


def test_uptime_is_in_milliseconds_or_readable(live_server: Live):
    clock = FakeClock()
    live = live_server(web, clock=clock)
    clock.advance(3723.5)
    assert live.call(get_server_uptime) == 3_723_500
    assert live.call(get_server_uptime, total=True, format="Concise") == "1h 2m 3s 500ms"
    assert live.call(get_server_uptime, format="compact", exclude_milliseconds=True) == (
        "00:01:02:03"
    )
    with pytest.raises(ValueError, match="format='short' is not known"):
        live.call(get_server_uptime, format="short")  # type: ignore[call-overload]


def test_a_server_that_takes_another_s_place_goes_on_counting(tmp_path: Any):
    first = Server(ServerOptions(root=tmp_path))
    first.room(Metrics).requests.ended(object(), 200, None)
    second = Server(ServerOptions(root=tmp_path), before=first)
    try:
        assert second.context.run(get_server_restart_count) == 1
        assert second.context.run(lambda: get_server_request_metric(total=True)) == 1
        assert second.info.restarts == 1
    finally:
        first.stop(0)
        second.stop(0)


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda: get_server_active_request_metric("all"), "count_type='all' is not known"),  # type: ignore[arg-type]
        (lambda: get_server_request_metric(-1), "status_code=-1 must be at least 0"),
    ],
)
def test_bad_arguments_are_told(call: Callable[[], Any], complaint: str):
    with Client(web) as client, pytest.raises(ValueError, match=complaint):
        client.call(call)
