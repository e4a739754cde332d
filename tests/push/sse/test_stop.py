"""What clients see when the server stops or restarts, and what it does not wait for."""

from __future__ import annotations

import signal
import time
from collections import Counter
from contextlib import ExitStack

import pytest

from pode_py import (
    add_route,
    convert_to_sse_connection,
    get_server_state,
    send_sse_event,
    set_sse_reconnect_spread,
)
from pode_py.testing import SlowReader, storm
from tests.push.house import SOON
from tests.server.program import READY

STREAMS, STUCK, GRACE = 1000, 10, 2

SERVER = f"""
def server():
    add_endpoint(port=PORT)
    set_sse_slow_client_policy("drop_oldest", name="Stuck")
    add_route("get", "/events", lambda: convert_to_sse_connection("Events") and None)
    add_route("get", "/stuck", lambda: convert_to_sse_connection("Stuck") and None)
    add_route("get", "/fill", fill)
    add_route("get", "/stop", close_server)
    add_route("get", "/restart", restart_server)

def fill():
    while not all(one.queued_bytes > 300_000 for one in get_sse_connection("Stuck")):
        for _ in range(10):
            send_sse_event("x" * 65536, name="Stuck")
        time.sleep(0.1)

# A client that takes nothing is not cut before the server stops.
start_server(server, grace={GRACE}, dead_client_timeout=600)
"""


SAME = pytest.mark.own_engine("for the engine it is all one stop")


@pytest.mark.parametrize(
    "how",
    [
        "SIGTERM",
        pytest.param("SIGINT", marks=SAME),
        pytest.param("close_server", marks=SAME),
        "restart_server",
    ],
)
def test_a_thousand_streams_end_well_and_soon_although_ten_do_not_read(program, how):
    run = program(SERVER).ready()
    with ExitStack() as stack:
        for _ in range(STUCK):
            stack.enter_context(SlowReader(run.url + "/stuck"))
        streams = storm(run.url + "/events", STREAMS, deadline=30)
        for stream in streams:
            stack.callback(stream.close)
            stream.next("pode.open")
        run.get("/fill")
        if how.startswith("SIG"):
            run.signal(getattr(signal, how))
        else:
            run.get("/stop" if how == "close_server" else "/restart")
        if how == "restart_server":
            run.wait_for(READY, count=2)
        else:
            assert run.end() == 0
        for stream in streams:
            assert [event.type for event in stream.until_closed()] == ["pode.close"]
            assert stream.ended_cleanly
    if how == "restart_server":
        with run.sse() as fresh:
            assert fresh.status == 200
        assert run.stop() == 0
    assert "Traceback" not in run.err


def with_locals(make_house, last_words):
    """A house with a local stream that goes on until the server stops, then as long as asked."""

    def more():
        def local():
            convert_to_sse_connection("Story", scope="local")
            send_sse_event("once upon a time", from_event=True)
            while get_server_state() == "running":
                time.sleep(0.005)
            last_words()

        add_route("get", "/local", local)

    return make_house(more, grace=1)


def test_a_local_stream_that_ends_within_the_grace_time_says_its_last_word(make_house):
    def last_words():
        time.sleep(0.3)
        send_sse_event("the end", from_event=True)

    house = with_locals(make_house, last_words)
    with house.live.sse("/local") as local, house.open() as other:
        assert local.take(2)[1].data == "once upon a time"
        house.live.stop()
        assert [event.data for event in local.until_closed()] == ["the end", ""]
        assert local.received[-1].type == "pode.close"
        assert local.ended_cleanly
        assert [event.type for event in other.until_closed()] == ["pode.close"]
        assert other.ended_cleanly


def test_events_of_a_handler_that_ends_within_the_grace_time_still_arrive(make_house):
    house = with_locals(make_house, lambda: send_sse_event("last news", name="Events"))
    with house.live.sse("/local") as local, house.open() as other:
        local.take(2)
        house.live.stop()
        assert [event.data for event in other.until_closed()] == ["last news", ""]


def test_a_local_stream_that_goes_on_is_ended_with_the_grace_time(make_house):
    released = []

    def last_words():
        until = time.monotonic() + SOON * 2
        while not released and time.monotonic() < until:
            time.sleep(0.01)

    house = with_locals(make_house, last_words)
    with house.live.sse("/local") as local:
        local.take(2)
        began = time.monotonic()
        house.live.stop()
        assert time.monotonic() - began > 0.9
        assert [event.type for event in local.until_closed()] == ["pode.close"]
        assert local.ended_cleanly
        released.append(True)


def test_nobody_gets_in_while_the_server_stops(make_house):
    house = make_house()
    house.hub.close_all()
    with house.open(wait=False) as late:
        assert late.status == 503
        assert late.headers["Retry-After"] == "1"


def test_reconnects_are_spread_over_the_window(make_house):
    window, slots = 10, 100
    house = make_house(lambda: set_sse_reconnect_spread(window))
    streams = storm(house.url + "/events", 1000, deadline=30)
    house.live.stop(SOON)  # which a busy machine may need for a thousand goodbyes
    waits = []
    for stream in streams:
        assert [event.type for event in stream.until_closed()][-1] == "pode.close"
        waits.append(stream.retry)
        stream.close()
    assert all(0 <= wait <= window * 1000 for wait in waits)
    counts = Counter(wait * slots // (window * 1000 + 1) for wait in waits)
    assert max(counts.values()) <= 3 * len(waits) / slots
    assert len(counts) > slots * 0.9


def test_without_a_window_no_retry_is_told(house):
    with house.open() as events:
        house.live.stop()
        events.until_closed()
        assert events.retry is None


@pytest.mark.parametrize(("value", "kind"), [(-1, ValueError), ("1", TypeError)])
def test_a_bad_window_is_told(house, value, kind):
    with pytest.raises(kind, match="window"):
        house.call(set_sse_reconnect_spread, value)
