"""Threads of the user's that outlive the server: they do not die of it, and lose nothing."""

from __future__ import annotations

from typing import Any

import pytest

from pode_py import (
    Delivery,
    add_route,
    convert_to_sse_connection,
    send_sse_event,
    write_error_log,
)

SERVER = """
done = threading.Event()

def server():
    add_endpoint(port=PORT)
    add_route("get", "/", lambda: "hello")
    add_timer("stop", 0.05, close_server, limit=1)

def work():
    done.wait()
    WORK

thread = threading.Thread(target=work)
thread.start()
start_server(server)
done.set()
thread.join()
"""


FOREVER = """
end = threading.Event()

def forever():
    end.wait()

def server():
    add_endpoint(port=PORT)
    add_timer("stop", 0.05, close_server, limit=1)
    register_event("running", "worker", threading.Thread(target=forever, name="mine", DAEMON).start)

    @register_event("stop", "note")
    def note():
        END

start_server(server)
"""


def after_the_stop(program: Any, work: str) -> Any:
    """What a thread says that has been started before the server, and works after it."""
    server = program(SERVER.replace("WORK", work))
    assert server.end() == 0
    return server


def test_a_send_reaches_nobody_and_says_so(program: Any):
    work = 'say("sent:", send_sse_event("x", name="Events"), send_sse_event("x", name="E").wait(1))'
    server = after_the_stop(program, work)
    assert "sent: Delivery(matched=0, queued=0, dropped=0) True" in server.out
    assert server.err == ""


def test_an_error_goes_to_standard_error(program: Any):
    server = after_the_stop(program, 'write_error_log("the last words")')
    (line,) = server.err.splitlines()
    assert "ERROR [Thread-1 (work)]" in line
    assert line.endswith(": the last words")


def test_an_exception_goes_to_standard_error_with_its_traceback(program: Any):
    work = "try: 1 / 0\n    except ZeroDivisionError: write_error_log()"
    server = after_the_stop(program, work)
    assert "ZeroDivisionError: division by zero" in server.err
    assert "in work" in server.err


def test_other_functions_say_that_the_server_has_stopped(program: Any):
    work = "try: add_timer('x', 1, work)\n    except PodeError as error: say('error:', error)"
    server = after_the_stop(program, work)
    assert "error: The server has stopped: add_timer() can't be called any more." in server.out


def test_what_belongs_to_the_stopped_server_does_the_same(live_server: Any, capfd: Any):
    def set_up() -> None:
        @add_route("get", "/events")
        def events() -> None:
            convert_to_sse_connection("Events")

    live = live_server(set_up)
    with live.sse("/events") as stream:
        stream.next("pode.open")
        live.stop()
        delivery: Delivery = live.call(send_sse_event, "late", name="Events")
        assert (delivery.matched, delivery.queued, delivery.wait(1)) == (0, 0, True)
    live.call(write_error_log, "the last words")
    assert "the last words" in capfd.readouterr().err


def test_a_thread_that_keeps_the_program_from_ending_is_named(program: Any):
    server = program(FOREVER.replace(", DAEMON", "").replace("END", "pass"))
    server.wait_for("the program can't end", where="err")
    assert f"it waits for the thread 'mine' ({server.path.name}:" in server.err


@pytest.mark.parametrize(
    ("daemon", "end"), [(", daemon=True", "pass"), ("", "end.set()")], ids=["daemon", "ended"]
)
def test_a_thread_that_does_not_is_not_named(program: Any, daemon: str, end: str):
    server = program(FOREVER.replace(", DAEMON", daemon).replace("END", end))
    assert server.end() == 0
    assert server.err == ""
