"""A client that reads is never cut by our own burst, whoever sends it; one that is deaf is."""

from __future__ import annotations

import json
import ssl
from contextlib import contextmanager

import pytest

from tests.engine.house import trusting
from tests.push.backplane.conftest import prefix, shared_redis  # noqa: F401 - fixtures
from tests.push.bursting import (
    BURSTS,
    MOST_MEMORY,
    PATIENCE,
    SERVER,
    SOURCES,
    TO_A_CROWD,
    Burst,
    Memory,
    Stage,
)
from tests.push.house import eventually
from tests.server.program import beside

SLOW = "reads too slowly"


@pytest.fixture
def stage(tmp_path):
    """Clients of streams of a program, closed at the end: ``with stage(run) as clients``."""
    count = 0

    @contextmanager
    def make(run, *, name=None, tls: ssl.SSLContext | None = None):
        nonlocal count
        count += 1
        made = Stage(run, tmp_path, name or f"Name{count}", tls)
        try:
            yield made
        finally:
            made.close()

    return make


def warm_up(stage, run, **options):
    """What a server needs once, it needs before it is measured."""
    with stage(run, **options) as nobody:
        for source in ("route", "timer", "async"):
            nobody.send(source, Burst(2_000, 80))


def assert_called_slow(run, clients):
    """The log names so many clients, which are the deaf ones."""
    eventually(lambda: run.err.count(SLOW) >= clients, "the log names the deaf client")
    assert run.err.count(SLOW) == clients


@pytest.mark.parametrize("source", SOURCES)
def test_a_reader_gets_every_event_of_a_burst_and_a_deaf_client_is_cut(program, stage, source):
    run = program(SERVER).ready()
    warm_up(stage, run)
    for number, burst in enumerate(BURSTS, start=1):
        with stage(run) as clients:
            clients.open_deaf()
            clients.open(2)
            memory = Memory(run)
            sending = beside(clients.send, source, burst)
            clients.read(burst)
            sending.result(PATIENCE)
            assert clients.wait_deaf_is_cut()
            # What a handler sends on the loop without letting go of it waits as a whole.
            spare = burst.count * 250 if source == "unawaited" else 0
            assert memory.rise < MOST_MEMORY + spare
            assert_called_slow(run, number)


@pytest.mark.parametrize("source", SOURCES)
def test_a_crowd_of_readers_gets_every_event_beside_a_deaf_client(program, stage, source):
    run = program(SERVER).ready()
    warm_up(stage, run)
    with stage(run) as clients:
        clients.open_deaf()
        clients.open(20)
        memory = Memory(run)
        bursts = 0
        # The system's own buffers take the first.
        while not bursts or not clients.wait_deaf_is_cut(1.5):
            assert bursts < 10
            bursts += 1
            sending = beside(clients.send, source, TO_A_CROWD)
            clients.read(TO_A_CROWD, times=bursts)
            sending.result(PATIENCE)
        assert memory.rise < MOST_MEMORY
        assert_called_slow(run, 1)


def test_over_tls_readers_get_every_event_and_a_deaf_client_is_cut(program, stage):
    endpoint = {"protocol": "https", "self_signed": True}
    run = program(SERVER, env={"ENDPOINT": json.dumps(endpoint)}).ready()
    tls = trusting()
    warm_up(stage, run, tls=tls)
    for number, burst in enumerate(BURSTS, start=1):
        with stage(run, tls=tls) as clients:
            clients.open_deaf()
            clients.open(3)
            memory = Memory(run)
            sending = beside(clients.send, "route", burst)
            clients.read(burst)
            sending.result(PATIENCE)
            assert clients.wait_deaf_is_cut()
            assert memory.rise < MOST_MEMORY
            assert_called_slow(run, number)


def test_a_burst_over_redis_reaches_every_reader_of_both_nodes(program, stage, redis_nodes):
    here, there = redis_nodes
    for node in redis_nodes:
        warm_up(stage, node)
    for number, burst in enumerate(BURSTS, start=1):
        with stage(here, name=f"All{number}") as near, stage(there, name=f"All{number}") as far:
            far.open_deaf()
            near.open(2)
            far.open(2)
            memory = Memory(there)
            sending = beside(near.send, "route", burst)
            far.read(burst)
            near.read(burst)
            sending.result(PATIENCE)
            assert far.wait_deaf_is_cut()
            assert memory.rise < MOST_MEMORY
            assert_called_slow(there, number)
            assert SLOW not in here.err


@pytest.fixture
def redis_nodes(program, shared_redis, prefix):  # noqa: F811 - fixtures
    env = {"REDIS": shared_redis, "PREFIX": prefix}
    return [program(SERVER, env=env).ready() for _ in range(2)]
