"""What an engine answers by itself looks like the server's other errors, once the head is known."""

from __future__ import annotations

import json
import socket
import threading

import pytest

from pode_py import (
    add_endware,
    add_middleware,
    add_route,
    enable_log_error_type,
    enable_log_request_type,
    new_log_custom_method,
)
from tests.engine.house import PATIENCE, Wire, wait_until

JSON = b"Accept: application/json"
CHUNKED = b"Transfer-Encoding: chunked"

#: Status, and what is refused with it once the head is known.
REFUSED = {
    "broken chunk": (400, b"POST /", [CHUNKED], b"x\r\n"),
    "coding without end": (400, b"POST /", [b"Transfer-Encoding: gzip"], b""),
    "two framings": (400, b"POST /", [CHUNKED, b"Content-Length: 1"], b"0\r\n\r\n"),
    "bad host": (400, b"GET /", [b"Host: b"], b""),
    "bad escape": (400, b"GET /%ff", [], b""),
    "large length": (413, b"POST /", [b"Content-Length: 5000"], b""),
    "large chunk": (413, b"POST /", [CHUNKED], b"fff\r\n"),
    "unknown expectation": (417, b"POST /", [b"Expect: more"], b""),
    "large head": (431, b"GET /", [b"A: " + b"b" * 80_000], b""),
    "unknown coding": (501, b"POST /", [b"Transfer-Encoding: gzip, chunked"], b""),
}


def request(line: bytes, *fields: bytes, version: bytes = b"HTTP/1.1") -> bytes:
    return b"\r\n".join([line + b" " + version, b"Host: a", *fields, b"", b""])


@pytest.fixture
def serve(live_server):
    def make(set_up, **options):
        live = live_server(set_up, **{"request_body_size": 1000, **options})
        return lambda: Wire(socket.create_connection(("127.0.0.1", live.port), timeout=PATIENCE))

    return make


@pytest.mark.parametrize("name", REFUSED)
def test_the_error_page_is_of_the_type_that_the_client_accepts(serve, name):
    status, line, fields, body = REFUSED[name]
    connect = serve(lambda: add_route("*", "/", lambda: "handled"))
    with connect() as wire:
        wire.send(request(line, JSON, *fields) + body)
        answer = wire.answer()
        assert (answer.status, answer["Content-Type"]) == (
            status,
            "application/json; charset=utf-8",
        )
        assert json.loads(answer.body)["status"]["code"] == status
        assert answer["Connection"] == "close"
        assert wire.is_closed


def test_the_error_page_is_the_user_s(serve, tmp_path):
    (tmp_path / "errors").mkdir()
    (tmp_path / "errors" / "413.html").write_text("<p>Too much</p>")
    connect = serve(lambda: None, root_path=tmp_path)
    with connect() as wire:
        wire.send(request(b"POST /", b"Content-Length: 5000"))
        assert wire.answer().body == b"<p>Too much</p>"


def test_the_error_page_is_of_the_type_that_the_route_says(serve):
    connect = serve(
        lambda: add_route("post", "/api", lambda: "", error_content_type="application/json")
    )
    with connect() as wire:
        wire.send(request(b"POST /api", b"Content-Length: 5000"))
        assert wire.answer()["Content-Type"] == "application/json; charset=utf-8"


def test_before_the_head_is_known_the_answer_is_text(serve):
    connect = serve(lambda: None)
    with connect() as wire:
        wire.send(b"GET / HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\nA : b\r\n\r\n")
        answer = wire.answer()
        assert answer["Content-Type"] == "text/plain; charset=utf-8"
        assert answer.body == b"A header field is malformed.\n"


@pytest.mark.parametrize("target", ["/é", "/x?q=é", "/é x"])
def test_no_answer_shows_what_was_sent_or_the_parser(serve, target):
    connect = serve(lambda: None)
    with connect() as wire:
        wire.send(request(b"GET " + target.encode()))
        answer = wire.answer()
        assert answer.status == 400
        assert b"bytearray" not in answer.body
        assert "é".encode() not in answer.body


def test_a_body_that_stalls_gets_the_page_of_408(serve):
    connect = serve(lambda: None, request_timeout=0.3)
    with connect() as wire:
        wire.send(request(b"POST /", JSON, b"Content-Length: 100") + b"half")
        answer = wire.answer()
        assert (answer.status, json.loads(answer.body)["status"]["code"]) == (408, 408)
        assert wire.is_closed


def test_no_middleware_and_no_handler_sees_it_but_endware_and_the_log_do(serve):
    seen, ended, lines = [], [], []

    def set_up():
        add_middleware("see", lambda: seen.append("middleware") or True)
        add_route("post", "/", lambda: seen.append("handler"))
        add_endware(lambda web_event: ended.append(web_event.response.status_code))
        enable_log_request_type(new_log_custom_method(lines.append))

    connect = serve(set_up)
    with connect() as wire:
        wire.send(request(b"POST /?a=b", b"Content-Length: 5000"))
        assert wire.answer().status == 413
    wait_until(lambda: lines)
    assert (seen, ended) == ([], [413])
    assert '"POST /?a=b HTTP/1.1" 413' in str(lines[0])


def test_an_async_endware_may_hold_it(serve):
    gate = threading.Event()

    async def wait():
        gate.set()

    connect = serve(lambda: add_endware(wait))
    with connect() as wire:
        wire.send(request(b"POST /", CHUNKED) + b"x\r\n")
        assert wire.answer().status == 400
        assert gate.is_set()
        assert wire.is_closed


def test_a_refused_head_has_no_content(serve):
    connect = serve(lambda: None)
    with connect() as wire:
        wire.send(request(b"HEAD /", b"Host: b"))
        answer = wire.answer(head_only=True)
        assert answer.status == 400
        assert int(answer["Content-Length"]) > 0
        assert wire.is_closed


def logged_by(serve, kind, **options):
    lines = []

    def set_up():
        enable_log_error_type(new_log_custom_method(lines.append), kind=kind)
        add_route("get", "/found", lambda: "found")

    return serve(set_up, **options), lines


@pytest.mark.parametrize(
    ("data", "where", "text"),
    [
        (request(b"GET /lost"), "GET /lost", "404 Not Found"),
        (request(b"POST /found", b"Content-Length: 0"), "POST /found", "405 Method Not Allowed"),
        (
            request(b"POST /", b"Content-Length: 5000"),
            "POST /",
            "413 Content Too Large: The body is larger than 1000 bytes.",
        ),
        (
            b"\x16\x03\x01",
            "Connection of 127.0.0.1",
            "400 Bad Request: This is not an HTTP request.",
        ),
    ],
)
def test_the_kind_client_logs_what_is_answered_with_4xx(serve, data, where, text):
    connect, lines = logged_by(serve, "client")
    with connect() as wire:
        wire.send(request(b"GET /found"))
        assert wire.answer().status == 200
        wire.send(data)
        wire.answer()
    wait_until(lambda: lines)
    (line,) = lines
    assert f"] {where}" in str(line)
    assert str(line).endswith(f": {text}")
    assert "Traceback" not in str(line)


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"GET /sl", "Connection of 127.0.0.1"),
        (request(b"POST /slow", b"Content-Length: 5") + b"x", "POST /slow"),
    ],
)
def test_the_kind_timeout_logs_what_came_too_slowly(serve, data, where):
    connect, lines = logged_by(serve, "timeout", request_timeout=0.3)
    with connect() as wire:
        wire.send(request(b"GET /lost"))
        assert wire.answer().status == 404
        wire.send(data)
        assert wire.answer().status == 408
    wait_until(lambda: lines)
    (line,) = lines
    assert f"] {where}" in str(line)
    assert ": 408 Request Timeout: " in str(line)


def test_the_kind_server_logs_none_of_them(serve):
    connect, lines = logged_by(serve, "server")
    with connect() as wire:
        wire.send(request(b"GET /lost"))
        assert wire.answer().status == 404
        wire.send(request(b"GET /", b"Host: b"))
        assert wire.answer().status == 400
        assert wire.is_closed
    assert lines == []
