"""What the server says when it starts, to a pipe."""

from __future__ import annotations

import re

import pytest

from tests.server.program import HELLO, READY

pytestmark = pytest.mark.own_engine("what is printed does not depend on the engine")


def test_the_banner_names_server_process_and_every_url(program):
    server = program("""
def server():
    add_endpoint(port=PORT, description="for people")
    add_endpoint("*", port=PORT + 1)

start_server(server, name="Shop", app_name="orders", threads=3)
""").ready()
    lines = server.out.splitlines()
    assert re.fullmatch(
        rf"\[\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d\] Shop - orders \(PID: {server.process.pid}\) "
        r"\[Running\]",
        lines[0],
    )
    assert lines[1:] == [
        "Listening on 2 endpoint(s) [3 thread(s)]:",
        f"  - http://localhost:{server.port}/  [for people]",
        f"  - http://localhost:{server.port + 1}/  [all interfaces]",
        READY,
    ]


@pytest.mark.parametrize("address", ["127.0.0.2", "127.1.2.3"])
def test_it_names_the_address_that_the_server_listens_on(program, address):
    server = program(f"""
def server():
    add_endpoint("{address}", PORT)

start_server(server)
""").wait_for(READY)
    assert f"  - http://{address}:{server.port}/\n" in server.out


def test_the_ready_line_is_there_once_requests_are_answered(program):
    server = program(HELLO).ready()
    assert server.get().text == "hello"
    assert server.stop() == 0
    assert server.err == ""


def test_it_has_no_escape_codes_even_if_the_environment_asks_for_colours(program):
    env = {"TERM": "xterm-256color", "FORCE_COLOR": "1", "CLICOLOR_FORCE": "1"}
    server = program(HELLO, env=env).ready()
    assert server.stop() == 0
    assert "\x1b" not in server.out


def test_what_the_set_up_prints_comes_before_it(program):
    server = program("""
def server():
    add_endpoint(port=PORT)
    print("in the set-up")

start_server(server)
""").ready()
    assert server.out.startswith("in the set-up\n[")


@pytest.mark.parametrize("option", ["quiet", "daemon"])
def test_a_quiet_server_says_nothing_from_start_to_end(program, option):
    server = program(HELLO.replace("(server)", f"(server, {option}=True)")).listening()
    assert server.get().text == "hello"
    assert server.stop() == 0
    assert server.out == "after the server\n"
    assert server.err == ""


def test_endpoints_can_be_hidden(program):
    server = program(HELLO.replace("(server)", "(server, hide_endpoints=True)")).ready()
    assert str(server.port) not in server.out.replace(f"PID: {server.process.pid}", "")
    assert "endpoint" not in server.out
    assert "[Running]" in server.out


def test_without_endpoints_it_says_that_only_timers_and_schedules_run(program):
    server = program("""
def server():
    add_timer("tick", 0.05, lambda: say("tick"))

start_server(server)
""").ready()
    assert "No endpoints: only timers and schedules run." in server.out
    server.wait_for("tick", count=2)
    assert server.stop() == 0


def test_without_termination_it_does_not_offer_ctrl_c(program):
    server = program(HELLO.replace("(server)", "(server, disable_termination=True)"))
    server.wait_for("Listening on").listening()
    assert "Ctrl+C" not in server.out
