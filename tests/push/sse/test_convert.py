"""Becoming a stream: which requests can, what the client gets at once, and what the route knows."""

from __future__ import annotations

import json
import threading

import pytest

from pode_py import (
    add_middleware,
    add_route,
    convert_to_sse_connection,
    get_sse_default_scope,
    send_sse_event,
    set_header,
    set_sse_default_scope,
    web_event,
)
from pode_py.testing import Wire, converse
from tests.push.house import SOON, eventually


def test_the_head_and_pode_open_arrive_while_the_route_still_runs(make_house):
    go_on = threading.Event()

    def more():
        def slow():
            convert_to_sse_connection("Slow")
            go_on.wait(SOON)

        add_route("get", "/slow", slow)

    house = make_house(more)
    with house.live.sse("/slow") as events:
        assert events.status == 200
        assert events.next().type == "pode.open"
        assert not go_on.is_set()
        go_on.set()


def test_the_headers_of_a_stream(house):
    with house.open("Events", group="admins", id="7") as events:
        headers = events.headers
        assert headers["Content-Type"] == "text/event-stream"
        assert headers["Cache-Control"] == "no-cache, no-transform"
        assert headers["X-Accel-Buffering"] == "no"
        assert headers["X-Pode-Sse-Client-Id"] == "7"
        assert headers["X-Pode-Sse-Name"] == "Events"
        assert headers["X-Pode-Sse-Group"] == "admins"
        assert "Content-Encoding" not in headers
        assert "Content-Length" not in headers
        assert "Access-Control-Allow-Origin" not in headers


def test_without_a_group_there_is_no_group_header(house):
    assert "X-Pode-Sse-Group" not in house.open().headers


def test_headers_set_before_go_out_with_the_stream(make_house):
    def more():
        def before():
            set_header("X-Frame-Options", "DENY")
            set_header("Access-Control-Allow-Origin", "https://example.com")
            web_event.response.headers.add("Set-Cookie", "a=1; Path=/")
            web_event.response.headers.add("Set-Cookie", "b=2; Path=/")

        add_middleware("before", before)

    headers = make_house(more).open().headers
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Access-Control-Allow-Origin"] == "https://example.com"
    assert headers.get_all("Set-Cookie") == ["a=1; Path=/", "b=2; Path=/"]


def test_allow_all_origins_says_so(house):
    assert house.open(origins=1).headers["Access-Control-Allow-Origin"] == "*"


def test_what_a_client_accepts_elsewhere_does_not_compress_a_stream(make_house):
    def more():
        add_route("get", "/zip", lambda: convert_to_sse_connection("Zip"))

    house = make_house(more)
    with house.live.sse("/zip", headers={"Accept-Encoding": "gzip, deflate, br"}) as events:
        assert "Content-Encoding" not in events.headers
        assert events.next().type == "pode.open"


@pytest.mark.parametrize(
    "text", ["Größe 1", "a, b%20", " edges ", "日本", 'quote"s', "back\\slash"]
)
def test_any_text_travels_in_headers_and_in_pode_open(house, text):
    with house.open(text, wait=False, group=text, id=text) as events:
        header = events.headers["X-Pode-Sse-Name"]
        assert header.isascii()
        assert header.isprintable()
        opened = json.loads(events.next("pode.open").data)
        assert opened == {"clientId": text, "group": text, "name": text}
        named = {
            field: events.headers[field]
            for field in ("X-Pode-Sse-Client-Id", "X-Pode-Sse-Name", "X-Pode-Sse-Group")
        }
        known = house.live.get("/who", headers=named).json()
        assert (known["name"], known["group"], known["client_id"]) == (text, text, text)


@pytest.mark.parametrize("bad", ["a\rb", "a\nb", "a\0b"])
@pytest.mark.parametrize("argument", ["name", "group", "id"])
def test_line_ends_and_nul_in_names_are_refused(house, argument, bad):
    with house.open(wait=False, **{argument: bad}) as events:
        assert events.status == 500
        assert b"b" not in events.response.headers.get("X-Pode-Sse-Name", "").encode()
    assert any("must not contain CR, LF or NUL" in message for message in house.errors())
    assert not house.connections or house.hub.store.names() == []


@pytest.mark.parametrize(
    ("accept", "allowed"),
    [
        ("text/event-stream", True),
        ("TEXT/Event-Stream", True),
        ("application/json, text/event-stream", True),
        ("text/event-stream;q=0.5, */*;q=0.1", True),
        ("text/event-stream; charset=utf-8", True),
        ("text/*", True),
        ("text/event-stream;q=0", False),
        ("*/*", False),
        ("application/json", False),
        ("", False),
    ],
)
def test_the_accept_header_decides(house, accept, allowed):
    with house.open(wait=False, headers={"Accept": accept}) as events:
        assert events.status == (200 if allowed else 406)
        assert events.is_stream is allowed
        if not allowed:
            assert "text/event-stream" in events.response.text


def test_force_needs_no_accept_header(house):
    with house.open(wait=False, force=1, headers={"Accept": "*/*"}) as events:
        assert events.next().type == "pode.open"


def test_a_post_can_become_a_stream(house):
    with house.live.sse("/events", method="POST", json={"question": 1}) as events:
        assert events.next().type == "pode.open"


def test_other_methods_can_not(make_house):
    def more():
        add_route("put", "/put", lambda: convert_to_sse_connection("Put"))

    house = make_house(more)
    with house.live.sse("/put", method="PUT") as events:
        assert events.status == 405
        assert events.headers["Allow"] == "GET, POST"
    assert house.errors() == []


def test_a_request_is_converted_once(make_house):
    def more():
        def twice():
            convert_to_sse_connection("Events")
            convert_to_sse_connection("Events")

        add_route("get", "/twice", twice)

    house = make_house(more)
    with house.live.sse("/twice") as events:
        assert events.next().type == "pode.open"
        eventually(house.errors, "the error is logged")
    [said] = house.errors()
    assert said.startswith("This request is an SSE connection already. Convert it once; for")


def test_the_event_of_the_route_knows_its_stream(make_house):
    seen = {}

    def more():
        def route():
            assert web_event.sse is None
            given = convert_to_sse_connection("Events", group="g", client_id=42)
            sse = web_event.sse
            assert given is sse
            seen.update(
                name=sse.name,
                group=sse.group,
                client_id=sse.client_id,
                last_event_id=sse.last_event_id,
                is_local=sse.is_local,
                is_global=sse.is_global,
                remote_address=sse.remote_address,
            )

        add_route("get", "/known", route)

    house = make_house(more)
    with house.live.sse("/known", last_event_id="99") as events:
        assert events.next().type == "pode.open"
    eventually(lambda: len(seen) == 7, "the route has looked")
    assert seen == {
        "name": "Events",
        "group": "g",
        "client_id": "42",
        "last_event_id": "99",
        "is_local": False,
        "is_global": True,
        "remote_address": "127.0.0.1",
    }


@pytest.mark.parametrize("group", [None, "", "g"])
def test_pode_open_is_the_first_event_and_real_json(house, group):
    asked = {} if group is None else {"group": group}
    with house.open(wait=False, id='a"b', **asked) as events:
        first = events.next()
        assert first.type == "pode.open"
        assert json.loads(first.data) == {
            "clientId": 'a"b',
            "group": group or "",
            "name": "Events",
        }


def test_retry_is_sent_in_milliseconds_before_anything_else(house):
    with house.open(retry=1234) as events:
        assert events.retry == 1234
    with house.open() as events:
        assert events.retry is None


def test_global_is_the_default_scope_and_can_be_changed(house):
    assert house.call(get_sse_default_scope) == "global"
    house.call(set_sse_default_scope, "LOCAL")
    assert house.call(get_sse_default_scope) == "local"
    with house.open() as events:
        assert events.next().type == "pode.close"
        assert events.until_closed() == []
        assert events.ended_cleanly
    with pytest.raises(ValueError, match="local"):
        house.call(set_sse_default_scope, "everywhere")


def test_a_global_stream_outlives_its_route_and_holds_no_thread(make_house):
    house = make_house(threads=1)
    with house.open() as one, house.open() as two:
        assert house.live.get("/quick").text == "quick"
        house.send("both")
        assert one.next().data == two.next().data == "both"


def test_a_local_stream_ends_when_its_route_returns(make_house):
    inside = []

    def more():
        def local():
            convert_to_sse_connection("Events", scope="local")
            inside.append((web_event.sse.is_local, web_event.sse.is_global))
            for number in range(3):
                send_sse_event(number, from_event=True)

        add_route("get", "/local", local)

    house = make_house(more)
    with house.live.sse("/local") as events:
        kinds = [(event.type, event.data) for event in events]
        assert kinds[0][0] == "pode.open"
        assert kinds[1:] == [
            ("message", "0"),
            ("message", "1"),
            ("message", "2"),
            ("pode.close", ""),
        ]
        assert events.ended_cleanly
    assert inside == [(True, False)]


def test_a_local_stream_is_never_in_the_store(make_house):
    names = []

    def more():
        def local():
            convert_to_sse_connection("Hidden", scope="local")
            names.append(web_event.sse)
            names.extend(house.hub.store.names())
            names.append(send_sse_event("to nobody", name="Hidden").matched)

        add_route("get", "/local", local)

    house = make_house(more)
    with house.live.sse("/local") as events:
        assert [event.type for event in events.until_closed()] == ["pode.open", "pode.close"]
    assert names[1:] == [0]


def test_a_local_stream_whose_route_raises_is_cut_and_logged_once(make_house):
    def more():
        def local():
            convert_to_sse_connection("Events", scope="local")
            send_sse_event("so far", from_event=True)
            raise RuntimeError("half way")

        add_route("get", "/local", local)

    house = make_house(more)
    with house.live.sse("/local") as events:
        assert [event.type for event in events.until_closed()] == ["pode.open", "message"]
        assert not events.ended_cleanly
    assert house.errors() == ["half way"]
    assert house.live.get("/quick").text == "quick"


def test_a_global_stream_whose_route_raises_stays_open(make_house):
    def more():
        def route():
            convert_to_sse_connection("Events")
            raise RuntimeError("after the conversion")

        add_route("get", "/raises", route)

    house = make_house(more)
    with house.live.sse("/raises") as events:
        assert events.next().type == "pode.open"
        eventually(house.errors, "the error is logged")
        house.send("still there")
        assert events.next().data == "still there"
    assert house.errors() == ["after the conversion"]


def test_a_client_of_http_1_0_gets_its_stream_until_the_connection_ends(house):
    text = b"GET /events HTTP/1.0\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n"

    with Wire(house.live.port) as wire:
        wire.send(text)
        head = wire.read_head()
        assert "Transfer-Encoding" not in head.headers
        assert "Content-Length" not in head.headers
        house.call(lambda: eventually(house.client_ids, "the client is in"))
        house.send("old friend")
        house.live.stop()
        body = wire.read_to_end()
    assert body.endswith(b"data: old friend\n\nevent: pode.close\ndata: \n\n")
    assert not wire.was_reset


def test_what_a_client_sends_after_its_request_is_read_and_forgotten(house):
    answer = converse(
        house.live.port,
        b"GET /quick HTTP/1.1\r\nHost: x\r\n\r\n",
    )
    assert answer.statuses == [200]
    with house.open() as events:
        events.wire.send(b"GET /quick HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
        house.send("only events")
        assert events.next().data == "only events"


def test_a_handler_may_return_its_stream(make_house):
    async def later():
        return convert_to_sse_connection("Later")

    def more():
        add_route("get", "/lambda", lambda: convert_to_sse_connection("Lambda"))
        add_route("get", "/later", later)

    house = make_house(more)
    for name in ("Lambda", "Later"):
        with house.live.sse(f"/{name.lower()}") as events:
            assert events.next().type == "pode.open"
            house.send("x", name)
            assert events.next().data == "x"
    assert house.errors() == []


def test_another_value_of_a_handler_that_opened_a_stream_is_an_error(make_house):
    def more():
        add_route("get", "/two", lambda: [convert_to_sse_connection("Two"), "text"][1])

    house = make_house(more)
    with house.live.sse("/two") as events:
        assert events.next().type == "pode.open"
        eventually(house.errors, "it is logged")
    assert "wrote a response and returned a value as well" in house.errors()[0]
