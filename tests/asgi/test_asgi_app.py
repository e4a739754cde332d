"""asgi_app under uvicorn, hypercorn and granian, as they come."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator

import pytest

from pode_py.testing import SseEnded, Wire
from tests.asgi.servers import APP, COMMANDS
from tests.server.program import DEADLINE, Program


@pytest.fixture(params=sorted(COMMANDS))
def kind(request) -> str:
    return str(request.param)


@pytest.fixture
def app(deploy, kind) -> Iterator[Program]:
    return deploy(kind).listening()


def test_routes_answer(app):
    assert app.get("/").text == "hello"
    assert app.get("/none").status_code == 404
    assert app.get("/pieces").text == "piece 0;piece 1;piece 2;"
    assert len(app.get("/big").text) == 3_000_000
    assert app.get("/", method="HEAD").headers["Content-Length"] == "5"
    assert app.get("/", method="POST").status_code == 405


def test_a_request_is_seen_as_on_our_own_engine(app, program):
    own = program(APP.replace("app = asgi_app(server, request_body_size=100_000)", OWN)).ready()
    for target in ("/facts/a%2Fb%20c?x=1&y=%26", "/facts/%C3%A4/..//b", "/facts/a%252F", "/facts"):
        seen, expected = app.get(target).json(), own.get(target).json()
        for fact in ("thread", "host"):
            seen.pop(fact), expected.pop(fact)
        assert seen == expected


OWN = """
def with_endpoint():
    add_endpoint(port=PORT)
    server()

start_server(with_endpoint)
"""


def test_bodies_arrive_and_too_large_ones_are_413(app):
    assert app.get("/echo", method="POST", data="x" * 100_000).text == "x" * 100_000
    assert app.get("/echo", method="POST", data="x" * 100_001).status_code == 413
    assert app.get("/").text == "hello"


def test_async_handlers_run_on_the_loop_of_the_asgi_server(app):
    assert app.get("/async").text == "MainThread"
    assert app.get("/facts").json()["thread"].startswith("pode-web-")


def test_a_body_that_fails_half_way_is_cut(app):
    answer = app.get("/half")
    assert answer.text == "half of it"
    assert not answer.complete
    assert app.get("/").text == "hello"


def test_events_flow_and_a_client_that_leaves_is_forgotten(app):
    one, two = app.sse(), app.sse()
    assert app.get("/send", method="POST").text == "2"
    assert one.next("message").data == two.next("message").data == "news"
    two.close()
    until = time.monotonic() + DEADLINE
    while app.get("/send", method="POST").text != "1":
        assert time.monotonic() < until
    assert one.next("message").data == "news"


def test_a_plain_stream_has_its_head_at_once_and_only_what_is_sent(app):
    with Wire(app.url) as wire:
        wire.send(b"GET /plain HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n")
        head = wire.read_head(deadline=DEADLINE)
        assert head.status_code == 200
        assert not [name for name, _ in head.headers.fields() if "pode" in name.lower()]
        assert app.get("/send-plain", method="POST").text == "1"
        received = b""
        while b"\n\n" not in received:
            received += wire.read(time.monotonic() + DEADLINE)
    # Between the sizes of its chunks.
    assert b"data: [DONE]\n\n" in received
    assert b"pode" not in received


def test_a_restart_refuses_nobody_and_says_goodbye_to_streams(app):
    events = app.sse()
    assert app.get("/restart", method="POST").status_code == 200
    assert events.next("pode.close")
    until = time.monotonic() + DEADLINE
    while not _is_new(app):
        assert time.monotonic() < until


def _is_new(app: Program) -> bool:
    # The new server has another store of streams: nobody of the old one's is in it.
    answer = app.get("/send", method="POST")
    assert answer.status_code == 200
    return answer.text == "0"


def test_after_close_server_the_answer_is_503(app):
    events = app.sse()
    assert app.get("/stop", method="POST").status_code == 200
    assert events.next("pode.close")
    until = time.monotonic() + DEADLINE
    while app.get("/").status_code != 503:
        assert time.monotonic() < until
    app.signal(signal.SIGTERM)
    app.end()


def test_the_end_of_the_asgi_server_ends_streams_in_time(app, kind):
    events = app.sse()
    app.signal(signal.SIGTERM)
    if kind == "granian":  # it kills its worker, and tells nobody before
        with pytest.raises(SseEnded):
            events.next("pode.close")
    else:
        assert events.next("pode.close")
    app.end()


def test_a_set_up_that_fails_keeps_the_asgi_server_from_starting(deploy, kind):
    run = deploy(kind, code=APP.replace("def server():", "def server():\n    1 / 0\n"))
    code = run.end()
    assert "ZeroDivisionError" in run.err + run.out
    assert code or kind == "hypercorn"  # whose code is always 0


def test_without_a_lifespan_the_first_request_starts_the_server(deploy):
    app = deploy("uvicorn", "--lifespan", "off").listening()
    assert app.get("/").text == "hello"
    assert app.get("/async").text == "MainThread"
    assert app.sse()


def test_a_mounted_application_sees_paths_below_its_own(deploy):
    app = deploy("uvicorn", "--root-path", "/inner").listening()
    facts = json.loads(app.get("/facts/a%20b").text)
    assert facts["path"] == "/facts/a b"
    assert facts["target"] == "/inner/facts/a%20b"


def test_redirects_of_a_mounted_application_stay_below_its_path(deploy):
    app = deploy("uvicorn", "--root-path", "/inner").listening()
    assert app.get("/away").headers["Location"] == "/inner/login"
    assert app.get("/elsewhere").headers["Location"] == "https://example.com/"


EVENTS = """
from pode_py.asgi import asgi_app

def note():
    say("event:", triggered_event.type)

def server():
    for type in "starting start running terminate stop restarting restart crash".split():
        register_event(type, "note", note)
    add_route("get", "/", lambda: "hello")
    MORE

app = asgi_app(server)
"""


def test_the_events_of_the_server_come_with_the_lifespan(deploy, kind):
    app = deploy(kind, code=EVENTS.replace("MORE", "pass")).listening()
    app.signal(signal.SIGTERM)
    app.process.wait(DEADLINE)
    app.wait_for("event: stop")
    seen = [line[7:] for line in app.out.splitlines() if line.startswith("event: ")]
    assert seen == ["starting", "start", "running", "terminate", "stop"]


def test_a_set_up_that_fails_under_an_asgi_server_is_a_crash(deploy):
    app = deploy("uvicorn", code=EVENTS.replace("MORE", "raise KeyError('missing')"))
    app.process.wait(DEADLINE)
    app.wait_for("event: stop")
    seen = [line[7:] for line in app.out.splitlines() if line.startswith("event: ")]
    assert seen == ["crash", "stop"]
