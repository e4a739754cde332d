"""Several worker processes serve one script."""

from __future__ import annotations

import ssl
import time

import pytest

from pode_py.testing import fetch
from tests.server.processes.crew import (
    children,
    crew,
    facts_of_all,
    is_alive,
    pids_of_all,
    sockets_of,
    wait_until,
)
from tests.server.program import DEADLINE, READY


def test_all_workers_serve_and_the_script_goes_on_once(program):
    server = program(crew()).ready()
    pids = pids_of_all(server)
    assert pids == set(children(server.process.pid))
    assert server.stop() == 0
    assert server.out.count("after the server") == 1
    assert server.out.endswith("Stopped.\nafter the server\n")
    assert server.err == ""
    assert not any(map(is_alive, pids))


@pytest.mark.own_engine("what processes share does not depend on the engine")
def test_there_is_one_banner_and_it_names_the_parent_and_the_workers(program):
    server = program(crew()).ready()
    lines = server.out.splitlines()
    assert f"(PID: {server.process.pid}) [Running]" in lines[0]
    assert lines[1:] == [
        "Listening on 1 endpoint(s) [16 thread(s) x 3 workers]:",
        f"  - http://localhost:{server.port}/",
        READY,
    ]


@pytest.mark.own_engine("what processes share does not depend on the engine")
def test_a_quiet_one_says_nothing(program):
    server = program(crew().replace("grace=", "quiet=True, grace=")).listening()
    pids_of_all(server)
    assert server.stop() == 0
    assert server.out == "after the server\n"
    assert server.err == ""


@pytest.mark.own_engine("what processes share does not depend on the engine")
def test_workers_have_numbers_and_the_same_secret(program):
    server = program(crew()).ready()
    facts = facts_of_all(server)
    assert [one["number"] for one in facts] == [0, 1, 2]
    assert len({one["secret"] for one in facts}) == 1
    assert len({one["cookies"] for one in facts}) == 1


def test_one_worker_is_the_process_itself(program):
    server = program(crew(1)).ready()
    assert server.get().text == str(server.process.pid)
    assert children(server.process.pid) == []


@pytest.mark.own_engine("what processes share does not depend on the engine")
def test_timers_and_schedules_run_in_one_process(program):
    server = program("""
def server():
    add_endpoint(port=PORT)
    add_route("get", "/pid", lambda: str(os.getpid()))
    add_timer("one", 0.1, lambda: say(f"timer in {os.getpid()}."))
    add_timer("start", 3600, lambda: say("timer at the start"), on_start=True)
    add_timer("all", 0.1, lambda: say(f"every timer in {os.getpid()}."), every_process=True)
    add_schedule("one", "@yearly", lambda: say(f"schedule in {os.getpid()}."), on_start=True)
    add_schedule("all", "@yearly", lambda: say("every schedule"), on_start=True, every_process=True)

start_server(server, workers=3)
""").ready()
    server.wait_for("schedule in ")
    server.wait_for("every schedule", count=3)
    pids = children(server.process.pid)
    for pid in pids:
        server.wait_for(f"every timer in {pid}.", count=2)
    ran = [pid for pid in pids if f"\ntimer in {pid}." in f"\n{server.out}"]
    assert len(ran) == 1
    assert [pid for pid in pids if f"schedule in {pid}." in server.out] == ran
    assert server.stop() == 0
    assert server.out.count("timer at the start") == 1
    assert server.out.count("schedule in ") == 1
    assert server.err == ""


@pytest.mark.own_engine("what processes share does not depend on the engine")
def test_what_was_printed_before_is_not_doubled(program):
    server = program('print("not flushed")\n' + crew()).ready()
    pids_of_all(server)
    assert server.stop() == 0
    assert server.out.count("not flushed") == 1


@pytest.mark.own_engine("what processes share does not depend on the engine")
def test_what_a_worker_prints_is_there_at_its_end(program):
    server = program(
        crew().replace("    add_endpoint", '    print("set up, not flushed")\n    add_endpoint', 1)
    ).ready()
    assert server.stop() == 0
    assert server.out.count("set up, not flushed") == 3


@pytest.mark.own_engine("what processes share does not depend on the engine")
def test_what_is_to_be_done_at_exit_is_done_where_it_was_asked_for(program):
    server = program(
        "import atexit; atexit.register(say, f'script {os.getpid()} exits')\n"
        + crew().replace(
            "    add_endpoint",
            "    atexit.register(say, f'worker {os.getpid()} exits')\n    add_endpoint",
            1,
        )
    ).ready()
    pids = pids_of_all(server)
    assert server.stop() == 0
    assert server.out.count(" exits") == 4
    assert f"script {server.process.pid} exits" in server.out
    for pid in pids:
        assert f"worker {pid} exits" in server.out


@pytest.mark.own_engine("what processes share does not depend on the engine")
def test_workers_draw_different_random_numbers(program):
    server = program(
        "import random; random.seed(1)\n"
        + crew().replace('"pid": os.getpid()', '"pid": os.getpid(), "drawn": random.random()')
    ).ready()
    assert len({one["drawn"] for one in facts_of_all(server)}) == 3


def test_programs_that_a_handler_starts_inherit_no_socket(program):
    server = program(
        crew().replace(
            '    @add_route("get", "/facts")',
            '    @add_route("get", "/program")\n'
            "    def run():\n"
            "        import subprocess\n"
            '        command = ["ls", "-l", "/proc/self/fd"]\n'
            "        found = subprocess.run(command, close_fds=False, stdout=subprocess.PIPE)\n"
            "        return found.stdout.decode()\n\n"
            '    @add_route("get", "/facts")',
        )
    ).ready()
    listed = server.get("/program").text
    assert "->" in listed
    assert "socket:" not in listed


def test_a_worker_holds_nothing_of_the_parent_and_the_others(program):
    server = program(crew(4)).ready()
    pids = pids_of_all(server, 4)
    parent, *workers = [sockets_of(pid) for pid in (server.process.pid, *pids)]
    # The one on which it listens. Of the channels each has the other end.
    assert [len(parent & worker) for worker in workers] == [1] * 4
    assert len(set.union(*workers)) == sum(map(len, workers))
    assert server.stop() == 0


def test_each_worker_may_have_an_endpoint_of_its_own_for_its_metrics(program):
    server = program("""
def server():
    add_endpoint(port=PORT, name="public")
    add_endpoint(port=PORT + 1 + get_server_worker_number(), name="inside")
    add_route("get", "/", lambda: "hello", endpoint_name="public")
    add_metrics_route(endpoint_name="inside")

start_server(server, workers=2)
""").ready()
    for number in range(2):
        url = f"http://127.0.0.1:{server.port + 1 + number}/metrics"
        shown = fetch(url, deadline=DEADLINE).text
        assert f"pode_worker_number {number}.0" in shown
        assert "pode_uptime_seconds" in shown


def test_https_works_in_every_worker(program):
    server = program(
        crew(2).replace("port=PORT", '"localhost", PORT, "https", self_signed=True')
    ).ready()
    tls = ssl.create_default_context()
    tls.check_hostname = False
    tls.verify_mode = ssl.CERT_NONE
    seen = set()

    def ask():
        url = f"https://127.0.0.1:{server.port}/"
        seen.add(fetch(url, tls=tls, deadline=DEADLINE).text)
        return len(seen) == 2

    wait_until(ask, "both workers answer")


@pytest.mark.own_engine("what processes share does not depend on the engine")
def test_a_file_may_be_the_set_up(program, tmp_path):
    path = tmp_path / "set_up.py"
    path.write_text(
        "import os\nfrom pode_py import *\n"
        'add_endpoint(port=int(os.environ["PORT"]))\nadd_route("get", "/", lambda: "from a file")\n'
    )
    server = program('start_server(file_path="set_up.py", workers=2)').ready()
    assert server.get().text == "from a file"
    assert server.stop() == 0


@pytest.mark.own_engine("what processes share does not depend on the engine")
def test_without_endpoints_timers_run_in_one_process(program):
    server = program("""
def server():
    add_timer("tick", 0.2, lambda: say(f"tick in {os.getpid()}."))

start_server(server, workers=2)
""").ready()
    server.wait_for("tick in", count=3)
    pids = children(server.process.pid)
    assert len([pid for pid in pids if f"tick in {pid}." in server.out]) == 1
    assert server.stop() == 0


@pytest.mark.own_engine("what processes share does not depend on the engine")
def test_several_processes_write_one_log_and_no_line_is_torn(program, tmp_path):
    server = program(
        crew().replace(
            "    add_endpoint",
            '    method = new_log_file_method("requests", path="logs", max_size=4000)\n'
            "    enable_log_request_type(method)\n    add_endpoint",
            1,
        )
    ).ready()
    for _ in range(60):
        server.get(f"/{'x' * 50}")
    assert server.stop() == 0
    files = sorted((tmp_path / "logs").iterdir())
    lines = [line for path in files for line in path.read_text().splitlines()]
    assert len([line for line in lines if "x" * 50 in line]) == 60
    assert len(files) > 1
    assert server.err == ""


@pytest.mark.own_engine("what processes share does not depend on the engine")
@pytest.mark.parametrize("workers", ["0", "-1", "2.5", "'two'"])
def test_the_number_must_be_a_whole_one_from_1_on(program, workers):
    server = program(crew(1).replace("workers=1", f"workers={workers}"))
    assert server.end() == 1
    assert "workers" in server.err
    assert "ValueError" in server.err or "TypeError" in server.err


@pytest.mark.own_engine("what processes share does not depend on the engine")
def test_outside_of_the_main_thread_it_is_an_error_that_says_so(program):
    server = program("""
def run():
    try:
        start_server(lambda: None, workers=2)
    except PodeError as error:
        say("caught:", error)

thread = threading.Thread(target=run)
thread.start()
thread.join()
""").wait_for("caught: start_server(workers=2) works in the main thread only")
    assert server.end() == 0


@pytest.mark.own_engine("what processes share does not depend on the engine")
def test_threads_that_run_already_are_named(program):
    server = program(
        "wait = threading.Event()\n"
        "threading.Thread(target=wait.wait, name='mine', daemon=True).start()\n" + crew()
    ).ready()
    assert server.err.startswith("pode_py: Threads run already (mine). ")
    assert "set-up function" in server.err
    pids_of_all(server)
    assert server.stop() == 0


def test_a_script_may_serve_twice_one_after_the_other(program):
    server = program(crew(2) + "start_server(server, workers=3)\nsay('really the end')").ready()
    pids_of_all(server, 2)
    server.get("/stop")
    server.wait_for("[Running]", count=2)
    pids_of_all(server, 3)
    assert server.stop() == 0
    assert server.out.count("after the server") == 1
    assert server.out.endswith("Stopped.\nreally the end\n")
    assert server.err == ""


def test_idle_workers_use_no_processor_time(program):
    server = program(
        crew().replace('"pid": os.getpid()', '"pid": os.getpid(), "used": time.process_time()')
    ).ready()
    before = facts_of_all(server)
    time.sleep(2)  # what is measured is what they do meanwhile
    after = facts_of_all(server)
    for early, late in zip(before, after, strict=True):
        assert late["used"] - early["used"] < 0.3
