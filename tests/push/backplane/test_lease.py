"""Timers and schedules run on one node, and on another one when that is gone."""

from __future__ import annotations

import threading
import time

import pytest

from pode_py import add_schedule, add_timer
from tests.push.house import eventually


@pytest.fixture
def runs():
    return []


@pytest.fixture
def make_ticking(make_node, runs):
    """Nodes with a timer that notes the node's number and the time, five times a second."""

    def make(number, **settings):
        def tick():
            runs.append((number, time.monotonic()))

        return make_node(lambda: add_timer("tick", 0.2, tick), **settings)

    return make


def run_on(runs, more=8):
    """Until there were more runs. Gives whose they were."""
    begun = len(runs)
    eventually(lambda: len(runs) >= begun + more, "timers run", 20)
    return {number for number, _ in runs[begun:]}


def test_a_timer_runs_on_one_of_several_nodes(make_ticking, runs):
    for number in range(3):
        make_ticking(number)
    assert len(run_on(runs, 15)) == 1


def test_another_node_takes_over_at_once_when_one_stops(make_ticking, runs):
    first, second = make_ticking(1), make_ticking(2)
    assert run_on(runs) == {1}
    first.live.stop()
    eventually(lambda: runs[-1][0] == 2, "the other one runs it", 15)
    assert run_on(runs) == {2}
    del second


def test_a_schedule_runs_once(make_node):
    ran = []
    done = threading.Event()

    def note(number):
        ran.append(number)
        done.set()

    nodes = [
        make_node(lambda n=n: add_schedule("once", "@minutely", lambda: note(n), on_start=True))
        for n in range(3)
    ]
    assert done.wait(30)
    time.sleep(0.2)
    assert ran == [0]
    del nodes


def test_what_must_run_on_every_node_does(make_node):
    ran = set()
    for number in range(2):
        make_node(lambda n=number: add_timer("t", 0.1, lambda n=n: ran.add(n), every_process=True))
    eventually(lambda: ran == {0, 1}, "both ran it")


def test_nobody_runs_them_while_redis_is_gone(make_ticking, runs, own_redis):
    redis = own_redis()
    nodes = [make_ticking(number, url=redis.url) for number in range(2)]
    assert len(run_on(runs)) == 1
    redis.kill()
    eventually(
        lambda: not any(node.hub.nodes.backplane.lease.is_ours() for node in nodes), "it lapses", 15
    )
    time.sleep(0.3)
    before = len(runs)
    time.sleep(1.0)
    assert len(runs) == before
    redis.start()
    assert len(run_on(runs)) == 1
