"""A client that comes back, to whichever node, gets each event once and in order."""

from __future__ import annotations

import threading
import time

import pytest

from pode_py import set_sse_history
from pode_py.push.backplane.local_delivery import LocalDelivery
from pode_py.push.backplane.replicated_history import ReplicatedHistory
from tests.push.backplane.roaming import Roamer
from tests.push.house import eventually
from tests.push.sse.resuming import texts, up_to


@pytest.fixture
def nodes(make_node):
    return [make_node(lambda: set_sse_history(limit=20_000)) for _ in range(2)]


def publish(node, first, last, word="", every=50):
    for number in range(first, last):
        node.send(f"{word}{number}")
        if number % every == 0:
            time.sleep(0.004)


def test_what_was_missed_on_one_node_comes_from_another(nodes):
    a, b = nodes
    events = a.open()
    b.send("seen")
    assert events.next().data == "seen"
    events.close()
    a.send("missed 1").wait(10)
    b.send("missed 2", event_type="news").wait(10)
    b.send("missed 3", id="own id").wait(10)
    with b.open(last_event_id=events.last_event_id) as again:
        a.send("end")
        assert up_to(again, "end") == ["missed 1", "<news>", "missed 3"]
    with a.open(last_event_id="own id") as third:
        b.send("end 2")
        assert up_to(third, "end 2") == ["end"]


def test_only_what_the_client_would_have_got(nodes):
    a, b = nodes
    with a.open(id="me", group="red") as first:
        start = first.last_event_id
    a.send("all").wait(10)
    b.send("my group", group="RED").wait(10)
    a.send("their group", group="blue").wait(10)
    b.send("me", client_id="me").wait(10)
    a.send("you", client_id="you").wait(10)
    b.send("other name", "Other").wait(10)
    with b.open(id="me", group="red", last_event_id=start) as events:
        b.send("end")
        assert up_to(events, "end") == ["all", "my group", "me"]


def test_a_node_that_starts_later_knows_what_was_before(nodes, make_node):
    a, _ = nodes
    with a.open() as first:
        start = first.last_event_id
    for number in range(1200):
        a.send(number)
    a.send("last").wait(10)
    late = make_node(set_sse_history)
    with late.open(last_event_id=start) as events:
        assert events.next().type == "pode.reset"  # it keeps 1000, as it was told
    late = make_node(lambda: set_sse_history(limit=5000))
    with late.open(last_event_id=start) as events:
        assert up_to(events, "last") == [str(number) for number in range(1200)]


def test_a_history_outlives_all_nodes(make_node):
    a = make_node(set_sse_history)
    with a.open() as events:
        a.send("seen")
        events.next()
    a.send("missed").wait(10)
    a.live.stop()
    b = make_node(set_sse_history)
    with b.open(last_event_id=events.last_event_id) as again:
        b.send("end")
        assert up_to(again, "end") == ["missed"]


def test_each_event_comes_once_and_in_order_over_a_hundred_cuts(nodes):
    total = 5000
    threads = [
        threading.Thread(target=publish, args=(node, 0, total, word))
        for node, word in zip(nodes, "ab", strict=True)
    ]
    with Roamer([node.url for node in nodes]) as roamer:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        nodes[0].send("end")
        roamer.wait_for("end")
        eventually(lambda: len(roamer.events) >= 2 * total + 1, "all have come")
    got = roamer.texts
    assert not roamer.surprises
    assert len({event_id for _, event_id in roamer.events}) == len(got) == 2 * total + 1
    for word in "ab":
        own = [int(text[1:]) for text in got if text[0] == word]
        assert own == list(range(total))
    assert roamer.connects > 100


def test_a_cursor_of_nobody_is_told_by_one_reset(nodes):
    a, b = nodes
    a.send("x").wait(10)
    with a.open() as first:
        epoch, _, number = first.last_event_id.partition("-")
    for odd in (
        "unknown",
        "00000000-1",
        f"{epoch}-999999",
        f"{epoch}-{number}~",
        f"{epoch}-{number}~zz~1",
        f"{epoch}-",
        "x" * 2000,
    ):
        with b.open(last_event_id=odd) as events:
            a.send("end")
            assert up_to(events, "end") == ["<pode.reset>"], odd


def test_a_cursor_that_redis_has_forgotten_is_told_by_a_reset(make_node):
    nodes = [make_node(lambda: set_sse_history(limit=10_000), limit=50) for _ in range(2)]
    with nodes[0].open() as first:
        start = first.last_event_id
    for number in range(60):
        nodes[0].send(number).wait(10)
    late = make_node(lambda: set_sse_history(limit=10_000), limit=50)
    with late.open(last_event_id=start) as events:
        late.send("end")
        assert up_to(events, "end") == ["<pode.reset>"]
    # Who has it all in memory can still say.
    with nodes[1].open(last_event_id=start) as events:
        assert texts(events.take(60)) == [str(number) for number in range(60)]


@pytest.mark.parametrize("bound", [{"limit": 40}, {"size": 4000}], ids=["events", "bytes"])
def test_redis_keeps_no_more_than_it_was_told(make_node, own_redis, prefix, bound):
    redis = own_redis()
    node = make_node(set_sse_history, url=redis.url, **bound)
    for number in range(300):
        node.send(f"{number} {'x' * 20}").wait(10)
    length = int(redis.cli("xlen", f"{{{prefix}}}:history"))
    assert 10 < length <= 60
    assert int(redis.cli("memory", "usage", f"{{{prefix}}}:history")) < 20_000
    assert redis.cli("dbsize") != "0"


def test_a_plain_stream_is_told_of_no_gap(nodes):
    a, _ = nodes
    with a.open() as ours, a.open(style="plain", wait=False) as plain:
        eventually(lambda: len(a.hub.store.select("Events")) == 2, "both are open")
        history = a.hub.history
        assert isinstance(history, ReplicatedHistory)
        with a.hub.order:
            LocalDelivery(a.hub, history).reset()
        a.send("end")
        assert up_to(ours, "end") == ["<pode.reset>"]
        assert up_to(plain, "end") == []
