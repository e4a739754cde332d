"""Every contender of the stream scenarios sends exactly what the scenarios ask it for."""

from __future__ import annotations

import re
import socket
from dataclasses import replace
from itertools import pairwise

import pytest

from bench.contenders import BETTER_SSE, CEILING, EACH, NCHAN, PODE_PY, Contender, missing
from bench.process import Server
from bench.scenario import Scenario
from bench.scenarios import beside_bursts, burst, groups, idle, offered, paced, token_stream
from bench.servers.with_nchan import module
from bench.settings import Settings
from bench.stream_client import StreamClient
from tests.support import need_program, skip_or_fail

STREAMS = 20
EVENTS = 30
MOMENT = re.compile(rb"data: ?@(\d{20})")
SMALL = Settings(
    rounds=1, seconds=1, streams=STREAMS, burst=5, paced=3, interval_ms=5, offered=20,
    idle_streams=STREAMS, idle_seconds=1,
)  # fmt: skip


@pytest.fixture(autouse=True)
def compiler() -> None:
    need_program("gcc")


def need(contender: Contender) -> None:
    if contender is NCHAN:
        need_program("nginx")
        if module() is None:
            skip_or_fail("nchan is not installed (Debian: libnginx-mod-nchan).")
    if contender is BETTER_SSE:
        need_program("node")
    if lacking := missing(contender):
        skip_or_fail(f"{', '.join(lacking)} not installed; `make setup` does it if npm is there.")


@pytest.mark.parametrize(
    "contender", [PODE_PY, BETTER_SSE, NCHAN, CEILING, EACH], ids=lambda one: one.name
)
def test_each_stream_gets_each_event_of_a_burst_and_of_paced_ones_once(contender):
    need(contender)
    with Server(contender) as server, StreamClient(server, STREAMS) as client:
        found = [
            client.run(f"/burst?n={EVENTS}", EVENTS, 10),
            client.run("/paced?n=3&interval_ms=1", 3, 10),
        ]
        assert server.memory() > 0
        assert server.own_memory() > 0
    assert [one["deliveries"] for one in found] == [STREAMS * EVENTS, STREAMS * 3]
    assert [one["uneven_streams"] for one in found] == [0, 0]


@pytest.mark.parametrize("contender", [PODE_PY, CEILING, EACH], ids=lambda one: one.name)
def test_offered_events_carry_the_moment_they_were_due_however_late_they_are(contender):
    with Server(contender) as server:
        moments = _moments(server.port, "/offered?n=40&interval_ms=1", 40)
    assert [later - earlier for earlier, later in pairwise(moments)] == [1_000_000] * 39


def test_parts_of_the_streams_together_get_what_all_get():
    with Server(PODE_PY) as server, StreamClient(server, STREAMS, path=groups.PATH) as client:
        found = [
            client.run(f"/burst_to?audience={audience}&parts={parts}&n=4", 4, 10)
            for audience, parts in (("all", 1), ("group", STREAMS // 10), ("client", STREAMS))
        ]
    assert [one["deliveries"] for one in found] == [STREAMS * 4] * 3
    assert [one["uneven_streams"] for one in found] == [0] * 3


@pytest.mark.parametrize(
    "scenario",
    [module.SCENARIO for module in (burst, offered, paced, groups, beside_bursts, idle)],
    ids=lambda one: one.key,
)
def test_a_scenario_measures_what_its_columns_show(scenario: Scenario):
    figures = scenario.measure(PODE_PY, SMALL)
    shown = {column.title: column.value(figures) for column in scenario.columns}
    assert None not in shown.values()
    assert all(shown[goal.column] is not None for goal in scenario.goals)
    assert shown.get("lost", 0) == 0


def test_each_token_stream_gets_its_own_tokens():
    figures = token_stream.measure(PODE_PY, replace(SMALL, streams=8))
    assert figures["deliveries"] == 8 * 1000 // token_stream.INTERVAL_MS
    assert (figures["lost"], figures["uneven_streams"]) == (0, 0)
    shown = [column.value(figures) for column in token_stream.SCENARIO.columns]
    assert None not in shown
    assert figures["gap_p50_ms"] > 0


def _moments(port: int, trigger: str, events: int) -> list[int]:
    """What so many events carry that one stream gets after the trigger."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as stream,
        socket.create_connection(("127.0.0.1", port), timeout=10) as trigger_socket,
    ):
        host = f"Host: 127.0.0.1:{port}\r\n"
        stream.sendall(f"GET /events HTTP/1.1\r\n{host}Accept: text/event-stream\r\n\r\n".encode())
        text = b""
        while b"\r\n\r\n" not in text:
            text += _some(stream)
        trigger_socket.sendall(f"GET {trigger} HTTP/1.1\r\n{host}\r\n".encode())
        while len(moments := MOMENT.findall(text)) < events:
            text += _some(stream)
        return [int(digits) for digits in moments]


def _some(sock: socket.socket) -> bytes:
    text = sock.recv(65536)
    assert text, "The stream has ended."
    return text
