"""start_server(engine="uvicorn"): what is of this engine alone. All else is tested on both."""

from __future__ import annotations

import ssl
import threading

import pytest

from pode_py import add_endpoint, add_route, web_event
from pode_py.testing import fetch, running
from tests.server.program import HELLO

pytestmark = pytest.mark.own_engine("these tests choose their engine themselves")

WITHOUT = "sys.modules['uvicorn'] = None\n"


def test_without_the_package_it_says_what_to_install(program):
    run = program(WITHOUT + HELLO.replace("(server)", '(server, engine="uvicorn")'))
    assert run.end() == 1
    assert run.err.strip().endswith("Install it with: pip install 'pode-py[uvicorn]'")
    assert "after the server" not in run.out


def test_another_engine_is_unknown(program):
    run = program(HELLO.replace("(server)", '(server, engine="asgi")'))
    assert run.end() == 1
    assert "engine='asgi' is not known. Use one of: 'h11', 'uvicorn'." in run.err


def test_it_says_nothing_of_its_own(program):
    run = program(HELLO, engine="uvicorn").ready()
    assert run.get().headers["Server"] == "Pode"
    assert run.stop() == 0
    assert "vicorn" not in run.out
    assert run.err == ""


def test_each_endpoint_has_its_own_tls():
    def setup():
        add_endpoint(port=8080, name="plain")
        add_endpoint(port=8443, protocol="https", self_signed=True, name="secret")
        add_route("get", "/", lambda: f"{web_event.endpoint.name} {web_event.request.scheme}")

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with running(setup, engine="uvicorn") as live:
        plain, secret = live.urls
        assert fetch(plain + "/").text == "plain http"
        assert fetch(secret + "/", tls=context).text == "secret https"


def test_async_handlers_run_on_the_loop_that_serves():
    async def name() -> str:
        return threading.current_thread().name

    with running(lambda: add_route("get", "/", name), engine="uvicorn", threads=1) as live:
        assert live.get("/").text == "pode-loop"


def test_a_port_that_is_taken_is_told_and_leaves_nothing_open(program):
    one = program(HELLO, engine="uvicorn").ready()
    two = program(HELLO.replace("PORT", str(one.port)), engine="uvicorn")
    assert two.end() == 1
    assert "another program uses it already" in two.err
    assert one.get().text == "hello"


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 3_000_000])
def test_answers_of_every_size_are_whole_and_the_connection_is_kept(size):
    with running(lambda: add_route("get", "/", lambda: b"x" * size), engine="uvicorn") as live:
        for _ in range(2):
            answer = live.get("/")
            assert len(answer.body) == size
            assert answer.complete
