"""The stop of several worker processes: who asks, how long it takes, and what is left."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import time

import pytest

from pode_py.testing import SseClient
from tests.server.processes.crew import children, crew, is_alive, pids_of_all, wait_until
from tests.server.program import DEADLINE, READY, STOPPING, beside, is_listening
from tests.server.test_signals import Screen
from tests.support import need_program, skip_or_fail

#: Each worker may be asked for a stream of its own that lasts.
STREAMING = crew(3, grace=1).replace(
    '    @add_route("get", "/facts")',
    '    @add_route("get", "/own")\n'
    "    def own():\n"
    '        convert_to_sse_connection("Own", scope="local")\n'
    '        send_sse_event("begun", from_event=True)\n'
    "        time.sleep(60)\n\n"
    '    @add_route("get", "/facts")',
)


def all_busy(server, path="/slow?seconds=60"):
    """A request that runs in every worker."""
    pids = pids_of_all(server)
    # One after the other: too many could take all threads of a worker.
    for number in range(1, 40):
        beside(server.get, path)
        server.wait_for("begun in", count=number)
        if all(f"begun in {pid}" in server.out for pid in pids):
            break
    return pids


def only_says_what_it_cuts(errors: str) -> bool:
    """Whether each worker names the requests that it ends, and nothing else is wrong."""
    lines = [line for line in errors.splitlines() if not line.startswith("No error log is enabled")]
    return all(
        " ERROR [MainThread] Stop: The stop waits no longer, and cuts " in one for one in lines
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_all_and_running_requests_are_answered(program, number):
    server = program(crew()).ready()
    answers = [beside(server.get, "/slow") for _ in range(10)]
    server.wait_for("begun in", count=10)
    server.signal(number)
    for answer in answers:
        assert answer.result(DEADLINE).status_code == 200
    assert server.end() == 0
    assert server.out.endswith(f"{STOPPING}\nStopped.\nafter the server\n")
    assert server.err == ""
    assert not is_listening(server.port)


def test_while_requests_are_finished_new_clients_are_refused(program):
    server = program(crew()).ready()
    answer = beside(server.get, "/slow?seconds=2")
    server.wait_for("begun in").signal()
    wait_until(lambda: not is_listening(server.port), "nobody listens")
    assert not answer.done()
    assert answer.result(DEADLINE).status_code == 200
    assert server.end() == 0


def test_handlers_and_streams_that_do_not_end_get_the_grace_time_and_no_more(program):
    server = program(STREAMING).ready()
    pids = all_busy(server)
    with SseClient(f"{server.url}/own", deadline=DEADLINE) as stream:
        assert stream.next("message").data == "begun"
        sent = server.signal()
        assert stream.until_closed()[-1].type == "pode.close"
    assert server.end() == 0
    assert time.monotonic() - sent >= 1
    assert not any(map(is_alive, pids))
    assert only_says_what_it_cuts(server.err)


@pytest.mark.parametrize(
    ("first", "second"),
    [(signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGINT)],
)
def test_a_second_signal_stops_all_at_once(program, first, second):
    server = program(crew(3, grace=60)).ready()
    pids = all_busy(server)
    server.signal(first)
    server.wait_for(STOPPING)
    time.sleep(0.3)  # one that comes sooner is taken for the first one's echo
    server.signal(second)
    assert server.end() == 0
    assert not any(map(is_alive, pids))
    assert only_says_what_it_cuts(server.err)


def test_close_server_in_one_worker_stops_all(program):
    server = program(crew()).ready()
    pids = pids_of_all(server)
    assert server.get("/stop").status_code in (200, 204)
    assert server.end() == 0
    assert "after the server" in server.out
    assert not any(map(is_alive, pids))
    assert server.err == ""


def test_a_signal_to_all_processes_means_the_same_as_one_to_the_parent(program):
    server = program(crew(), start_new_session=True).ready()
    answers = [beside(server.get, "/slow") for _ in range(10)]
    server.wait_for("begun in", count=10)
    for _ in range(2):  # service managers do it, too
        os.killpg(server.process.pid, signal.SIGTERM)
    for answer in answers:
        assert answer.result(DEADLINE).status_code == 200
    assert server.end() == 0
    assert server.err == ""


@pytest.mark.parametrize("twice", [False, True])
def test_ctrl_c_in_the_terminal(program, twice):
    leader, follower = pty.openpty()
    try:
        server = program(
            crew(3, grace=60 if twice else 10),
            before=[need_program("setsid"), "--ctty", "--wait"],
            stdin=follower,
            stdout=follower,
            stderr=follower,
        )
        screen = Screen(leader)
        screen.wait_for(READY)
        answer = beside(server.get, "/slow?seconds=60" if twice else "/slow")
        screen.wait_for("begun")
        os.write(leader, b"\x03")
        screen.wait_for("Stopping.")
        if twice:
            time.sleep(0.3)
            os.write(leader, b"\x03")
        screen.wait_for("after the server")
        assert server.end() == 0
        assert (answer.exception(DEADLINE) is None) == (not twice)
        assert "Traceback" not in screen.text
    finally:
        os.close(follower)
        os.close(leader)


@pytest.mark.own_engine("the parent, which has no engine, decides it")
def test_when_the_terminal_goes_so_does_the_server(program):
    leader, follower = pty.openpty()
    server = program(
        crew(),
        before=[need_program("setsid"), "--ctty", "--wait"],
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    text = b""
    while READY.encode() not in text:  # by nobody else: a thread that reads keeps it open
        text += os.read(leader, 4096)
    pids = pids_of_all(server)
    os.close(leader)
    server.end()
    wait_until(lambda: not any(map(is_alive, pids)), "the workers have ended")
    assert not is_listening(server.port)


def test_nohup_keeps_it_when_the_terminal_goes(program):
    server = program(crew(), before=[need_program("nohup")]).ready()
    pids = pids_of_all(server)
    for pid in (*pids, server.pid):
        os.kill(pid, signal.SIGHUP)
    assert pids_of_all(server) == pids
    assert server.stop() == 0


@pytest.mark.own_engine("the parent, which has no engine, decides it")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 128 + signal.SIGTERM)]
)
def test_a_signal_in_the_set_up_ends_it_and_lets_it_clean_up(program, number, code):
    server = program("""
def server():
    try:
        say("setting up")
        time.sleep(60)
    finally:
        say("cleaned up")

start_server(server, workers=3)
""").wait_for("setting up")
    server.signal(number)
    assert server.end() == code
    assert server.out == "setting up\ncleaned up\n"


@pytest.mark.own_engine("the parent, which has no engine, decides it")
def test_a_worker_that_stands_still_is_killed(program):
    server = program(crew(2, grace=0.2)).ready()
    pids = pids_of_all(server, 2)
    os.kill(min(pids), signal.SIGSTOP)
    server.signal()
    assert server.end() == 0
    assert not any(map(is_alive, pids))


@pytest.mark.own_engine("the parent, which has no engine, decides it")
def test_a_set_up_that_swallows_the_signal_is_killed(program):
    server = program("""
def server():
    while True:
        try:
            say("setting up")
            time.sleep(60)
        except BaseException:
            say("not now")

start_server(server, workers=2, grace=0.2)
""").wait_for("setting up")
    server.signal()
    assert server.end() == 128 + signal.SIGTERM
    assert "not now" in server.out


@pytest.mark.own_engine("the parent, which has no engine, decides it")
def test_termination_can_be_disabled(program):
    server = program(crew(2).replace("grace=", "disable_termination=True, grace="))
    server.listening().signal(signal.SIGINT)
    server.signal(signal.SIGINT)
    pids_of_all(server, 2)
    assert server.stop() == 0


@pytest.mark.own_engine("the parent, which has no engine, decides it")
def test_many_signals_at_any_time_break_nothing(program):
    server = program(crew(2, grace=60)).ready()
    beside(server.get, "/slow?seconds=60")
    server.wait_for("begun")
    until = time.monotonic() + DEADLINE
    while server.process.poll() is None:
        assert time.monotonic() < until
        server.signal(signal.SIGINT)
        server.signal(signal.SIGHUP)
        time.sleep(0.005)
    assert only_says_what_it_cuts(server.err)


@pytest.mark.own_engine("the parent, which has no engine, decides it")
def test_it_stops_as_process_1_and_collects_what_is_left_to_it(program):
    unshare = [need_program("unshare"), "--pid", "--fork", "--mount-proc"]
    tried = subprocess.run([*unshare, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        skip_or_fail(f"This machine does not let us make a process 1: {tried.stderr.strip()}")
    server = program(
        crew(2).replace(
            '    @add_route("get", "/facts")',
            '    @add_route("get", "/zombies")\n'
            "    def zombies():\n"
            "        from pathlib import Path\n"
            "        found = Path('/proc').glob('[0-9]*/stat')\n"
            "        return [str(path) for path in found if ') Z ' in path.read_text()]\n\n"
            '    @add_route("get", "/orphan")\n'
            "    def orphan():\n"
            "        import subprocess\n"
            "        subprocess.Popen(['sleep', '0.3'])\n"
            "        os.kill(os.getpid(), 9)\n\n"
            '    @add_route("get", "/facts")',
        ),
        before=unshare,
    ).ready()
    assert "(PID: 1)" in server.out
    assert beside(server.get, "/orphan").exception(DEADLINE) is not None
    server.wait_for("has ended with SIGKILL", where="err")
    time.sleep(0.5)  # the orphan ends meanwhile
    pids_of_all(server, 2)
    wait_until(lambda: server.get("/zombies").json() == [], "no zombie is left")
    (parent,) = children(server.process.pid)
    os.kill(parent, signal.SIGTERM)
    assert server.end() == 0


def test_signals_are_given_back(program):
    server = program("""
import signal

def server():
    add_timer("soon", 0.01, close_server)

start_server(server, workers=2)
assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL
assert signal.getsignal(signal.SIGCHLD) is signal.SIG_DFL
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
assert signal.set_wakeup_fd(-1) == -1
assert os.listdir("/proc/self/fd") == ["0", "1", "2", "3"]
say("given back")
""").wait_for("given back")
    assert server.end() == 0
