"""An idle stream costs little: what its request needed has been let go."""

from __future__ import annotations

import gc
import tracemalloc

import pytest

from tests.push.house import eventually

STREAMS = 150
OURS = [tracemalloc.Filter(True, f"*/pode_py/{part}/*") for part in ("engine", "exchange", "push")]


def our_memory() -> int:
    gc.collect()
    snapshot = tracemalloc.take_snapshot().filter_traces(OURS)
    return sum(statistic.size for statistic in snapshot.statistics("filename"))


@pytest.mark.own_engine("uvicorn keeps several kilobytes of each connection")
def test_an_idle_stream_keeps_less_than_two_kilobytes(house):
    with house.open():  # whatever is made once is made now
        pass
    eventually(lambda: house.connections == 0, "the first client to be gone")
    tracemalloc.start()
    clients = []
    try:
        before = our_memory()
        clients += [house.open() for _ in range(STREAMS)]
        house.send("event")
        for client in clients:
            assert client.next().data == "event"
        each = (our_memory() - before) / STREAMS
    finally:
        tracemalloc.stop()
        for client in clients:
            client.close()
    assert each < 2000, each
