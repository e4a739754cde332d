"""What is sent on one node reaches the streams of all: once, in order, whole."""

from __future__ import annotations

import threading

import pytest

from pode_py import (
    PodeError,
    close_sse_connection,
    set_sse_broadcast_level,
    set_sse_history,
)
from pode_py.push.backplane.options import MOST_BYTES
from tests.push.house import eventually
from tests.push.sse.resuming import texts, up_to

HISTORY = {"without": None, "with": set_sse_history}


@pytest.fixture(params=HISTORY, ids=lambda kept: f"{kept} history")
def more(request):
    """The rest of the set-up: with and without a history."""
    return HISTORY[request.param]


@pytest.fixture
def nodes(make_node, more):
    return [make_node(more), make_node(more)]


def test_both_nodes_hear_what_either_sends(nodes):
    a, b = nodes
    with a.open() as at_a, b.open() as at_b:
        assert a.send("from a").queued == 1
        assert texts(at_a.take(1)) == texts(at_b.take(1)) == ["from a"]
        assert b.send("from b").queued == 1
        assert texts(at_a.take(1)) == texts(at_b.take(1)) == ["from b"]


def test_nothing_comes_twice(nodes):
    a, b = nodes
    with a.open() as at_a, b.open() as at_b:
        for number in range(200):
            a.send(number)
        a.send("end")
        wanted = [str(number) for number in range(200)]
        assert up_to(at_a, "end") == up_to(at_b, "end") == wanted
        b.send("end 2")
        assert up_to(at_a, "end 2") == up_to(at_b, "end 2") == []


def test_every_sender_s_order_is_kept_on_every_node(make_node, more):
    nodes = [make_node(more) for _ in range(3)]
    streams = [node.open() for node in nodes]
    threads = [
        threading.Thread(
            target=lambda n=n, t=t: [nodes[n].send(f"{n}.{t} {i}") for i in range(300)]
        )
        for n in range(3)
        for t in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for stream in streams:
        got = texts(stream.take(2700))
        for sender in {one.split()[0] for one in got}:
            numbers = [int(one.split()[1]) for one in got if one.split()[0] == sender]
            assert numbers == list(range(300))
        stream.close()


def test_kept_and_passing_events_of_one_thread_keep_their_order(make_node):
    nodes = [make_node(lambda: set_sse_history("Kept")) for _ in range(2)]
    for node in nodes:
        node.both = node.live.sse("/many?name=Kept,Passing", deadline=10)
        assert node.both.next().type == "pode.open"
    for number in range(300):
        nodes[0].send(number, "Kept" if number % 3 else "Passing")
    for node in nodes:
        assert texts(node.both.take(300)) == [str(number) for number in range(300)]


def test_all_nodes_give_an_event_the_same_id(make_node):
    nodes = [make_node(set_sse_history) for _ in range(3)]
    streams = [node.open() for node in nodes]
    for number in range(30):
        nodes[number % 3].send(number)
    got = [[(event.id, event.data) for event in stream.take(30)] for stream in streams]
    assert got[0] == got[1] == got[2]
    assert len({event_id for event_id, _ in got[0]}) == 30


def test_groups_and_client_ids_of_another_node_can_be_meant(nodes):
    a, b = nodes
    with b.open(id="1", group="Red") as one, b.open(id="2", group="blue") as two:
        a.send("red", group="RED")
        a.send("blue", group=["blue", "green"])
        a.send("one", client_id="1")
        a.send("two in blue", client_id="2", group="blue")
        a.send("two in red", client_id="2", group="red")
        a.send("end")
        assert up_to(one, "end") == ["red", "one"]
        assert up_to(two, "end") == ["blue", "two in blue"]


def test_names_types_ids_and_odd_texts_arrive_as_they_were_sent(nodes):
    a, b = nodes
    name = "Größe \U0001f600,%"
    with b.open(name) as events:
        a.send("line 1\nline 2\rline 3", name, event_type="žena")
        a.send({"key": ["ü", None, 1.5]}, name, id="own id")
        a.send("\U0001f600\x00\u2028", name)
        a.send("\ud83d lonely", name)
        one, two, three, four = events.take(4)
    assert (one.type, one.data) == ("žena", "line 1\nline 2\nline 3")
    assert (two.id, two.data) == ("own id", '{"key":["ü",null,1.5]}')
    assert three.data == "\U0001f600\x00\u2028"
    assert four.data == "\ufffd lonely"


def test_several_names_reach_each_stream_once(nodes):
    a, b = nodes
    with b.live.sse("/many?name=A,B", deadline=10) as events:
        assert events.next().type == "pode.open"
        a.send("both", ["A", "B"])
        a.send("end", "B")
        assert up_to(events, "end") == ["both"]


def test_a_broadcast_level_holds_before_anything_is_sent(make_node):
    a = make_node(lambda: set_sse_broadcast_level("clientid", name="Private"))
    b = make_node()
    with b.open("Private") as events:
        with pytest.raises(PodeError, match="Nothing was sent"):
            a.send("x", "Private")
        b.send("end", "Private")
        assert up_to(events, "end") == []


def test_figures_of_a_delivery_are_this_node_s(nodes):
    a, b = nodes
    with b.open(), b.open():
        assert (a.send("x").matched, a.send("x").queued) == (0, 0)
        delivery = b.send("y")
        assert (delivery.matched, delivery.queued, delivery.dropped) == (2, 2, 0)
        assert delivery.wait(30)


def test_a_burst_larger_than_a_batch_arrives_whole(nodes):
    a, b = nodes
    with b.open() as events:
        for number in range(3000):
            a.send(f"{number} {'x' * 300}")
        assert [int(one.data.split()[0]) for one in events.take(3000)] == list(range(3000))


def test_a_large_event_crosses_and_a_larger_one_is_refused(nodes):
    a, b = nodes
    with b.open() as events:
        text = "x" * (4 * 1024 * 1024)
        a.send(text)
        assert events.next().data == text
        with pytest.raises(PodeError, match="send a link"):
            a.send("x" * MOST_BYTES)
        a.send("end")
        assert up_to(events, "end") == []


def test_streams_of_another_node_can_be_closed(nodes):
    a, b = nodes
    with b.open(id="1") as one, b.open(id="2", group="g") as two, a.open(id="3") as three:
        eventually(lambda: len(a.hub.lookups.client_ids("Events")) == 3, "all are known")
        assert a.call(close_sse_connection, "Events", client_id="1") == 1
        assert one.next().type == "pode.close"
        assert a.call(close_sse_connection, "Events", group="G") == 1
        assert two.next().type == "pode.close"
        assert b.call(close_sse_connection, "*", reconnect=False) == 1
        last = three.next()
        assert (last.type, last.id) == ("pode.close", "pode.closed")


def test_what_was_sent_before_a_close_arrives_before_it(nodes):
    a, b = nodes
    with a.open() as at_a, b.open() as at_b:
        for number in range(50):
            a.send(number)
        a.call(close_sse_connection, "Events")
        for stream in (at_a, at_b):
            assert texts(stream.take(50)) == [str(number) for number in range(50)]
            assert stream.next().type == "pode.close"


def test_a_condition_sees_the_streams_of_its_own_node(nodes):
    a, b = nodes
    with a.open(id="1") as one, b.open(id="2") as two:
        asked = []
        closed = a.call(
            close_sse_connection, "Events", where=lambda c: asked.append(c.client_id) or True
        )
        assert (closed, asked) == (1, ["1"])
        assert one.next().type == "pode.close"
        b.send("end")
        assert up_to(two, "end") == []


def test_applications_with_other_prefixes_hear_nothing(make_node, prefix, make_house, shared_redis):
    from pode_py import enable_sse_backplane

    a = make_node()
    other = make_house(lambda: enable_sse_backplane(shared_redis, prefix=prefix + "-2"))
    with other.open() as events:
        a.send("not yours")
        other.send("end")
        assert up_to(events, "end") == []
