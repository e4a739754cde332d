"""curl, requests, sseclient-py, httpx-sse and the npm package eventsource see the same events."""

from __future__ import annotations

import json
import threading
import time
from datetime import date
from queue import Queue

import pytest

from pode_py import (
    add_route,
    close_sse_connection,
    convert_to_sse_connection,
    register_sse_event,
    send_sse_event,
    set_sse_ping,
    triggered_event,
)
from tests.interop.clients import CLIENTS, LAST, eventsource

# Ends of lines for some, but not in an event stream.
ODD = "\u2028 \u2029 \x85 \x0b \x0c \x1c."

# What is sent, and what every client must make of it. All have ids: clients differ in whether
# an event without one has the id of the one before.
SENT = [
    ({"data": "plain"}, ("message", "plain")),
    ({"data": "named", "event_type": "quote"}, ("quote", "named")),
    ({"data": "one\ntwo\r\nthree\rfour\n"}, ("message", "one\ntwo\nthree\nfour\n")),
    ({"data": "  two spaces, : a colon"}, ("message", "  two spaces, : a colon")),
    ({"data": ""}, ("message", "")),
    ({"data": "\n\n"}, ("message", "\n\n")),
    ({"data": "event: forged\nid: 99\n\ndata: x"}, ("message", "event: forged\nid: 99\n\ndata: x")),
    ({"data": ODD}, ("message", ODD)),
    ({"data": "h\u00e4\u4f60\U0001f642\ufeff"}, ("message", "h\u00e4\u4f60\U0001f642\ufeff")),
    ({"data": "x", "event_type": "news \u00fc\U0001f642"}, ("news \u00fc\U0001f642", "x")),
    (
        {"data": {"day": date(2027, 3, 28), "n": [1, None]}},
        ("message", '{"day":"2027-03-28","n":[1,null]}'),
    ),
    ({"data": "x" * 300_000}, ("message", "x" * 300_000)),
    *[({"data": number}, ("message", str(number))) for number in range(200)],
]
EXPECTED = [(*event, f"id-{number}") for number, (_, event) in enumerate(SENT)]


def all_events(**where):
    for number, (options, _) in enumerate(SENT):
        send_sse_event(**options, id=f"id-{number}", **where)


def without_ours(events):
    return [event for event in events if not event[0].startswith("pode.")]


def until_last(events):
    """Everything up to pode.close."""
    taken = []
    for event in events:
        taken.append(event)
        if event[0] == LAST:
            return taken
    raise AssertionError(f"The stream ended without {LAST}: {taken[-3:]}")


@pytest.fixture(params=CLIENTS)
def client(request):
    return CLIENTS[request.param]


def test_all_clients_see_the_same_events_of_a_local_stream(live_server, client):
    def setup():
        def events():
            convert_to_sse_connection("Local", scope="local")
            all_events(from_event=True)

        add_route("get", "/events", events)

    taken = until_last(client(live_server(setup).url + "/events"))
    assert [event[0] for event in (taken[0], taken[-1])] == ["pode.open", LAST]
    assert without_ours(taken) == EXPECTED


def test_all_clients_see_the_same_events_of_a_global_stream(live_server, client):
    def setup():
        add_route("get", "/events", lambda: convert_to_sse_connection("Global") and None)

        @register_sse_event("Global", "connect", "send all")
        def send_all():
            me = triggered_event.connection.client_id
            all_events(name="Global", client_id=me)
            close_sse_connection("Global", client_id=me)

    taken = until_last(client(live_server(setup).url + "/events"))
    opened = json.loads(taken[0][1])
    assert (opened["name"], opened["group"]) == ("Global", "")
    assert without_ours(taken) == EXPECTED


def test_every_event_arrives_at_once(live_server, client):
    """Each is sent only when the one before has been received."""
    server = live_server(
        lambda: add_route("get", "/events", lambda: convert_to_sse_connection("Slow") and None)
    )
    events = client(server.url + "/events")
    assert next(events)[0] == "pode.open"
    delays = []
    for number in range(10):
        began = time.monotonic()
        server.call(send_sse_event, number, name="Slow", id=number)
        assert next(events) == ("message", str(number), str(number))
        delays.append(time.monotonic() - began)
    server.call(close_sse_connection, "Slow")
    assert next(events)[0] == LAST
    # The median: a busy machine may delay one or the other.
    assert sorted(delays)[5] < 0.1


def test_the_npm_client_comes_back_with_the_last_event_id(live_server):
    opened = Queue()

    def setup():
        def events():
            opened.put(convert_to_sse_connection("Again", retry_duration=50))

        add_route("get", "/events", events)

    server = live_server(setup)
    events = eventsource(server.url + "/events")
    assert next(events)[0] == "pode.open"
    server.call(send_sse_event, "one", name="Again", id="a-1")
    assert next(events) == ("message", "one", "a-1")
    opened.get(timeout=30).cut()
    kinds = []
    while kinds[-1:] != ["pode.open"]:
        kinds.append(next(events)[0])
    assert set(kinds) == {"error", "pode.open"}
    assert opened.get(timeout=30).last_event_id == "a-1"
    server.call(send_sse_event, "two", name="Again")
    assert next(events)[:2] == ("message", "two")
    server.call(close_sse_connection, "Again")
    assert next(events)[0] == LAST


def test_a_client_that_is_stopped_is_noticed(live_server, client):
    gone = threading.Event()

    def setup():
        add_route("get", "/events", lambda: convert_to_sse_connection("Gone") and None)
        set_sse_ping(0)
        register_sse_event("Gone", "disconnect", "note it", gone.set)

    events = client(live_server(setup).url + "/events")
    assert next(events)[0] == "pode.open"
    events.close()
    assert gone.wait(30)
