"""Nodes as processes: killed, paused, and restarted under load."""

from __future__ import annotations

import signal
import time

import pytest

from pode_py import get_sse_client_id_list, set_sse_history, test_sse_client_id
from pode_py.testing import sse
from tests.push.backplane.roaming import Roamer
from tests.push.house import eventually

pytestmark = pytest.mark.own_engine("what nodes tell each other does not depend on the engine")

NODE = """
def stream():
    convert_to_sse_connection("Events", client_id=web_event.query.get("id"))

def server():
    add_endpoint(port=PORT)
    enable_sse_backplane(os.environ["REDIS"], prefix=os.environ["PREFIX"], timeout=1)
    set_sse_history(limit=50_000)
    add_route("get", "/events", stream)
    if os.environ.get("TICKS"):
        def tick():
            with open(os.environ["TICKS"], "a") as file:
                file.write(f"{os.getpid()} {time.time()}\\n")
        add_timer("tick", 0.2, tick)
    if os.environ.get("WORD"):
        def burst():
            for _ in range(10):
                burst.sent += 1
                send_sse_event(f"{os.environ['WORD']}{burst.sent}", name="Events")
            say("sent", burst.sent)
        burst.sent = 0
        add_timer("burst", 0.05, burst, every_process=True)

start_server(server)
"""


@pytest.fixture
def start(program, shared_redis, prefix):
    def start(**env):
        known = {"REDIS": shared_redis, "PREFIX": prefix, **env}
        return program(NODE, env=known).ready()

    return start


def sent(one) -> int:
    lines = [line for line in one.out.splitlines() if line.startswith("sent ")]
    return int(lines[-1].split()[1]) if lines else 0


def test_a_killed_node_s_streams_vanish(start, make_node):
    other = make_node()
    killed = start()
    stream = sse(killed.url + "/events?id=1", deadline=10)
    assert stream.next().type == "pode.open"
    assert other.call(test_sse_client_id, "Events", "1")
    killed.process.kill()
    eventually(lambda: not other.call(test_sse_client_id, "Events", "1"), "it is gone", 15)
    assert other.call(get_sse_client_id_list, "Events") == []
    stream.close()


def test_a_paused_node_comes_back_and_its_clients_get_all(start, make_node):
    other = make_node(lambda: set_sse_history(limit=50_000))
    paused = start()
    with sse(paused.url + "/events?id=1", deadline=30) as stream:
        assert stream.next().type == "pode.open"
        paused.process.send_signal(signal.SIGSTOP)
        for number in range(500):
            other.send(number)
        # Long enough for the others to take it for dead.
        eventually(lambda: not other.call(test_sse_client_id, "Events", "1"), "it is gone", 15)
        paused.process.send_signal(signal.SIGCONT)
        got = [event.data for event in stream.take(500, "message", deadline=30)]
        assert got == [str(number) for number in range(500)]
        eventually(lambda: other.call(test_sse_client_id, "Events", "1"), "it is back", 15)
        other.send("end")
        assert stream.next("message").data == "end"


def test_a_timer_moves_when_its_node_is_killed_and_never_runs_twice(start, tmp_path):
    ticks = tmp_path / "ticks"
    one = start(TICKS=str(ticks))
    two = start(TICKS=str(ticks))

    def who():
        lines = ticks.read_text().splitlines() if ticks.exists() else []
        return [int(line.split()[0]) for line in lines]

    eventually(lambda: len(who()) > 5, "it ticks", 20)
    assert set(who()) == {one.process.pid}
    one.process.kill()
    eventually(lambda: who()[-1] == two.process.pid, "it has moved", 20)


def test_a_paused_node_does_not_run_a_timer_that_another_runs_by_now(start, tmp_path):
    ticks = tmp_path / "ticks"
    one = start(TICKS=str(ticks))
    two = start(TICKS=str(ticks))

    def lines():
        read = ticks.read_text().splitlines() if ticks.exists() else []
        return [(int(pid), float(at)) for pid, at in map(str.split, read)]

    eventually(lambda: len(lines()) > 5, "it ticks", 20)
    one.process.send_signal(signal.SIGSTOP)
    eventually(lambda: lines()[-1][0] == two.process.pid, "it has moved", 20)
    moved = time.time()
    one.process.send_signal(signal.SIGCONT)
    eventually(lambda: len([at for _, at in lines() if at > moved + 1]) > 10, "it ticks", 20)
    assert {pid for pid, at in lines() if at > moved} == {two.process.pid}


def test_nothing_is_lost_that_a_killed_node_has_published(start, make_node):
    """What it had in hand at that moment may be; what anybody has seen is not."""
    stays = make_node(lambda: set_sse_history(limit=50_000))
    with Roamer([stays.url, stays.url], cuts=30) as roamer:
        for round_ in range(3):
            one = start(WORD=f"w{round_}-")
            one.wait_for("sent 200")
            one.process.kill()
        stays.send("end")
        roamer.wait_for("end")
    for round_ in range(3):
        word = f"w{round_}-"
        own = [int(text[len(word) :]) for text in roamer.texts if text.startswith(word)]
        assert own == list(range(1, len(own) + 1))
        assert len(own) >= 150
    assert not roamer.surprises


def test_a_rolling_restart_loses_nothing(start, make_node):
    stays = make_node(lambda: set_sse_history(limit=50_000))
    nodes = [start(WORD=f"n{number}-") for number in range(2)]
    urls = [stays.url, *(node.url for node in nodes)]
    totals = {}

    def of(word):
        return [int(text[len(word) :]) for text in roamer.texts if text.startswith(word)]

    with Roamer(urls, cuts=60) as roamer:
        for number, node in enumerate(nodes):
            node.wait_for("sent 300")
            eventually(lambda n=number: len(of(f"n{n}-")) > 10, "the client hears it")
            node.process.send_signal(signal.SIGTERM)
            node.process.wait(15)
            totals[f"n{number}-"] = sent(node)
            late = start(WORD=f"late{number}-")
            late.wait_for("sent 100")
        stays.send("end")
        roamer.wait_for("end")
    for word, total in totals.items():
        own = of(word)
        assert own == list(range(own[0], total + 1))  # it began before the client was there
    assert not roamer.surprises
