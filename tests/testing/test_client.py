"""Client: requests and streams without sockets."""

from __future__ import annotations

import threading

import pytest

from pode_py import (
    add_endpoint,
    add_route,
    close_sse_connection,
    convert_to_sse_connection,
    move_response_url,
    register_sse_event,
    send_sse_event,
    triggered_event,
    web_event,
)
from pode_py.testing import Client, SseRefused, SseTimeout


def setup():
    add_route("get", "/", lambda: "Hello")
    add_route("*", "/echo", echo)
    add_route("get", "/cookie", set_cookie)
    add_route("get", "/forget", forget_cookie)
    add_route("*", "/old", lambda: move_response_url("/new?x=1"))
    add_route("*", "/new", lambda: f"{web_event.method} {web_event.query['x']}")
    add_route("get", "/events", lambda: convert_to_sse_connection("Events", client_id=7) and None)
    add_route("get", "/local", local)
    add_route("get", "/pieces", lambda: iter(["a", "b"]))
    add_route("get", "/cut", cut)


def echo():
    return {
        "method": web_event.method,
        "data": web_event.data,
        "query": dict(web_event.query),
        "headers": dict(web_event.headers.items()),
        "cookies": dict(web_event.cookies),
        "address": web_event.request.remote_address,
        "scheme": web_event.request.scheme,
        "url": web_event.request.url,
    }


def set_cookie():
    web_event.response.headers.add("Set-Cookie", "a=1; Path=/; HttpOnly")
    web_event.response.headers.add("Set-Cookie", "b=2; Max-Age=60")


def forget_cookie():
    web_event.response.headers.add("Set-Cookie", "a=; Max-Age=0")
    web_event.response.headers.add("Set-Cookie", "b=; Expires=Thu, 01 Jan 1970 00:00:00 GMT")


def local():
    convert_to_sse_connection("Events", scope="local")
    for number in range(3):
        send_sse_event(number, from_event=True)


def cut():
    def pieces():
        yield "half"
        raise ValueError("broken")

    return pieces()


@pytest.fixture
def client(pode_client) -> Client:
    return pode_client(setup)


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "options"])
def test_every_method_has_its_function(client, method):
    assert getattr(client, method)("/echo").json()["method"] == method


def test_a_response_has_status_headers_and_body(client):
    response = client.get("/")
    assert (response.status_code, response.text, response.body) == (200, "Hello", b"Hello")
    assert response.headers["content-TYPE"].startswith("text/plain")
    assert client.get("/nowhere").status_code == 404
    assert client.head("/echo").body == b""
    assert client.get("/pieces").text == "ab"


def test_requests_carry_query_headers_data_and_json(client):
    seen = client.post("/echo?a=1", json={"b": 2}, headers={"X-Test": "yes"}).json()
    assert seen["query"] == {"a": "1"}
    assert seen["data"] == {"b": 2}
    assert seen["headers"]["x-test"] == "yes"
    assert client.post("/echo", data={"c": "3"}).json()["data"] == {"c": "3"}


def test_requests_come_from_where_the_client_says(pode_client):
    client = pode_client(setup, host="example.com", remote_address="10.0.0.9")
    seen = client.get("/echo").json()
    assert seen["address"] == "10.0.0.9"
    assert seen["url"] == "http://example.com/echo"


def test_an_endpoint_can_be_chosen(pode_client):
    def more():
        setup()
        add_endpoint(name="plain")
        add_endpoint(port=8443, protocol="https", self_signed=True, name="safe")

    client = pode_client(more)
    assert client.get("/echo").json()["scheme"] == "http"
    assert client.get("/echo", endpoint_name="safe").json()["scheme"] == "https"


def test_cookies_are_kept_and_forgotten(client):
    assert client.get("/cookie").headers.get_all("set-cookie") == [
        "a=1; Path=/; HttpOnly",
        "b=2; Max-Age=60",
    ]
    assert client.get("/echo").json()["cookies"] == {"a": "1", "b": "2"}
    client.get("/forget")
    assert client.cookies == {}


def test_redirects_are_followed_when_asked_for(client):
    assert client.get("/old").status_code == 302
    assert client.get("/old", follow_redirects=True).text == "get 1"
    assert client.post("/old", data="x", follow_redirects=True).text == "get 1"


def test_a_body_that_breaks_is_a_cut_connection(client):
    with pytest.raises(ConnectionResetError, match="/cut"):
        client.get("/cut")


def test_a_global_stream_is_read_event_by_event(client):
    with client.sse("/events") as events:
        assert events.headers["X-Pode-Sse-Client-Id"] == "7"
        assert events.next().type == "pode.open"
        assert client.call(send_sse_event, "a\nb", name="Events", id=5).wait(0) is False
        event = events.next()
        assert (event.data, event.id) == ("a\nb", "5")
        with pytest.raises(SseTimeout, match=r"pode\.open"):
            events.next(deadline=0.05)
        client.call(close_sse_connection, "Events")
        assert [event.type for event in events] == ["pode.close"]
        assert events.ended_cleanly


def test_a_local_stream_runs_while_it_is_read(client):
    with client.sse("/local") as events:
        assert [event.data for event in events.until_closed()][1:] == ["0", "1", "2", ""]
        assert events.ended_cleanly


def test_what_is_no_stream_says_so(client):
    with client.sse("/") as events:
        assert events.response.text == "Hello"
        with pytest.raises(SseRefused):
            events.next()
    with client.sse("/events", headers={"Accept": "text/html"}) as events:
        assert events.status == 406
    with pytest.raises(AssertionError, match=r"client\.sse"):
        client.get("/events", headers={"Accept": "text/event-stream"})


def test_leaving_a_stream_disconnects_it(pode_client):
    gone = threading.Event()
    ids = []

    def more():
        setup()

        @register_sse_event("Events", "disconnect", "note")
        def note():
            ids.append(triggered_event.connection.client_id)
            gone.set()

    client = pode_client(more)
    with client.sse("/events") as events:
        events.next()
    assert gone.wait(30)
    assert ids == ["7"]


def test_a_route_that_does_not_answer_ends_at_the_deadline(pode_client):
    release = threading.Event()
    client = pode_client(lambda: add_route("get", "/hang", lambda: release.wait(10) and None))
    with pytest.raises(SseTimeout, match="/hang"):
        client.sse("/hang", deadline=0.1)
    release.set()


def test_a_live_server_can_be_asked_without_sockets_too(live_server):
    live = live_server(setup)
    with Client(live) as client:
        assert client.get("/").text == "Hello"
    assert live.get("/").text == "Hello"
