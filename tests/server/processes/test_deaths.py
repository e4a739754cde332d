"""Workers that die, at any time and of anything; and a parent that does."""

from __future__ import annotations

import os
import resource
import signal
import socket
import time

import pytest

from tests.server.processes.crew import (
    children,
    crew,
    facts_of_all,
    is_alive,
    pids_of_all,
    wait_until,
)
from tests.server.program import DEADLINE, beside, is_listening


def test_a_killed_worker_is_replaced_and_the_others_are_not_harmed(program):
    server = program(crew()).ready()
    before = facts_of_all(server)
    answers = [beside(server.get, "/slow?seconds=1.5") for _ in range(12)]
    server.wait_for("begun in", count=12)
    victim = before[1]["pid"]
    hit = server.out.count(f"begun in {victim}")
    os.kill(victim, signal.SIGKILL)
    server.wait_for(f"Worker 1 (PID {victim}) has ended with SIGKILL.", where="err")
    ended = [answer.exception(DEADLINE) for answer in answers]
    assert sum(error is not None for error in ended) == hit
    after = facts_of_all(server)
    assert [one["number"] for one in after] == [0, 1, 2]
    assert after[1]["pid"] != victim
    assert (after[0]["pid"], after[2]["pid"]) == (before[0]["pid"], before[2]["pid"])
    assert after[1]["secret"] == before[1]["secret"]
    assert server.stop() == 0


def test_what_waits_in_the_queue_of_a_dead_worker_is_answered_by_the_next(program):
    server = program(
        "started = time.monotonic()\n"
        + crew(2).replace(
            "    add_endpoint",
            "    if time.monotonic() > started + 1: time.sleep(0.7)\n    add_endpoint",
            1,
        )
    ).ready()
    time.sleep(1)  # from now on a set-up takes its time
    before = pids_of_all(server, 2)
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: not is_alive(victim), "it is dead")
    answers = [beside(server.get) for _ in range(40)]
    seen = {int(answer.result(DEADLINE).text) for answer in answers}
    assert victim not in seen
    assert seen - before, "None of 40 connections had waited for the new worker."
    assert server.stop() == 0


@pytest.mark.own_engine("the parent, which has no engine, does it")
def test_killed_again_and_again_it_comes_back_and_leaves_no_zombie(program):
    server = program(crew(2)).ready()
    for number in range(1, 5):
        victim = children(server.process.pid)[0]
        os.kill(victim, signal.SIGKILL)
        server.wait_for("has ended with SIGKILL", where="err", count=number)
        wait_until(lambda: len(children(server.process.pid)) == 2, "there are two again")
        assert all(map(is_alive, children(server.process.pid)))
    pids_of_all(server, 2)
    assert server.stop() == 0


@pytest.mark.own_engine("the parent, which has no engine, does it")
def test_a_worker_that_was_told_to_end_is_replaced_too(program):
    server = program(crew(2)).ready()
    before = facts_of_all(server, 2)
    answers = [beside(server.get, "/slow") for _ in range(8)]
    server.wait_for("begun in", count=8)
    os.kill(before[0]["pid"], signal.SIGTERM)
    for answer in answers:
        assert answer.result(DEADLINE).status_code == 200
    server.wait_for("has ended with exit code 0", where="err")
    assert facts_of_all(server, 2)[0]["pid"] != before[0]["pid"]
    assert server.stop() == 0


@pytest.mark.own_engine("no engine runs while workers start")
def test_one_that_dies_each_time_it_has_started_is_not_started_in_a_tight_loop(program):
    server = program("""
def server():
    add_endpoint(port=PORT)
    add_route("get", "/", lambda: "hello")
    if get_server_worker_number() == 1:
        say("begins")
        add_timer("end", 0.05, lambda: os._exit(3), every_process=True)

start_server(server, workers=2)
""").ready()
    server.wait_for("Another one takes its place in 0.4 s.", where="err")
    starts = server.out.count("begins")
    assert starts <= 6
    time.sleep(1)
    assert server.out.count("begins") <= starts + 2
    assert server.get().text == "hello"
    assert server.stop() == 0


@pytest.mark.own_engine("no engine runs while workers start")
def test_if_it_waits_long_for_the_next_start_it_takes_no_connection(program):
    server = program("""
def server():
    add_endpoint(port=PORT)
    add_route("get", "/", lambda: str(get_server_worker_number()))
    if get_server_worker_number() == 1:
        add_timer("end", 0.01, lambda: os._exit(3), every_process=True)

start_server(server, workers=2)
""").ready()
    server.wait_for("Another one takes its place in 1.6 s.", where="err")
    # Else half of them would wait for the next worker 1.
    assert {server.get().text for _ in range(20)} == {"0"}
    assert server.stop() == 0


@pytest.mark.own_engine("no engine runs while workers start")
@pytest.mark.parametrize(
    ("death", "ending"),
    [("os._exit(7)", "exit code 7"), ("os.kill(os.getpid(), 9)", "SIGKILL")],
)
def test_workers_that_die_during_the_start_end_the_program_with_a_sentence(program, death, ending):
    server = program(f"""
def server():
    add_endpoint(port=PORT)
    say("begins")
    {death}

start_server(server, workers=2)
say("after the server")
""")
    assert server.end() == 1
    assert server.out == "begins\n" * 5
    assert server.err == (
        "pode_py: 5 worker processes in a row have ended before they served; the last one with "
        f"{ending}. Find out why with workers=1.\n"
    )
    assert not is_listening(server.port)


@pytest.mark.own_engine("no engine runs while workers start")
def test_if_only_one_of_them_can_never_start_none_stays_up(program):
    server = program("""
def server():
    add_endpoint(port=PORT)
    add_route("get", "/", lambda: "hello")
    if get_server_worker_number() == 1: os._exit(7)

start_server(server, workers=2)
""")
    assert server.end() == 1
    assert server.out == ""
    assert "5 worker processes in a row" in server.err
    assert not is_listening(server.port)


@pytest.mark.own_engine("no engine runs while workers start")
def test_an_error_in_the_set_up_is_shown_once(program):
    server = program("""
def server():
    raise KeyError("missing")

start_server(server, workers=3)
""")
    assert server.end() == 1
    assert server.out == ""
    assert server.err.count("Traceback") == 1
    assert server.err.endswith("KeyError: 'missing'\n")


@pytest.mark.own_engine("no engine runs while workers start")
@pytest.mark.parametrize(
    ("statement", "code", "text"),
    [("sys.exit(3)", 3, ""), ("sys.exit()", 0, ""), ("sys.exit('no')", 1, "no\n")],
)
def test_a_set_up_may_exit(program, statement, code, text):
    server = program(f"""
def server():
    {statement}

start_server(server, workers=3)
say("after the server")
""")
    assert server.end() == code
    assert server.out == ""
    assert server.err == text


@pytest.mark.own_engine("no engine runs while workers start")
def test_a_set_up_may_refuse_to_start(program):
    server = program("""
def server():
    raise StartError("Set DATABASE_URL before you start this server.")

start_server(server, workers=3)
""")
    assert server.end() == 1
    assert server.err == "pode_py: Set DATABASE_URL before you start this server.\n"


@pytest.mark.own_engine("no engine runs while workers start")
def test_close_server_in_the_set_up_means_that_it_does_not_start(program):
    server = program("""
def server():
    add_endpoint(port=PORT)
    close_server()

start_server(server, workers=3)
say("after the server")
""")
    assert server.end() == 0
    assert server.out == "after the server\n"
    assert server.err == ""


def test_a_port_in_use_is_said_once_and_nothing_is_half_up(program):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = program(
            crew().replace("port=PORT)", f"port=PORT)\n    add_endpoint(port={port})", 1)
        )
        assert server.end() == 1
        assert server.out == ""
        assert server.err == (
            f"pode_py: Can't listen on 127.0.0.1 port {port}: another program uses it already. "
            "Stop that program, or choose another port in add_endpoint.\n"
        )
        assert not is_listening(server.port)


def test_a_second_crew_can_not_slip_into_the_port_of_the_first(program):
    first = program(crew(2)).ready()
    second = program(crew(2), env={"PORT": str(first.port)})
    assert second.end() == 1
    assert "another program uses it already" in second.err
    pids_of_all(first, 2)


@pytest.mark.own_engine("no engine runs while workers start")
def test_a_shortage_of_the_system_passes(program):
    server = program(crew(2)).ready()
    pids = pids_of_all(server, 2)
    parent = server.process.pid
    kept = resource.prlimit(parent, resource.RLIMIT_NOFILE)
    # Not even the descriptors that another channel needs.
    resource.prlimit(parent, resource.RLIMIT_NOFILE, (3, kept[1]))
    server.signal(signal.SIGHUP)
    server.wait_for("The restart has ended: No worker process can be started: ", where="err")
    os.kill(min(pids), signal.SIGKILL)
    server.wait_for("Too many open files. It is tried again in 5 s.", where="err")
    assert {server.get().text for _ in range(10)} == {str(max(pids))}
    resource.prlimit(parent, resource.RLIMIT_NOFILE, kept)
    assert len(pids_of_all(server, 2) - pids) == 1
    assert server.stop() == 0


def test_when_the_parent_is_killed_the_workers_end_by_themselves(program):
    server = program(crew(3, grace=0.5)).ready()
    pids = pids_of_all(server)
    beside(server.get, "/slow?seconds=60")
    server.wait_for("begun")
    os.kill(server.process.pid, signal.SIGKILL)
    wait_until(lambda: not any(map(is_alive, pids)), "the workers have ended")
    assert not is_listening(server.port)
