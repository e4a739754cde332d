"""When file descriptors or connections run out, accepting pauses, and all else goes on."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pode_py.exchange.outbox import Ending
from pode_py.http.response import Response
from tests.engine.house import PATIENCE, Wire, plain, wait_until

PROGRAM = Path(__file__).with_name("exhausted.py")


@pytest.fixture
def port(engine_kind, poller):
    root = str(PROGRAM.parents[2])
    with subprocess.Popen(
        [sys.executable, str(PROGRAM), "64", engine_kind, poller],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": root},
    ) as process:
        yield int(process.stdout.readline())
        _, complaints = process.communicate(timeout=30)
        assert process.returncode == 0
        # asyncio's own acceptor writes a line for each try.
        assert complaints == ""


def connect(port):
    return Wire(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))


def facts(wire):
    wire.ask("GET", "/facts")
    return json.loads(wire.answer().body)


def test_out_of_descriptors_the_server_waits_quietly_and_recovers(port):
    with contextlib.ExitStack() as stack:
        asking = stack.enter_context(connect(port))
        stream = stack.enter_context(connect(port))
        stream.ask("GET", "/stream")
        chunks = stream.chunks() if stream.head() else None
        facts(asking)
        crowd = [stack.enter_context(connect(port)) for _ in range(150)]
        for wire in crowd:
            wire.ask("GET", "/")
        # Some were let in; the others wait in the system's queue.
        assert crowd[0].answer().body == b"hello"
        wait_until(lambda: facts(asking)["reports"], "the report")
        before = facts(asking)
        time.sleep(2.5)
        after = facts(asking)
        took = after["time"] - before["time"]
        assert (after["cpu"] - before["cpu"]) / took < 0.3
        reports = after["reports"]
        assert len(reports) <= 2 + after["time"] - before["time"] + 1
        assert all("Too many open files" in report for report in reports)
        # Who has a connection is served as before.
        assert crowd[1].answer().body == b"hello"
        seen = b""
        while len(seen) < 50:
            seen += next(chunks)
        assert seen.replace(b"tick;", b"") == b""
        # Room again: those that waited get their answers.
        for wire in crowd[:120]:
            wire.close()
        for wire in crowd[120:]:
            assert wire.answer().body == b"hello"
        assert next(chunks).startswith(b"tick;")
    with connect(port) as wire:
        wire.ask("GET", "/")
        assert wire.answer().body == b"hello"


def test_beyond_the_limit_of_connections_clients_wait(build, poller):
    house = build(poller=poller, max_connections=10)
    house.may_report = True
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(house.wire()) for _ in range(15)]
        for wire in wires:
            wire.ask("GET", "/")
        for wire in wires[:10]:
            assert wire.answer().status == 200
        assert not wires[10].has_input(0.1)
        assert house.engine.connections == 10
        for wire in wires[:10]:
            wire.ask("GET", "/again")
            assert wire.answer().body == b"GET /again "
            wire.close()
        for wire in wires[10:]:
            assert wire.answer().status == 200
    texts = [str(error) for error, _ in house.reports]
    assert set(texts) == {"The limit of open connections is reached; new ones wait."}
    assert len(texts) < 5


def test_streams_count_as_connections(build):
    outboxes = []

    def handle(exchange):
        if exchange.request.path == "/stream":
            outboxes.append(exchange.upgrade(Response()))
            outboxes[-1].release()
        else:
            plain(exchange)

    house = build(handle, max_connections=3)
    house.may_report = True
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(house.wire()).ask("GET", "/stream")
        wait_until(lambda: len(outboxes) == 3)
        late = stack.enter_context(house.wire())
        late.ask("GET", "/")
        assert not late.has_input(0.1)
        outboxes[0].end(ending=Ending.CUT)
        assert late.answer().status == 200
