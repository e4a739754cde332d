"""The state, the secret, the names; and how users' own threads find their server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pode_py import (
    PodeError,
    add_route,
    get_app_name,
    get_server_default_secret,
    get_server_name,
    get_server_state,
    get_version,
    restart_server,
)
from pode_py import (
    test_server_state as is_server_state,
)
from pode_py.testing import running
from tests.server.program import DEADLINE, beside

pytestmark = pytest.mark.own_engine("what a server knows of itself does not depend on the engine")


def test_the_state_goes_from_starting_to_terminated(program):
    server = program("""
import contextvars

def server():
    add_endpoint(port=PORT)
    say("1", get_server_state(), test_server_state("Starting"))
    globals()["context"] = contextvars.copy_context()

    @add_route("get", "/")
    def slow():
        say("2", get_server_state(), get_server_state() == "running")
        close_server()
        while test_server_state("running"):
            time.sleep(0.01)
        say("3", get_server_state())
        return "done"

start_server(server)
say("4", context.run(get_server_state))
try:
    get_server_state()
except PodeError as error:
    say("5", error)
""").ready()
    assert server.get().text == "done"
    assert server.end() == 0
    said = [line for line in server.out.splitlines() if line[:2] in ("1 ", "2 ", "3 ", "4 ", "5 ")]
    assert said[:4] == ["1 starting True", "2 running True", "3 terminating", "4 terminated"]
    assert said[4].startswith("5 The server has stopped: get_server_state() can't be called")


def test_a_state_that_does_not_exist_is_refused_with_the_choices(live_server):
    live = live_server(lambda: None)
    assert live.call(is_server_state, "RUNNING")
    with pytest.raises(ValueError, match="'running'"):
        live.call(is_server_state, "sleeping")


def test_names_and_secret(live_server):
    live = live_server(lambda: None)
    assert live.call(get_server_name) == "Pode"
    assert live.call(get_app_name) == ""
    assert len(live.call(get_server_default_secret)) >= 32
    assert live.call(get_server_default_secret) == live.call(get_server_default_secret)


def test_the_version_is_that_of_the_package():
    command = [sys.executable, "-m", "hatchling", "version"]
    root = Path(__file__).parents[2]
    built = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert get_version() == built.stdout.strip()


def test_each_server_has_a_secret_of_its_own(live_server):
    secrets = {live_server(lambda: None).call(get_server_default_secret) for _ in range(3)}
    assert len(secrets) == 3


def test_outside_of_a_server_a_sentence_says_where_these_functions_work():
    for function in (get_server_state, restart_server, get_server_default_secret):
        with pytest.raises(PodeError, match="inside the function that you give to start_server"):
            function()


def test_users_own_threads_find_the_running_server(program):
    server = program("""
from concurrent.futures import ThreadPoolExecutor

pool = ThreadPoolExecutor(2)

def server():
    add_endpoint(port=PORT)
    found = []
    thread = threading.Thread(target=lambda: found.append(get_server_name()))
    thread.start()
    thread.join()
    say("set-up", found)

    @add_route("get", "/")
    def home():
        found = []
        thread = threading.Thread(target=lambda: found.append(get_server_name()))
        thread.start()
        thread.join()
        return found + list(pool.map(lambda _: get_server_state(), range(3)))

    @add_route("get", "/events")
    def events():
        convert_to_sse_connection("Events")

    @add_route("get", "/send")
    def send():
        pool.submit(send_sse_event, "from a pool", name="Events")

start_server(server, name="Shop")
""").ready()
    assert "set-up ['Shop']" in server.out
    assert server.get().json() == ["Shop", "running", "running", "running"]
    with server.sse() as stream:
        server.get("/send")
        assert stream.next("message").data == "from a pool"
    assert server.stop() == 0


def test_servers_beside_each_other_know_themselves():
    def set_up() -> None:
        @add_route("get", "/")
        def home() -> str:
            return get_server_default_secret()

    with running(set_up) as one, running(set_up) as two:
        answers = [beside(live.get, "/") for live in (one, two) * 5]
        expected = [live.call(get_server_default_secret) for live in (one, two)]
        assert [answer.result(DEADLINE).text for answer in answers] == expected * 5
