"""A restart of several worker processes: one after the other, and nobody is refused."""

from __future__ import annotations

import http.client
import itertools
import os
import signal
import threading

import pytest

from pode_py.testing import fetch
from tests.server.processes.crew import (
    children,
    crew,
    facts_of_all,
    is_alive,
    pids_of_all,
    wait_until,
)
from tests.server.program import DEADLINE, Program, beside, is_listening
from tests.support import need_program


def restarted(server: Program, times: int = 1) -> None:
    server.wait_for("[Running]", count=times + 1)


class Load:
    """Clients that ask again and again: on connections that they keep, and on fresh ones."""

    def __init__(self, server: Program) -> None:
        self.port = server.port
        self.answers = 0
        self.failures: list[BaseException] = []
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(keep,), daemon=True)
            for keep in (True, False) * 4
        ]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(DEADLINE)

    def _run(self, keep: bool) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        while not self._ended.is_set():
            try:
                connection.request("GET", "/", headers={} if keep else {"Connection": "close"})
                answer = connection.getresponse()
                answer.read()
                assert answer.status == 200
                self.answers += 1
            except BaseException as error:
                self.failures.append(error)
                connection.close()
        connection.close()


@pytest.mark.alone  # its own load is enough
@pytest.mark.parametrize("how", ["restart_server", "SIGHUP"])
def test_under_load_no_request_is_refused_or_cut(program, how):
    server = program(crew()).ready()
    before = pids_of_all(server)
    with Load(server) as load:
        wait_until(lambda: load.answers > 50, "there is load")
        if how == "SIGHUP":
            server.signal(signal.SIGHUP)
        else:
            server.get("/restart")
        restarted(server)
        answers = load.answers
        wait_until(lambda: load.answers > answers + 50, "the new ones are under load")
    assert load.failures == []
    after = pids_of_all(server)
    assert not before & after
    assert set(children(server.process.pid)) == after
    assert server.stop() == 0
    assert "Restarting." in server.out
    assert server.err == ""


def test_a_running_request_is_answered_by_the_old_worker(program):
    server = program(crew()).ready()
    before = pids_of_all(server)
    answers = [beside(server.get, "/slow?seconds=1") for _ in range(10)]
    server.wait_for("begun in", count=10)
    server.signal(signal.SIGHUP)
    assert all(int(answer.result(DEADLINE).text) in before for answer in answers)
    restarted(server)


@pytest.mark.own_engine("the parent, which has no engine, decides it")
def test_numbers_and_the_secret_stay_and_restarts_are_counted(program):
    server = program(crew()).ready()
    before = facts_of_all(server)
    for number in (1, 2):
        server.signal(signal.SIGHUP)
        restarted(server, number)
    after = facts_of_all(server)
    assert [one["number"] for one in after] == [0, 1, 2]
    assert {one["secret"] for one in after} == {one["secret"] for one in before}
    assert [one["restarts"] for one in after] == [2, 2, 2]


def test_a_handler_that_does_not_end_holds_it_up_no_longer_than_the_grace_time(program):
    server = program(crew(2, grace=0.5)).ready()
    before = pids_of_all(server, 2)
    answers = [beside(server.get, "/slow?seconds=60") for _ in range(12)]
    server.wait_for("begun in", count=12)
    server.signal(signal.SIGHUP)
    restarted(server)
    for answer in answers:
        assert answer.exception(DEADLINE) is not None
    assert not any(map(is_alive, before))


#: Runs what stands in the file `broken` in the set-up, where there is one.
BROKEN = 'from pathlib import Path; broken = Path(__file__).with_name("broken")\n' + crew(
    2
).replace(
    "    add_endpoint", "    if broken.exists(): exec(broken.read_text())\n    add_endpoint", 1
)


@pytest.mark.own_engine("the parent, which has no engine, decides it")
@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("raise KeyError('missing')", "KeyError: 'missing'"),
        ("raise StartError('Not now, please.')", "The restart has ended: Not now, please."),
        ("os._exit(9)", "A new worker has ended with exit code 9 before it served."),
        ("add_endpoint('192.0.2.1', PORT + 1)", "no network interface of this machine"),
        ("time.sleep(0.2); os.kill(os.getpid(), 15)", "has ended with exit code 143"),
    ],
)
def test_if_a_new_worker_can_not_start_the_old_ones_go_on(program, tmp_path, statement, message):
    server = program(BROKEN).ready()
    before = pids_of_all(server, 2)
    (tmp_path / "broken").write_text(statement)
    server.signal(signal.SIGHUP)
    server.wait_for("The old workers go on.", where="err")
    assert message in server.err
    assert pids_of_all(server, 2) == before
    assert set(children(server.process.pid)) == before
    (tmp_path / "broken").unlink()
    server.signal(signal.SIGHUP)
    restarted(server)
    assert not pids_of_all(server, 2) & before
    assert server.stop() == 0


def test_timers_and_schedules_go_over_to_the_new_worker_and_never_run_twice(program):
    server = program(
        crew().replace(
            "    add_endpoint",
            '    add_timer("tick", 0.1, lambda: say(f"tick in {os.getpid()}."))\n'
            '    add_schedule("s", "@yearly", lambda: say("at the start"), on_start=True)\n'
            "    add_endpoint",
            1,
        )
    ).ready()
    on_duty = []
    for number in range(3):
        on_duty.append(facts_of_all(server)[0]["pid"])
        server.wait_for(f"tick in {on_duty[-1]}.", count=2)
        if number < 2:
            server.signal(signal.SIGHUP)
            restarted(server, number + 1)
    assert server.stop() == 0
    assert server.out.count("at the start") == 3
    ticks = [line for line in server.out.splitlines() if line.startswith("tick in")]
    turns = [tick for tick, _ in itertools.groupby(ticks)]
    assert turns == [f"tick in {pid}." for pid in on_duty]


def test_the_port_may_change(program, tmp_path):
    server = program(
        BROKEN.replace("add_endpoint(port=PORT)", "add_endpoint(port=PORT + broken.exists())")
    ).ready()
    (tmp_path / "broken").write_text("")
    server.signal(signal.SIGHUP)
    restarted(server)
    assert fetch(f"http://127.0.0.1:{server.port + 1}/", deadline=DEADLINE).status_code == 200
    assert not is_listening(server.port)
    assert server.stop() == 0
    assert server.err == ""


@pytest.mark.own_engine("the parent, which has no engine, decides it")
def test_a_file_is_read_anew(program, tmp_path):
    path = tmp_path / "set_up.py"
    text = (
        "import os\nfrom pode_py import *\n"
        'add_endpoint(port=int(os.environ["PORT"]))\nadd_route("get", "/", lambda: "one")\n'
    )
    path.write_text(text)
    server = program('start_server(file_path="set_up.py", workers=2)').ready()
    path.write_text(text.replace("one", "two"))
    server.signal(signal.SIGHUP)
    restarted(server)
    assert {server.get().text for _ in range(10)} == {"two"}


@pytest.mark.own_engine("the parent, which has no engine, decides it")
def test_asked_for_by_handlers_during_a_restart_it_happens_once(program):
    server = program(crew(2)).ready()
    for _ in range(10):
        server.get("/restart")
    restarted(server)
    assert [one["restarts"] for one in facts_of_all(server, 2)] == [1, 1]
    assert server.stop() == 0
    assert server.out.count("Restarting.") == 1


@pytest.mark.own_engine("the parent, which has no engine, decides it")
def test_a_hang_up_during_a_restart_means_another_one_after_it(program, tmp_path):
    server = program(BROKEN).ready()
    (tmp_path / "broken").write_text("time.sleep(0.3)")
    server.signal(signal.SIGHUP)
    server.wait_for("Restarting.")
    server.signal(signal.SIGHUP)
    restarted(server, 2)
    assert [one["restarts"] for one in facts_of_all(server, 2)] == [2, 2]
    assert server.out.count("Restarting.") == 2


@pytest.mark.own_engine("the parent, which has no engine, decides it")
def test_asked_for_before_all_workers_serve_it_comes_after_that(program):
    server = program(
        crew(2).replace(
            "    add_endpoint",
            "    if get_server_worker_number(): time.sleep(0.5)\n"
            "    elif not get_server_restart_count():\n"
            '        add_timer("soon", 3600, restart_server, on_start=True)\n'
            "    add_endpoint",
            1,
        )
    )
    restarted(server)
    assert [one["restarts"] for one in facts_of_all(server, 2)] == [1, 1]
    assert server.stop() == 0


@pytest.mark.own_engine("the parent, which has no engine, decides it")
@pytest.mark.parametrize("victim", ["old", "new"])
def test_workers_that_are_killed_during_a_restart_do_not_stop_it(program, tmp_path, victim):
    server = program(BROKEN).ready()
    before = facts_of_all(server, 2)
    (tmp_path / "broken").write_text("time.sleep(0.5)")
    server.signal(signal.SIGHUP)
    server.wait_for("Restarting.")
    old = {one["pid"] for one in before}
    wait_until(lambda: set(children(server.process.pid)) - old, "the first new one starts")
    (new,) = set(children(server.process.pid)) - old
    os.kill(before[0]["pid"] if victim == "old" else new, signal.SIGKILL)
    if victim == "old":
        restarted(server)
        assert not pids_of_all(server, 2) & old
    else:
        server.wait_for("The old workers go on.", where="err")
        assert pids_of_all(server, 2) == old
    assert server.stop() == 0


@pytest.mark.own_engine("the parent, which has no engine, decides it")
@pytest.mark.parametrize("when", ["starting", "leaving"])
def test_a_signal_during_a_restart_stops_all(program, tmp_path, when):
    server = program(BROKEN).ready()
    pids_of_all(server, 2)
    if when == "starting":
        (tmp_path / "broken").write_text("say('sets up'); time.sleep(60)")
        server.signal(signal.SIGHUP)
        server.wait_for("sets up")
    else:
        beside(server.get, "/slow?seconds=3")
        server.wait_for("begun")
        server.signal(signal.SIGHUP)
        wait_until(lambda: len(children(server.process.pid)) == 3, "a new one starts")
    pids = children(server.process.pid)
    server.signal()
    assert server.end() == 0
    assert not any(map(is_alive, pids))
    assert server.out.endswith("Stopped.\nafter the server\n")


def test_ten_restarts_leave_no_process_and_no_descriptor(program):
    server = program(crew(2)).ready()
    server.signal(signal.SIGHUP)
    restarted(server)
    before = len(os.listdir(f"/proc/{server.process.pid}/fd"))
    for number in range(2, 12):
        server.signal(signal.SIGHUP)
        restarted(server, number)
    assert len(os.listdir(f"/proc/{server.process.pid}/fd")) == before
    assert len(children(server.process.pid)) == 2
    assert server.stop() == 0
    assert server.err == ""


@pytest.mark.own_engine("the parent, which has no engine, decides it")
def test_with_nohup_it_is_restart_server_that_restarts(program):
    server = program(crew(2), before=[need_program("nohup")]).ready()
    before = pids_of_all(server, 2)
    server.get("/restart")
    restarted(server)
    assert not pids_of_all(server, 2) & before
    assert server.stop() == 0
