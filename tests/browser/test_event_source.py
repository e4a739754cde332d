"""What a browser's own EventSource makes of our streams."""

from __future__ import annotations

import json
import threading
from queue import Queue

import pytest

from pode_py import (
    add_route,
    close_sse_connection,
    convert_to_sse_connection,
    register_sse_event,
    send_sse_event,
    set_sse_ping,
    web_event,
    write_html_response,
)

# Notes everything that arrives, in order. It closes on pode.close only if it was told to.
PAGE = """<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>listening</title><body><script>
const seen = [];
let source = null;
function listen(url, { types = [], closing = false } = {}) {
  source = new EventSource(url);
  const note = (event) => seen.push([event.type, event.data, event.lastEventId]);
  source.onmessage = note;
  for (const type of ["pode.open", "pode.close", "pode.ping", ...types])
    source.addEventListener(type, note);
  if (closing) source.addEventListener("pode.close", () => source.close());
  source.onerror = () => seen.push(["error", null, source.readyState]);
}
</script></body></html>"""

CONNECTING, OPEN, CLOSED = 0, 1, 2


class Listener:
    """The page above, in the browser."""

    def __init__(self, browser, url):
        self.browser = browser
        browser.open(url + "/")

    def listen(self, path, **options):
        self.browser.run("listen(arguments[0], arguments[1])", path, options)

    @property
    def seen(self):
        return [tuple(event) for event in self.browser.run("return seen")]

    def wait_for(self, event_type, times=1):
        """Wait until so many events of this type have come; gives them."""

        def found():
            events = [event for event in self.seen if event[0] == event_type]
            return events if len(events) >= times else None

        return self.browser.wait_for(found, f"{times} events of type {event_type}")

    @property
    def state(self):
        return self.browser.run("return source.readyState")


@pytest.fixture
def listening(browser, live_server):
    """Start a server with this set-up, and open the page in the browser."""

    def start(setup, **options):
        def with_page():
            add_route("get", "/", lambda: write_html_response(PAGE))
            setup()

        server = live_server(with_page, **options)
        return server, Listener(browser, server.url)

    yield start
    # The page's streams end before the server does.
    browser.open("about:blank")


def global_stream(**options):
    def setup():
        add_route("get", "/events", lambda: convert_to_sse_connection("Events", **options) and None)

    return setup


def test_the_first_event_is_pode_open(listening):
    _, page = listening(global_stream(group="g", client_id="umlaut ä, \"quote\", 'quote'"))
    page.listen("/events")
    (opened,) = page.wait_for("pode.open")
    assert json.loads(opened[1]) == {
        "clientId": "umlaut ä, \"quote\", 'quote'",
        "group": "g",
        "name": "Events",
    }
    assert page.state == OPEN


def test_plain_and_named_events_arrive_in_order_with_their_ids(listening):
    server, page = listening(global_stream())
    page.listen("/events", types=["quote", "ünïcode \U0001f642"])
    page.wait_for("pode.open")
    server.call(send_sse_event, "plain", name="Events")
    server.call(send_sse_event, {"price": 1.5}, name="Events", event_type="quote", id=7)
    server.call(send_sse_event, "one\ntwo\r\nthree\rfour", name="Events", id="8")
    server.call(send_sse_event, " x", name="Events", event_type="ünïcode \U0001f642")
    server.call(send_sse_event, "", name="Events")
    server.call(send_sse_event, "nobody listens", name="Events", event_type="other")
    server.call(send_sse_event, "last", name="Events")
    page.browser.wait_for(lambda: "last" in [data for _, data, _ in page.seen], "the last one")
    assert page.seen[1:] == [
        ("message", "plain", ""),
        ("quote", '{"price":1.5}', "7"),
        ("message", "one\ntwo\nthree\nfour", "8"),
        ("ünïcode \U0001f642", " x", "8"),
        ("message", "", "8"),
        ("message", "last", "8"),
    ]


@pytest.mark.parametrize("last_id", ["event 41", "\u00fc \U0001f642"])
def test_a_cut_stream_is_opened_again_with_the_last_event_id(listening, last_id):
    connections = Queue()

    def setup():
        def events():
            connections.put(convert_to_sse_connection("Events", retry_duration=50))

        add_route("get", "/events", events)

    server, page = listening(setup)
    page.listen("/events")
    page.wait_for("pode.open")
    server.call(send_sse_event, "before", name="Events", id=last_id)
    page.wait_for("message")

    connections.get(timeout=30).cut()

    page.wait_for("pode.open", times=2)
    assert connections.get(timeout=30).last_event_id == last_id
    server.call(send_sse_event, "after", name="Events")
    page.wait_for("message", times=2)
    kinds = [event[0] for event in page.seen]
    assert kinds == ["pode.open", "message", "error", "pode.open", "message"]
    assert page.state == OPEN


def test_a_local_route_that_fails_is_asked_again_from_where_it_was(listening):
    asked = []

    def setup():
        def events():
            convert_to_sse_connection("Steps", scope="local", retry_duration=50)
            asked.append(web_event.sse.last_event_id)
            for step in range(int(asked[-1] or 0) + 1, 4):
                send_sse_event(step, id=step, from_event=True)
                if len(asked) == 1 and step == 2:
                    raise RuntimeError("the route breaks in the middle")

        add_route("get", "/events", events)

    _, page = listening(setup)
    page.listen("/events", closing=True)
    page.wait_for("pode.close")
    assert [data for kind, data, _ in page.seen if kind == "message"] == ["1", "2", "3"]
    assert asked == [None, "2"]


def test_the_page_closes_for_good_at_pode_close(listening):
    server, page = listening(global_stream(retry_duration=50))
    page.listen("/events", closing=True)
    page.wait_for("pode.open")
    server.call(close_sse_connection, "Events")
    assert page.wait_for("pode.close") == [("pode.close", "", "")]
    assert page.state == CLOSED
    # Twice the time after which it would have come back.
    page.browser.run("return new Promise(done => setTimeout(done, 100))")
    assert [event[0] for event in page.seen] == ["pode.open", "pode.close"]


def test_a_page_that_does_not_close_comes_back_by_itself(listening):
    server, page = listening(global_stream(retry_duration=50))
    page.listen("/events")
    page.wait_for("pode.open")
    server.call(close_sse_connection, "Events")
    page.wait_for("pode.open", times=2)
    assert [event[0] for event in page.seen] == ["pode.open", "pode.close", "error", "pode.open"]


def test_a_local_stream_ends_with_its_route(listening):
    def setup():
        def events():
            convert_to_sse_connection("Events", scope="local")
            send_sse_event("first", from_event=True)
            send_sse_event("second", from_event=True, event_type="named")

        add_route("get", "/events", events)

    _, page = listening(setup)
    page.listen("/events", types=["named"], closing=True)
    page.wait_for("pode.close")
    assert [event[:2] for event in page.seen[1:]] == [
        ("message", "first"),
        ("named", "second"),
        ("pode.close", ""),
    ]
    assert page.state == CLOSED


def test_a_closed_tab_is_noticed_at_once(browser, listening):
    gone = threading.Event()

    def setup():
        global_stream()()
        set_sse_ping(0)
        register_sse_event("Events", "disconnect", "note it", gone.set)

    first = browser.driver.current_window_handle
    browser.driver.switch_to.new_window("tab")
    _, page = listening(setup)
    page.listen("/events")
    page.wait_for("pode.open")
    browser.driver.close()
    browser.go_to_tab(first)
    assert gone.wait(30)


def test_a_fetch_with_the_headers_of_the_stream_is_answered_over_it(listening):
    def setup():
        global_stream()()

        def ask():
            assert web_event.sse.name == "Events"
            send_sse_event("the answer", event_type="answer", from_event=True)

        add_route("post", "/ask", ask)

    server, page = listening(setup)
    with server.sse("/events") as stranger:
        stranger.next("pode.open")
        page.listen("/events", types=["answer"])
        (opened,) = page.wait_for("pode.open")
        status = page.browser.run(
            """const { clientId, name } = JSON.parse(arguments[0]);
            const headers = { "X-PODE-SSE-CLIENT-ID": clientId, "X-PODE-SSE-NAME": name };
            return fetch("/ask", { method: "POST", headers }).then((answer) => answer.status);""",
            opened[1],
        )
        assert status == 200
        assert page.wait_for("answer") == [("answer", "the answer", "")]
        server.call(send_sse_event, "to all", name="Events")
        assert stranger.next().data == "to all"
