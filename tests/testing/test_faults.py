"""The clients and proxies that do what bad networks do."""

from __future__ import annotations

import time

import pytest

from pode_py import add_route, convert_to_sse_connection, send_sse_event, set_sse_history
from pode_py.testing import FaultProxy, SlowReader, SseTimeout, fetch, sse, storm
from tests.push.house import eventually


@pytest.fixture
def live(live_server):
    def setup():
        set_sse_history()
        add_route("get", "/events", lambda: convert_to_sse_connection("Events") and None)
        add_route("get", "/big", lambda: "x" * 3_000_000)

    return live_server(setup)


def send(live, data):
    return live.call(send_sse_event, data, name="Events")


def test_a_proxy_passes_everything_on(live):
    with FaultProxy(live.url) as proxy:
        assert len(fetch(proxy.url + "/big").body) == 3_000_000
        with sse(proxy.url + "/events") as events:
            assert events.next().type == "pode.open"
            send(live, "through")
            assert events.next().data == "through"
            live.stop()
            assert events.until_closed()[-1].type == "pode.close"
            assert events.ended_cleanly
        eventually(lambda: not proxy.open, "the connection is closed")
        assert proxy.accepted == 2


def test_a_proxy_cuts_after_so_many_bytes(live):
    with FaultProxy(live.port) as proxy:
        proxy.cut_after = 1000
        with sse(proxy.url + "/events") as events:
            for _ in range(20):
                send(live, "x" * 100)
            got = events.until_closed()
            assert 1 < len(got) < 10
            assert not events.ended_cleanly
            assert events.wire.was_reset
        proxy.cut_after = None
        with sse(proxy.url + "/events") as events:
            events.next("pode.open")
            proxy.cut()
            assert events.until_closed() == []
            assert not events.ended_cleanly
        assert proxy.open == 0
    eventually(lambda: live.server.engine.connections == 0, "the server has seen it")


def test_a_silent_proxy_swallows_events_and_ends(live):
    with FaultProxy(live.port) as proxy, sse(proxy.url + "/events") as events:
        events.next("pode.open")
        proxy.go_silent()
        assert send(live, "swallowed").wait(30)
        with pytest.raises(SseTimeout):
            events.next(deadline=0.1)
        proxy.speak_again()
        send(live, "heard")
        # The chunk that was swallowed is missing as a whole: the rest can still be read.
        assert events.next(deadline=5).data == "heard"


def test_a_slow_reader_reads_at_its_rate(live):
    with SlowReader(live.url + "/events", rate=20_000) as slow:
        began = time.monotonic()
        for _ in range(10):
            send(live, "x" * 10_000)
        eventually(lambda: slow.bytes_read > 10_000, "it reads")
        assert slow.bytes_read <= 20_000 * (time.monotonic() - began) + 3_000


def test_a_reader_that_does_not_read_may_catch_up(live):
    with SlowReader(live.url + "/events") as slow:
        for number in range(100):
            send(live, number)
        assert slow.bytes_read == 0
        assert [one.data for one in slow.stream.take(100, "message")] == list(map(str, range(100)))


def test_waiting_for_a_cut_that_does_not_come_ends(live):
    with SlowReader(live.url + "/events") as slow, pytest.raises(TimeoutError, match="in time"):
        slow.wait_until_cut(0.1)


def test_a_storm_takes_a_cursor_for_each(live):
    with live.sse("/events") as first:
        first.next("pode.open")
        ids = [first.last_event_id]
        for number in range(5):
            send(live, number)
            ids.append(first.next().id)
    streams = storm(live.url + "/events", 6, last_event_id=lambda number: ids[number])
    for number, stream in enumerate(streams):
        assert stream.next().type == "pode.open"
        expected = list(map(str, range(number, 5)))
        assert [one.data for one in stream.take(len(expected))] == expected
        stream.close()


def test_a_storm_at_a_closed_port_says_so():
    with pytest.raises(ConnectionError):
        storm("http://127.0.0.1:1/", 3)
