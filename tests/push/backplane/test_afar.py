"""What is done on one node to streams, or with tickets, of another."""

from __future__ import annotations

import pytest

from pode_py import (
    add_route,
    convert_to_sse_connection,
    get_sse_group_list,
    join_sse_group,
    join_sse_name,
    leave_sse_group,
    new_sse_ticket,
    test_sse_client_id,
)
from pode_py.testing import SseClient
from tests.push.house import eventually
from tests.push.sse.resuming import up_to


def guarded():
    add_route("get", "/guarded", lambda: convert_to_sse_connection("Events", ticket=True) and None)


@pytest.fixture
def nodes(make_node):
    return [make_node(guarded), make_node(guarded)]


def enter(node, ticket) -> SseClient:
    return node.live.sse(f"/guarded?ticket={ticket}", deadline=10)


def test_groups_and_names_of_another_node_s_stream_change(nodes):
    a, b = nodes
    with b.open("A", id="1", group="first") as one, b.open("A", id="2") as two:
        assert a.call(join_sse_group, "A", ["later", "more"], client_id="1") == 1
        assert a.call(leave_sse_group, "A", "FIRST", client_id="1") == 1
        assert a.call(join_sse_name, "A", "B", client_id="1") == 1
        a.send("later", "A", group="later")
        a.send("first", "A", group="first")
        a.send("b", "B")
        a.send("end", "A")
        assert up_to(one, "end") == ["later", "b"]
        assert up_to(two, "end") == []
        eventually(lambda: a.call(test_sse_client_id, "B", "1"), "all know it")
        assert sorted(a.call(get_sse_group_list, "A")) == ["later", "more"]


def test_the_streams_of_all_nodes_join_and_are_counted(nodes):
    a, b = nodes
    with a.open("A", id="1") as one, b.open("A", id="2") as two, b.open("B", id="3"):
        assert a.call(join_sse_group, "A", "g") == 2
        a.send("hello", "A", group="g")
        assert one.next().data == two.next().data == "hello"
        assert a.call(leave_sse_group, "Nobody", "g") == 0


def test_a_ticket_opens_a_stream_on_any_node_once(nodes):
    a, b = nodes
    for issuer, taker in ((a, b), (a, a)):
        ticket = issuer.call(new_sse_ticket, "Events", client_id="ann", group="g")
        with enter(taker, ticket) as events:
            assert events.next().type == "pode.open"
            assert taker.client_ids() == ["ann"]
        for node in nodes:
            with enter(node, ticket) as refused:
                assert refused.status == 401
        eventually(lambda n=taker: n.client_ids() == [], "it has left")


@pytest.mark.parametrize("ticket", ["unknown", "%F0%9F%98%80", "%ED%A0%80", "x" * 5000, ""])
def test_a_ticket_of_nobody_opens_nothing(nodes, ticket):
    with enter(nodes[0], ticket) as refused:
        assert refused.status == 401
    assert not nodes[0].errors()


def test_a_ticket_that_expires_is_forgotten_everywhere(nodes):
    a, b = nodes
    ticket = a.call(new_sse_ticket, "Events", duration=0.05)
    eventually(lambda: b.hub.nodes.backplane.take_ticket(ticket)[1] is None, "it is too old")
    for node in nodes:
        with enter(node, ticket) as refused:
            assert refused.status == 401


def test_tickets_work_on_their_node_without_redis(make_node, own_redis):
    redis = own_redis()
    node = make_node(guarded, url=redis.url, timeout=0.5)
    before = node.call(new_sse_ticket, "Events")
    redis.kill()
    eventually(lambda: not node.hub.nodes.backplane.keep_ticket("x", "", 1), "it has noticed")
    for ticket in (before, node.call(new_sse_ticket, "Events")):
        with enter(node, ticket) as events:
            assert events.next().type == "pode.open"
        with enter(node, ticket) as refused:
            assert refused.status == 401
