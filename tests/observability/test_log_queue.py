"""The queue and the log thread: nothing waits, no loss is unseen, all is written at the end."""

from __future__ import annotations

import threading

import pytest

from pode_py.observability.logs.functions import (
    add_log_type,
    enable_log_error_type,
    enable_log_request_type,
    write_log,
)
from pode_py.observability.logs.line_queue import LineQueue
from pode_py.observability.logs.methods.functions import (
    new_log_custom_method,
    new_log_file_method,
)


def log_threads():
    return [thread for thread in threading.enumerate() if thread.name == "pode-logs"]


class Gate:
    """A custom method that hangs until it is opened."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.open = threading.Event()
        self.seen: list[object] = []

    def __call__(self, item):
        self.reached.set()
        self.open.wait(30)
        self.seen.append(item)


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.open.set()


def test_twenty_threads_lose_no_line_at_the_stop(server, a_request):
    enable_log_request_type(new_log_file_method("requests"))
    start = threading.Barrier(20)

    def work(number):
        start.wait()
        for line in range(1000):
            server.logs.write_request(a_request(target=f"/{number}/{line}"))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.logs.stop(30)
    (path,) = (server.root / "logs").iterdir()
    targets = [line.split()[6] for line in path.read_text().splitlines()]
    assert len(targets) == 20_000
    for number in range(20):  # each thread's lines in its own order
        mine = [target for target in targets if target.startswith(f"/{number}/")]
        assert mine == [f"/{number}/{line}" for line in range(1000)]


def test_the_thread_starts_with_the_first_line_and_ends_with_the_stop(server):
    add_log_type(new_log_file_method("app"), "main", raw=True)
    assert log_threads() == []
    write_log("x", "main")
    assert len(log_threads()) == 1
    assert server.logs.stop()
    assert log_threads() == []


def test_stopping_without_a_line_is_nothing(server):
    assert server.logs.stop()
    assert server.logs.stop()
    assert server.logs.flush()


def test_after_the_stop_lines_are_dropped_and_nothing_raises(server, a_request):
    add_log_type(new_log_file_method("app"), "main", raw=True)
    write_log("before", "main")
    assert server.logs.stop()
    write_log("after", "main")
    server.logs.write_exception("after", where="here")
    assert server.logs.flush()
    assert server.lines("app") == ["before"]


def test_a_method_that_hangs_blocks_nobody_and_drops_are_counted(make_server, gate):
    server = make_server(queue_lines=100)
    add_log_type(new_log_custom_method(gate), "main", raw=True)
    enable_log_error_type(new_log_file_method("errors"))
    write_log("first", "main")
    assert gate.reached.wait(30)
    for number in range(5000):
        write_log(number, "main")
    gate.open.set()
    (line,) = server.lines("errors")
    assert "4901 log lines were dropped" in line
    assert gate.seen == ["first", *range(99)]  # the newest are dropped, and what is taken counts


def test_without_an_error_type_drops_are_told_on_stderr(make_server, gate, capsys):
    server = make_server(queue_lines=10)
    add_log_type(new_log_custom_method(gate), "main", raw=True)
    write_log("first", "main")
    assert gate.reached.wait(30)
    for number in range(30):
        write_log(number, "main")
    gate.open.set()
    assert server.logs.stop()
    assert "21 log lines were dropped" in capsys.readouterr().err


def test_the_queue_is_bounded_in_bytes_too(make_server, gate):
    server = make_server(queue_bytes=1_000_000)
    add_log_type(new_log_custom_method(gate), "main", raw=True)
    enable_log_error_type(new_log_file_method("errors"))
    write_log("first", "main")
    assert gate.reached.wait(30)
    for _ in range(30):
        write_log("x" * 100_000, "main")
    gate.open.set()
    assert "21 log lines were dropped" in server.read("errors")


def test_a_stop_gives_up_after_its_timeout_and_says_what_is_lost(server, gate, capsys):
    add_log_type(new_log_custom_method(gate), "main", raw=True)
    for number in range(5):
        write_log(number, "main")
    assert gate.reached.wait(30)
    assert server.logs.stop(0.2) is False
    assert "log lines could not be written within 0.2 seconds" in capsys.readouterr().err


def test_a_flush_gives_up_after_its_timeout(server, gate):
    add_log_type(new_log_custom_method(gate), "main", raw=True)
    write_log("x", "main")
    assert server.logs.flush(0.2) is False


def test_a_handler_may_stop_the_logs(server):
    add_log_type(
        [new_log_custom_method(lambda item: server.logs.stop()), new_log_file_method("app")],
        "main",
        raw=True,
    )
    write_log("x", "main")
    for thread in log_threads():
        thread.join(10)
    assert server.lines("app") == ["x"]


def test_a_line_put_after_closing_is_refused():
    queue: LineQueue[str] = LineQueue()
    assert queue.put("a", 1)
    queue.close()
    assert not queue.put("b", 1)
    assert not queue.put_now("b")
    assert queue.take(None) == (["a"], 0)
    assert queue.exhausted


def test_room_is_given_back_only_when_the_lines_are_done():
    queue: LineQueue[str] = LineQueue(lines=1)
    assert queue.put("a", 1)
    assert queue.take(None) == (["a"], 0)
    assert not queue.put("b", 1)
    queue.done()
    assert queue.put("c", 1)
    assert queue.take(None) == (["c"], 1)
