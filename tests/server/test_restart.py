"""Restart: a fresh server in the place of the old one, which goes on if that can't be."""

from __future__ import annotations

import re
import signal

import pytest

from tests.server.program import DEADLINE, STOPPING, beside, is_listening

COUNTING = """
count = 0

def server():
    global count
    count += 1
    number = count
    say("set-up", number)
    add_endpoint(port=PORT)
    add_route("get", "/", lambda: str(number))
    if number == 1:
        add_route("get", "/first", lambda: "only in the first")
        add_timer("first", 3600, lambda: None)
        add_schedule("first", "@yearly", lambda: None)
        set_sse_broadcast_level("group", name="Events")
        get_server_default_secret()

    @add_route("get", "/restart")
    def restart():
        restart_server()
        return "restarting"

    @add_route("get", "/facts")
    def facts():
        return {
            "timers": [timer.name for timer in get_timer()],
            "schedules": [schedule.name for schedule in get_schedule()],
            "level": get_sse_broadcast_level("Events"),
            "secret": get_server_default_secret(),
            "state": get_server_state(),
            "threads": sorted(thread.name for thread in threading.enumerate()),
            "files": len(os.listdir("/proc/self/fd")),
        }

    @add_route("get", "/events")
    def events():
        convert_to_sse_connection("Events")

    @add_route("get", "/slow")
    def slow():
        say("begun")
        time.sleep(0.5)
        return f"slow of {number}"

start_server(server, grace=GRACE)
say("after the server")
"""


def restarted(server, times: int = 1) -> None:
    server.wait_for("[Running]", count=times + 1)


def test_a_fresh_server_takes_the_place_on_the_same_port(program):
    server = program(COUNTING.replace("GRACE", "10")).ready()
    before = server.get("/facts").json()
    assert server.get("/restart").text == "restarting"
    restarted(server)
    assert server.get().text == "2"
    after = server.get("/facts").json()
    assert (before["timers"], before["schedules"]) == (["first"], ["first"])
    assert (after["timers"], after["schedules"]) == ([], [])
    assert (before["level"], after["level"]) == ("group", "name")
    assert before["secret"] != after["secret"]
    assert before["state"] == after["state"] == "running"
    assert server.get("/first").status_code == 404
    assert server.stop() == 0
    assert server.err == ""
    assert "Restarting." in server.out


def test_twenty_restarts_leave_no_thread_and_no_descriptor(program):
    server = program(COUNTING.replace("GRACE", "10")).ready()
    server.get("/restart")
    restarted(server)
    before = server.get("/facts").json()
    for number in range(2, 22):
        stream = server.sse()
        server.get("/restart")
        restarted(server, number)
        assert stream.until_closed()[-1].type == "pode.close"
        stream.close()
    after = server.get("/facts").json()
    assert server.get().text == "22"
    known = [name for name in before["threads"] if name != "pode-stop"]
    assert [name for name in after["threads"] if name != "pode-stop"] == known
    assert after["files"] <= before["files"]
    assert server.stop() == 0
    assert server.err == ""


def test_open_streams_get_their_farewell(program):
    server = program(COUNTING.replace("GRACE", "10")).ready()
    streams = [server.sse() for _ in range(5)]
    server.get("/restart")
    for stream in streams:
        assert [event.type for event in stream.until_closed()] == ["pode.close"]
        assert stream.ended_cleanly
        stream.close()
    restarted(server)
    with server.sse() as stream:
        assert stream.is_stream


def test_a_request_that_runs_is_answered_by_the_old_server(program):
    server = program(COUNTING.replace("GRACE", "10")).ready()
    answer = beside(server.get, "/slow")
    server.wait_for("begun")
    server.get("/restart")
    assert answer.result(DEADLINE).text == "slow of 1"
    restarted(server)
    assert server.get().text == "2"


@pytest.mark.own_engine("which requests are heard does not depend on the engine")
@pytest.mark.parametrize(
    "call",
    [
        'add_timer("again", 0.2, restart_server)',
        'add_schedule("again", "@yearly", restart_server, on_start=True)',
        "threading.Timer(0.5, restart_server).start()",
    ],
    ids=["timer", "schedule", "thread"],
)
def test_it_can_be_asked_for_from_anywhere(program, call):
    server = program(
        COUNTING.replace("GRACE", "10").replace(
            "    if number == 1:", f"    if number == 1:\n        {call}"
        )
    )
    restarted(server)
    assert server.get().text == "2"
    assert server.stop() == 0
    assert server.err == ""


@pytest.mark.own_engine("which requests are heard does not depend on the engine")
def test_a_set_up_that_asks_for_a_restart_is_not_heard(program):
    server = program(
        COUNTING.replace("GRACE", "10").replace(
            "number = count", "number = count; restart_server()"
        )
    ).ready()
    assert server.get().text == "1"
    assert server.out.count("set-up") == 1


BROKEN = COUNTING.replace("GRACE", "10").replace(
    "    add_endpoint(port=PORT)\n", "    add_endpoint(port=PORT)\n    if number == 2: BREAK\n"
)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("raise KeyError('missing')", "KeyError: 'missing'"),
        ("sys.exit(3)", "SystemExit: 3"),
        ("add_route('get', '/forgotten')", "/forgotten"),
        ("add_endpoint('localhost', PORT, 'https', certificate='x')", "already exists"),
        ("add_endpoint('localhost', PORT + 1, 'https', certificate='x.pem')", "x.pem"),
        ("add_endpoint('192.0.2.1', PORT + 1)", "no network interface of this machine"),
    ],
)
def test_if_the_new_set_up_fails_the_old_server_goes_on(program, statement, message):
    server = program(BROKEN.replace("BREAK", statement)).ready()
    stream = server.sse()
    server.get("/restart")
    server.wait_for(message, where="err")
    assert server.err.count("the old server goes on") == 1
    facts = server.get("/facts").json()
    assert server.get().text == "1"
    assert facts["state"] == "running"
    assert facts["timers"] == ["first"]
    server.get("/restart")
    restarted(server)
    assert stream.until_closed()[-1].type == "pode.close"
    stream.close()
    assert server.get().text == "3"
    assert server.stop() == 0


def test_a_port_that_somebody_else_has_keeps_the_old_server(program):
    statement = (
        "import socket; keep.append(socket.create_server(('127.0.0.1', 0))); "
        "add_endpoint(port=keep[0].getsockname()[1])"
    )
    server = program("keep = []\n" + BROKEN.replace("BREAK", statement)).ready()
    server.get("/restart")
    server.wait_for("this program listens on that port itself already", where="err")
    assert server.get().text == "1"


def test_the_port_may_change(program):
    server = program(COUNTING.replace("GRACE", "10").replace("port=PORT", "port=PORT + number - 1"))
    server.ready().get("/restart")
    restarted(server)
    assert is_listening(server.port + 1)
    assert not is_listening(server.port)


FILE = """
import os
from pode_py import *

add_endpoint(port=int(os.environ["PORT"]))
add_route("get", "/", lambda: "one")
add_route("get", "/restart", restart_server)
"""


@pytest.mark.own_engine("files do not depend on the engine")
def test_a_file_is_read_anew_however_soon_it_changed(program, tmp_path):
    path = tmp_path / "set_up.py"
    path.write_text(FILE)
    server = program('start_server(file_path="set_up.py")').ready()
    for number, text in enumerate(("two", "six", "ten"), 1):  # of the same length, in one second
        path.write_text(FILE.replace("one", text))
        server.get("/restart")
        restarted(server, number)
        assert server.get().text == text


@pytest.mark.own_engine("files do not depend on the engine")
def test_a_file_with_a_syntax_error_keeps_the_old_server(program, tmp_path):
    path = tmp_path / "set_up.py"
    path.write_text(FILE)
    server = program('start_server(file_path="set_up.py")').ready()
    path.write_text(FILE + "def broken(:\n")
    server.get("/restart")
    server.wait_for("SyntaxError", where="err")
    assert server.get().text == "one"
    path.write_text(FILE.replace("one", "two"))
    server.get("/restart")
    restarted(server)
    assert server.get().text == "two"


SLOW_SET_UP = COUNTING.replace("GRACE", "10").replace(
    '    say("set-up", number)\n', '    say("set-up", number)\n    if number > 1: time.sleep(1)\n'
)


def test_the_old_server_serves_while_the_new_one_is_set_up(program):
    server = program(SLOW_SET_UP).ready()
    server.get("/restart")
    server.wait_for("set-up 2")
    assert server.get().text == "1"
    assert server.get("/facts").json()["state"] == "restarting"
    restarted(server)
    assert server.get().text == "2"


@pytest.mark.own_engine("which requests are heard does not depend on the engine")
def test_asked_for_during_a_restart_it_happens_once(program):
    server = program(SLOW_SET_UP).ready()
    for _ in range(5):
        server.get("/restart")
    server.wait_for("set-up 2")
    for _ in range(5):
        server.get("/restart")
    restarted(server)
    assert server.get().text == "2"
    assert server.stop() == 0
    assert server.out.count("set-up") == 2


@pytest.mark.parametrize("when", ["set-up 2", "Restarting."])
def test_close_server_during_a_restart_stops_it(program, when):
    server = program(
        SLOW_SET_UP.replace(
            "    @add_route", '    add_route("get", "/stop", close_server)\n\n    @add_route', 1
        )
    ).ready()
    server.get("/restart")
    server.wait_for(when)
    server.get("/stop")
    assert server.end() == 0
    assert server.out.count("[Running]") == 1
    assert STOPPING in server.out
    assert server.err == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_the_new_set_up_ends_it_and_the_old_server(program, number):
    server = program(SLOW_SET_UP.replace("time.sleep(1)", "time.sleep(60)")).ready()
    stream = server.sse()
    server.get("/restart")
    server.wait_for("set-up 2").signal(number)
    assert stream.until_closed()[-1].type == "pode.close"
    stream.close()
    assert server.end() == 0  # long before the set-up would
    assert server.out.endswith("Stopped.\nafter the server\n")
    assert server.err == ""


def test_a_signal_while_the_old_server_ends_stops_for_good(program):
    server = program(COUNTING.replace("GRACE", "10")).ready()
    answer = beside(server.get, "/slow")
    server.wait_for("begun")
    server.get("/restart")
    server.wait_for("set-up 2").signal()
    assert answer.result(DEADLINE).text == "slow of 1"
    assert server.end() == 0
    assert server.out.count("[Running]") == 1


def test_a_handler_of_the_old_server_does_not_stop_the_new_one(program):
    server = program(
        COUNTING.replace("GRACE", "0.3").replace(
            'say("begun")\n        time.sleep(0.5)',
            'say("begun")\n        time.sleep(1.5)\n        close_server()\n        say("late")',
        )
    ).ready()
    answer = beside(server.get, "/slow")
    server.wait_for("begun")
    server.get("/restart")
    restarted(server)
    assert answer.exception(DEADLINE) is not None
    server.wait_for("late")
    assert server.get().text == "2"
    assert re.search(r"Stopping", server.out) is None
