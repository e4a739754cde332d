"""Ctrl+C and SIGTERM: from a terminal, from a pipe, and wherever else a server is started."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.server.program import DEADLINE, HELLO, READY, STOPPING, beside, is_listening
from tests.support import need_program, skip_or_fail

SLOW = """
def server():
    add_endpoint(port=PORT)

    @add_route("get", "/slow")
    def slow():
        say("begun")
        time.sleep(float(web_event.query.get("seconds") or 0.5))
        return "done"

start_server(server, grace=GRACE)
say("after the server")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_server_and_the_script_goes_on(program, number):
    server = program(HELLO).ready()
    server.signal(number)
    assert server.end() == 0
    assert server.out.endswith(f"{STOPPING}\nStopped.\nafter the server\n")
    assert server.err == ""
    assert not is_listening(server.port)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_running_request_is_answered_first(program, number):
    server = program(SLOW.replace("GRACE", "10")).ready()
    answer = beside(server.get, "/slow")
    server.wait_for("begun").signal(number)
    assert answer.result(DEADLINE).text == "done"
    assert server.end() == 0
    assert server.err == ""


def test_a_handler_that_does_not_end_gets_the_grace_time_and_no_more(program):
    server = program(SLOW.replace("GRACE", "1")).ready()
    answer = beside(server.get, "/slow?seconds=60")
    sent = server.wait_for("begun").signal()
    assert server.end() == 0
    assert time.monotonic() - sent >= 1
    assert answer.exception(DEADLINE) is not None


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (signal.SIGINT, signal.SIGINT),
        (signal.SIGTERM, signal.SIGTERM),
        (signal.SIGTERM, signal.SIGINT),
    ],
)
def test_a_second_signal_stops_at_once(program, first, second):
    server = program(SLOW.replace("GRACE", "60")).ready()
    beside(server.get, "/slow?seconds=60")
    server.wait_for("begun").signal(first)
    server.wait_for(STOPPING)
    time.sleep(0.3)  # one that comes sooner is taken for the first one's echo
    server.signal(second)
    assert server.end() == 0
    assert "after the server" in server.out
    assert "The stop waits no longer, and cuts GET /slow, `slow (" in server.err


def test_many_signals_at_any_time_break_nothing(program):
    script = SLOW.replace("GRACE", "60").replace(
        "start_server", "import signal; signal.signal(signal.SIGINT, print)\nstart_server"
    )
    server = program(script + "sys.stdin.read()", stdin=subprocess.PIPE).ready()
    beside(server.get, "/slow?seconds=60")
    server.wait_for("begun")
    until = time.monotonic() + DEADLINE
    while "after the server" not in server.out:
        assert time.monotonic() < until
        server.signal(signal.SIGINT)
        time.sleep(0.005)
    server.process.stdin.close()
    assert server.end() == 0
    assert "Traceback" not in server.err


def test_an_echo_of_the_same_signal_does_not_cut_requests(program):
    server = program(SLOW.replace("GRACE", "10")).ready()
    answer = beside(server.get, "/slow?seconds=0.6")
    server.wait_for("begun").signal(signal.SIGINT)
    server.signal(signal.SIGTERM)
    assert answer.result(DEADLINE).text == "done"
    assert server.end() == 0


def test_after_close_server_one_signal_stops_at_once(program):
    server = program(
        SLOW.replace("GRACE", "60").replace("def slow():", "def slow():\n        close_server()")
    ).ready()
    beside(server.get, "/slow?seconds=60")
    server.wait_for(STOPPING)
    time.sleep(0.3)
    server.signal(signal.SIGINT)
    assert server.end() == 0


def test_the_terminal_sends_ctrl_c(program):
    leader, follower = pty.openpty()
    try:
        server = program(
            HELLO,
            before=[need_program("setsid"), "--ctty", "--wait"],
            stdin=follower,
            stdout=follower,
            stderr=follower,
        )
        screen = Screen(leader)
        screen.wait_for(READY)
        os.write(leader, b"\x03")
        screen.wait_for("after the server")
        assert server.end() == 0
        assert "Traceback" not in screen.text
    finally:
        os.close(follower)
        os.close(leader)


def test_two_ctrl_c_in_the_terminal_stop_at_once(program):
    leader, follower = pty.openpty()
    try:
        server = program(
            SLOW.replace("GRACE", "60"),
            before=[need_program("setsid"), "--ctty", "--wait"],
            stdin=follower,
            stdout=follower,
            stderr=follower,
        )
        screen = Screen(leader)
        screen.wait_for(READY)
        beside(server.get, "/slow?seconds=60")
        screen.wait_for("begun")
        os.write(leader, b"\x03")
        screen.wait_for(STOPPING)
        time.sleep(0.3)
        os.write(leader, b"\x03")
        assert server.end() == 0
    finally:
        os.close(follower)
        os.close(leader)


def test_a_hang_up_stops_it_as_sigterm_does(program):
    server = program(
        "import atexit; atexit.register(lambda: say('at exit'))\n" + SLOW.replace("GRACE", "10")
    ).ready()
    answer = beside(server.get, "/slow")
    server.wait_for("begun").signal(signal.SIGHUP)
    assert answer.result(DEADLINE).text == "done"
    assert server.end() == 0
    assert server.out.endswith("Stopped.\nafter the server\nat exit\n")
    assert server.err == ""


def test_a_second_hang_up_cuts_nothing(program):
    server = program(SLOW.replace("GRACE", "10")).ready()
    answer = beside(server.get, "/slow?seconds=1")
    server.wait_for("begun").signal(signal.SIGHUP)
    server.wait_for(STOPPING)
    time.sleep(0.3)  # one that comes sooner is taken for the first one's echo
    server.signal(signal.SIGHUP)
    assert answer.result(DEADLINE).text == "done"
    assert server.end() == 0


def test_a_terminal_that_goes_away_ends_it_in_order(program, tmp_path):
    leader, follower = pty.openpty()
    server = program(
        HELLO.replace('say("after the server")', 'open("ended.txt", "w").write("in order")'),
        before=[need_program("setsid"), "--ctty", "--wait"],
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    shown = b""
    while READY.encode() not in shown:
        shown += os.read(leader, 65536)
    # Nobody reads it any more: a read that waits would keep it.
    os.close(follower)
    os.close(leader)
    server.process.wait(DEADLINE)
    assert next(tmp_path.rglob("ended.txt")).read_text() == "in order"


def test_a_program_keeps_its_own_handler_of_hang_ups(program):
    server = program("""
import signal

signal.signal(signal.SIGHUP, lambda number, frame: say("mine"))

def server():
    add_endpoint(port=PORT)
    add_route("get", "/", lambda: "hello")

start_server(server)
""").ready()
    server.signal(signal.SIGHUP)
    server.wait_for("mine")
    assert server.get().text == "hello"
    assert server.stop() == 0


def test_nohup_keeps_it_when_the_terminal_goes(program):
    server = program(HELLO, before=[need_program("nohup")]).ready()
    server.signal(signal.SIGHUP)
    assert server.get().text == "hello"
    assert server.stop() == 0
    assert "after the server" in server.out


@pytest.mark.own_engine("standard streams do not depend on the engine")
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_standard_streams_may_be_closed(program, closed):
    server = program(HELLO, before=["sh", "-c", f'exec "$@" {closed}', "sh"]).listening()
    assert server.get().text == "hello"
    server.process.terminate()
    assert server.end() == 0


def test_no_socket_takes_the_place_of_a_closed_standard_stream(program):
    server = program(
        """
def server():
    add_endpoint(port=PORT)

    @add_route("get", "/")
    def files():
        return [os.readlink(f"/proc/self/fd/{number}") for number in range(3)]

start_server(server)
""",
        before=["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"],
    ).listening()
    assert server.get().json() == ["/dev/null"] * 3


@pytest.mark.own_engine("standard streams do not depend on the engine")
def test_standard_input_at_its_end_is_no_reason_to_stop(program):
    server = program(HELLO, stdin=subprocess.PIPE).ready()
    server.process.stdin.close()
    assert server.get().text == "hello"
    assert server.stop() == 0


@pytest.mark.own_engine("standard streams do not depend on the engine")
def test_nobody_may_read_standard_output(program):
    reading, writing = os.pipe()
    os.close(reading)
    try:
        server = program(HELLO.replace('say("after the server")', ""), stdout=writing).listening()
    finally:
        os.close(writing)
    assert server.get().text == "hello"
    server.process.terminate()
    assert server.end() == 0
    assert server.err == ""


@pytest.mark.own_engine("standard streams do not depend on the engine")
def test_whoever_reads_standard_output_may_go_away(program):
    server = program(
        HELLO.replace('say("after the server")', ""),
        before=["sh", "-c", '"$@" 3>&1 | head -n 1; wait', "sh"],
    )
    server.listening()
    server.wait_for("[Running]")
    assert server.get().text == "hello"
    server.signal()
    assert server.end() == 0
    assert server.err == ""


@pytest.mark.own_engine("standard streams do not depend on the engine")
def test_a_full_pipe_does_not_hold_it(program):
    reading, writing = os.pipe()
    try:
        os.set_blocking(writing, False)
        with contextlib.suppress(BlockingIOError):
            while os.write(writing, b"x" * 65536):
                pass
        os.set_blocking(writing, True)
        server = program(HELLO.replace('say("after the server")', ""), stdout=writing).listening()
        assert server.get().text == "hello"
        server.process.terminate()
        assert server.end() == 0
    finally:
        os.close(reading)
        os.close(writing)


def test_it_stops_as_process_1(program):
    unshare = [need_program("unshare"), "--pid", "--fork", "--mount-proc"]
    tried = subprocess.run([*unshare, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        skip_or_fail(f"This machine does not let us make a process 1: {tried.stderr.strip()}")
    server = program(SLOW.replace("GRACE", "10"), before=unshare).ready()
    assert "PID: 1)" in server.out
    answer = beside(server.get, "/slow")
    server.wait_for("begun")
    os.kill(_child_of(server.process.pid), signal.SIGTERM)
    assert answer.result(DEADLINE).text == "done"
    assert server.end() == 0


def test_in_the_background_of_a_shell_ctrl_c_is_for_others(program):
    shell = '"$@" & echo "child: $!"; wait $!; echo "code: $?"'
    server = program(HELLO, before=["sh", "-c", shell, "sh"]).ready()
    assert f"child: {server.pid}" in server.out
    server.signal(signal.SIGINT)
    server.signal(signal.SIGINT)
    assert server.get().text == "hello"
    server.signal(signal.SIGTERM)
    assert server.end() == 0
    server.wait_for("code: 0")


def test_termination_can_be_disabled(program):
    server = program(HELLO.replace("(server)", "(server, disable_termination=True)"))
    server.listening().signal(signal.SIGINT)
    server.signal(signal.SIGINT)
    assert server.get().text == "hello"
    assert server.stop() == 0


def test_signals_are_given_back(program):
    server = program("""
import signal

mine = lambda number, frame: None
signal.signal(signal.SIGTERM, mine)

def server():
    add_timer("soon", 0.01, close_server)

start_server(server)
assert signal.getsignal(signal.SIGTERM) is mine
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
assert signal.set_wakeup_fd(-1) == -1
say("given back")
""").wait_for("given back")
    assert server.end() == 0


def test_a_signal_that_another_thread_gets_is_seen(program):
    server = program(
        HELLO.replace(
            "start_server(server)",
            "import signal\n"
            "signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})\n"
            "ready = threading.Event()\n"
            "threading.Thread(target=ready.wait, daemon=True).start()\n"
            # From now on the system can give signals to the other thread only.
            "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})\n"
            "start_server(server)",
        )
    ).ready()
    server.signal()
    assert server.end() == 0


@pytest.mark.own_engine("no engine runs during the set-up")
def test_ctrl_c_in_the_set_up_is_a_keyboard_interrupt(program):
    server = program("""
def server():
    add_endpoint(port=PORT)
    try:
        say("setting up")
        time.sleep(60)
    finally:
        say("cleaned up")

start_server(server)
""").wait_for("setting up")
    server.signal(signal.SIGINT)
    assert server.end() == -signal.SIGINT  # as any Python program; a shell calls it 130
    assert "cleaned up" in server.out
    assert server.err.rstrip().endswith("KeyboardInterrupt")


@pytest.mark.own_engine("no engine runs during the set-up")
def test_sigterm_in_the_set_up_ends_it_too(program):
    server = program("""
def server():
    try:
        say("setting up")
        time.sleep(60)
    finally:
        say("cleaned up")

start_server(server)
""").wait_for("setting up")
    server.signal(signal.SIGTERM)
    assert server.end() == 128 + signal.SIGTERM
    assert "cleaned up" in server.out
    assert server.err == ""


class Screen:
    """What a terminal shows."""

    def __init__(self, descriptor: int) -> None:
        self.text = ""
        self._changed = threading.Condition()
        threading.Thread(target=self._read, args=(descriptor,), daemon=True).start()

    def wait_for(self, text: str) -> None:
        with self._changed:
            found = self._changed.wait_for(lambda: text in self.text, DEADLINE)
        assert found, f"{text!r} did not come: {self.text!r}"

    def _read(self, descriptor: int) -> None:
        try:
            while data := os.read(descriptor, 65536):
                with self._changed:
                    self.text += data.decode()
                    self._changed.notify_all()
        except OSError:
            return  # the terminal is gone


def _child_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
