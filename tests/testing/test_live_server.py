"""LiveServer and its fixture: a server in the test's process, and nothing left of it."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

import pytest

import pode_py
from pode_py import (
    add_endpoint,
    add_route,
    add_timer,
    close_server,
    convert_to_sse_connection,
    get_server_path,
    get_sse_name_list,
    restart_server,
    send_sse_event,
    web_event,
)
from pode_py.testing import FakeClock, LeftoverThreads, LiveServer, SseRefused, fetch, running

pytest_plugins = ["pytester"]


def setup():
    add_route("get", "/", lambda: "Hello")
    add_route("post", "/echo", lambda: {"data": web_event.data, "type": web_event.content_type})
    add_route("get", "/events", lambda: convert_to_sse_connection("Events") and None)


def test_a_server_without_endpoints_gets_one():
    with running(setup) as live:
        assert live.get("/").text == "Hello"
        assert live.url == f"http://127.0.0.1:{live.port}"
        assert live.urls == [live.url]


def test_endpoints_get_free_ports_whatever_they_say():
    def more():
        setup()
        add_endpoint(port=80)
        add_endpoint("*", 443, "https", self_signed=True)

    with running(more) as live, running(more) as another:
        assert [url.partition(":")[0] for url in live.urls] == ["http", "https"]
        assert len({*live.ports, *another.ports}) == 4
        for url in (*live.urls, *another.urls):
            assert fetch(f"{url}/").text == "Hello"


def test_requests_carry_data_and_json(live_server):
    live = live_server(setup)
    assert live.request("POST", "/echo", json={"a": 1}).json()["data"] == {"a": 1}
    form = live.request("POST", "/echo", data={"a": "1 &", "b": ["2", "3"]}).json()
    assert form == {
        "data": {"a": "1 &", "b": ["2", "3"]},
        "type": "application/x-www-form-urlencoded",
    }


def test_the_test_can_call_functions_of_the_server(live_server):
    one, two = live_server(setup), live_server(setup)
    with one.sse("/events") as events:
        events.next("pode.open")
        assert one.call(get_sse_name_list) == ["Events"]
        assert two.call(get_sse_name_list) == []
        assert one.call(send_sse_event, "hi", name="Events").matched == 1
        assert events.next().data == "hi"


def test_threads_of_the_test_find_the_server_that_started_last(live_server):
    live = live_server(setup)
    with live.sse("/events") as events:
        events.next("pode.open")
        send_sse_event("from anywhere", name="Events")
        assert events.next().data == "from anywhere"


def test_the_root_path_is_the_given_one(live_server, tmp_path):
    live = live_server(setup, root_path=tmp_path)
    assert live.call(get_server_path) == tmp_path


def test_time_moves_by_hand(live_server):
    ticks = []
    clock = FakeClock()
    live_server(lambda: add_timer("tick", 60, lambda: ticks.append(1)), clock=clock)
    clock.advance(180)
    assert len(ticks) == 3


def test_requests_to_stop_are_noted_and_nothing_stops(live_server):
    def more():
        setup()
        add_route("post", "/stop", close_server)
        add_route("post", "/again", restart_server)

    live = live_server(more)
    live.request("POST", "/stop")
    assert live.wait_for_stop_request() == "stop"
    live.request("POST", "/again")
    assert live.stop_request == "restart"
    assert live.get("/").text == "Hello"


def test_what_is_no_stream_says_so(live_server):
    with live_server(setup).sse("/") as events:
        assert events.status == 200
        assert not events.is_stream
        assert events.response.text == "Hello"
        with pytest.raises(SseRefused, match="Hello"):
            events.next()


def test_a_stream_can_be_opened_again_where_it_ended(live_server):
    seen = []

    def more():
        def events():
            seen.append(web_event.headers.get("last-event-id"))
            convert_to_sse_connection("Events")
            send_sse_event("x", from_event=True, id="41")

        add_route("get", "/resume", events)

    live = live_server(more)
    events = live.sse("/resume")
    assert events.next("message").id == "41"
    with events.reconnect() as again:
        again.next("pode.open")
    assert seen == [None, "41"]


def test_a_failing_set_up_is_raised_and_leaves_nothing():
    before = threading.active_count()

    def broken():
        raise LookupError("no such file")

    with pytest.raises(LookupError, match="no such file"), running(broken):
        pass
    assert threading.active_count() == before


def test_a_handler_that_does_not_end_fails_the_test():
    release = threading.Event()

    def more():
        add_route("get", "/hang", lambda: release.wait(30) and None)

    live = LiveServer(more, grace=0.1).start()
    threading.Thread(target=_try, args=(live.url + "/hang",), name="asks").start()
    while live.server.engine.wait_handlers(0):
        pass
    live.close()
    with pytest.raises(LeftoverThreads, match="pode-web"):
        live.check_threads()
    release.set()
    for thread in threading.enumerate():
        if thread.name == "asks" or thread.name.startswith("pode-"):
            thread.join(10)


def _try(url):
    with contextlib.suppress(AssertionError):
        fetch(url)


TEST_FILE = """
from pode_py import add_route, convert_to_sse_connection, send_sse_event

def setup():
    add_route("get", "/", lambda: "Hello")
    add_route("get", "/events", lambda: convert_to_sse_connection("Events") and None)

def use(live):
    with live.sse("/events") as events:
        assert events.next().type == "pode.open"
        live.call(send_sse_event, 1, name="Events")
        assert events.next().data == "1"

def test_one(live_server):
    use(live_server(setup))

def test_two(live_server):
    use(live_server(setup))
    use(live_server(setup, threads=1))

def test_no_sockets(pode_client):
    assert pode_client(setup).get("/").text == "Hello"

def test_left_open(live_server):
    assert live_server(setup).sse("/events", deadline=0.1).take(2)
"""


def test_the_fixtures_work_in_any_project(pytester, monkeypatch):
    pytester.makepyfile(TEST_FILE)
    # Whether pode_py is installed or not: named here, and not found as an installed plugin.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONPATH", str(Path(pode_py.__file__).parents[1]))
    ran = pytester.runpytest_subprocess("-p", "pode_py.testing.fixtures", "-W", "error")
    ran.assert_outcomes(passed=3, failed=1)
    ran.stdout.fnmatch_lines(["*SseTimeout: No event came in time. Received were 1 events*"])
