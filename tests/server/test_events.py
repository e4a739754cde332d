"""Handlers of what happens to the server: when they run, in which order, and what they may do."""

from __future__ import annotations

import signal
import socket
import time
from typing import Any

import pytest

from pode_py import (
    PodeError,
    StartError,
    add_route,
    clear_event,
    convert_to_sse_connection,
    enable_log_error_type,
    get_event,
    new_log_custom_method,
    register_event,
    send_sse_event,
    test_event,
    triggered_event,
    unregister_event,
    use_events,
)

is_registered = test_event

ALL = """
TYPES = "starting start running terminate stop crash restarting restart browser".split()

def note():
    say("event:", triggered_event.type, get_server_state())

def server():
    say("set-up")
    for type in TYPES:
        register_event(type, "note", note)
    add_endpoint(port=PORT)
    add_route("get", "/", lambda: "hello")
    add_route("get", "/stop", close_server)
    add_route("get", "/restart", restart_server)
    MORE

start_server(server)
say("returned")
"""


def events_of(server: Any) -> list[str]:
    """What the program has said of its events, of its set-up and its end."""
    words = ("event:", "set-up", "returned", "mine:")
    lines = [line for line in server.out.splitlines() if line.startswith(words)]
    return [line.removeprefix("event: ") for line in lines]


def run(program: Any, more: str = "pass") -> Any:
    return program(ALL.replace("MORE", more))


START = ["set-up", "starting starting", "start starting", "running running"]
STOP = ["terminate terminating", "stop terminating"]


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "close_server"])
def test_a_server_starts_runs_and_stops(program: Any, how: str):
    server = run(program).ready()
    if how == "close_server":
        server.get("/stop")
    else:
        server.signal(getattr(signal, how))
    assert server.end() == 0
    assert events_of(server) == [*START, *STOP, "returned"]


def test_a_restart(program: Any):
    server = run(program, "register_event('restart', 'then', lambda: say('mine: ready'))").ready()
    server.get("/restart")
    server.wait_for("mine: ready")
    assert server.stop() == 0
    assert events_of(server) == [
        *START,
        "set-up",
        "restarting restarting",
        *START[1:],
        "restart running",
        "mine: ready",
        *STOP,
        "returned",
    ]


def test_a_set_up_that_fails_crashes_and_stops(program: Any):
    more = (
        "register_event('crash', 'why', lambda: say('mine:', repr(triggered_event.exception)));"
        "raise KeyError('missing')"
    )
    server = run(program, more)
    assert server.end() == 1
    assert events_of(server) == [
        "set-up",
        "crash starting",
        "mine: KeyError('missing')",
        "stop starting",
    ]
    assert "KeyError: 'missing'" in server.err


def test_a_server_that_cannot_listen_crashes_and_stops(program: Any):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = run(program, f"add_endpoint(port={taken.getsockname()[1]})")
        assert server.end() == 1
    assert events_of(server) == [*START[:3], "crash starting", "stop starting"]


def test_a_server_that_is_not_to_start_has_no_end(program: Any):
    server = run(program, "close_server()")
    assert server.end() == 0
    assert events_of(server) == ["set-up", "returned"]


def test_streams_get_what_is_sent_at_the_end(live_server: Any):
    def set_up() -> None:
        @add_route("get", "/events")
        def events() -> None:
            convert_to_sse_connection("Events")

        @register_event("terminate", "first")
        async def first() -> None:
            send_sse_event("terminate", name="Events")

        @register_event("stop", "second")
        def second() -> None:
            send_sse_event("stop", name="Events")

    live = live_server(set_up)
    with live.sse("/events") as stream:
        stream.next("pode.open")
        live.stop()
        sent = [(event.type, event.data) for event in stream.until_closed()]
    assert sent == [("message", "terminate"), ("message", "stop"), ("pode.close", "")]


def test_handlers_run_in_order_and_one_that_raises_stops_nobody(live_server: Any):
    ran: list[str] = []
    logged: list[str] = []

    def set_up() -> None:
        enable_log_error_type(new_log_custom_method(lambda item: logged.append(str(item))))
        register_event("running", "one", lambda: ran.append("one"))

        @register_event("running", "two")
        def two() -> None:
            raise SystemExit(3)

        @register_event("running", "three")
        def three(triggered_event: Any) -> None:
            ran.append(f"three {triggered_event.type} {triggered_event.worker}")

    live = live_server(set_up)
    assert ran == ["one", "three running 0"]
    live.stop()
    assert "running event 'two'" in logged[0]


def test_what_triggered_it_is_ambient(live_server: Any):
    seen: list[Any] = []

    def note() -> None:
        seen.append((triggered_event.type, triggered_event.name, triggered_event.connection))
        seen.append((triggered_event.metadata, triggered_event.exception))
        with triggered_event.lockable:
            seen.append(triggered_event.timestamp.tzinfo is not None)

    live_server(lambda: register_event("start", "note", note))
    assert seen == [("start", "", None), ({}, None), True]


def test_one_that_takes_too_long_is_left_alone_when_the_grace_time_is_over(program: Any):
    more = "register_event('terminate', 'endless', lambda: time.sleep(600))"
    code = ALL.replace("MORE", more).replace(
        "start_server(server)", "start_server(server, grace=1)"
    )
    server = program(code).ready()
    assert server.stop() == 0
    # The next one runs on the thread of the first, and so not at all.
    assert events_of(server) == [*START, "terminate terminating", "returned"]


def test_a_second_ctrl_c_does_not_wait_for_them(program: Any):
    more = "register_event('terminate', 'slow', lambda: (say('mine: begun'), time.sleep(600)))"
    server = run(program, more).ready()
    server.signal(signal.SIGINT)
    server.wait_for("mine: begun")
    time.sleep(0.3)  # one that comes sooner is taken for the first one's echo
    server.signal(signal.SIGINT)
    assert server.end() == 0


def test_names_ignore_case_and_are_taken_once(live_server: Any):
    def set_up() -> None:
        register_event("stop", "Note", lambda: None)
        register_event("Start", "note", lambda: None)  # type: ignore[arg-type]
        with pytest.raises(PodeError, match="The stop event 'NOTE' is registered already"):
            register_event("stop", "NOTE", lambda: None)
        assert is_registered("stop")
        assert is_registered("stop", "nOTE")
        assert not is_registered("terminate")
        assert not is_registered(["stop", "start"], "other")
        assert [(one.type, one.name) for one in get_event(["stop", "start"])] == [
            ("stop", "Note"),
            ("start", "note"),
        ]
        unregister_event("stop", "NOTE")
        assert not is_registered("stop")
        with pytest.raises(PodeError, match=r"There is no stop event 'note'. Registered: none\."):
            unregister_event("stop", "note")
        clear_event("start")
        assert get_event("start") == []

    live_server(set_up)


@pytest.mark.parametrize("kind", ["suspend", "suspending", "resume", "resuming", "enable"])
def test_those_of_functions_that_are_not_there_yet_are_refused_in_words(
    live_server: Any, kind: Any
):
    def set_up() -> None:
        with pytest.raises(PodeError, match="planned, not there yet"):
            register_event(kind, "note", lambda: None)

    live_server(set_up)


def test_an_unknown_type_is_refused_with_the_choices(live_server: Any):
    def set_up() -> None:
        with pytest.raises(ValueError, match="'terminate'"):
            register_event("end", "note", lambda: None)  # type: ignore[arg-type]

    live_server(set_up)


@pytest.mark.parametrize("kind", ["starting", "start", "running", "restart"])
def test_those_of_the_start_are_refused_once_it_has_started(live_server: Any, kind: Any):
    live = live_server(lambda: None)
    with pytest.raises(PodeError, match="comes too late: the server has started"):
        live.call(register_event, kind, "note", lambda: None)
    live.call(register_event, "stop", "note", lambda: None)


def test_one_that_never_got_its_handler_keeps_the_server_from_starting(live_server: Any):
    with pytest.raises(StartError, match=r"register_event\('stop', 'note'\) at .* has no handler"):
        live_server(lambda: register_event("stop", "note"))


def test_a_folder_of_files_can_register_them(live_server: Any, tmp_path: Any):
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "end.py").write_text(
        "from pode_py import *\nregister_event('stop', 'of a file', lambda: None)\n"
    )

    def set_up() -> None:
        use_events()
        assert is_registered("stop", "of a file")

    live_server(set_up, root_path=tmp_path)


def test_they_fire_in_each_worker_process_and_not_in_the_parent(program: Any):
    code = ALL.replace("MORE", "pass").replace(
        'say("event:", triggered_event.type, get_server_state())',
        'say("event:", triggered_event.type, triggered_event.worker)',
    )
    server = program(code.replace("start_server(server)", "start_server(server, workers=2)"))
    server.ready()
    assert server.stop() == 0
    seen = events_of(server)
    for worker in ("0", "1"):
        own = [line.split()[0] for line in seen if line.endswith(f" {worker}")]
        assert own == ["starting", "start", "running", "terminate", "stop"]
    assert len([line for line in seen if line[-1] in "01"]) == 10
