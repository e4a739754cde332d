"""Who is connected, whichever node is asked."""

from __future__ import annotations

import time

import pytest

from pode_py import (
    get_sse_client_id_list,
    get_sse_group_list,
    get_sse_name_list,
    join_sse_group,
    join_sse_name,
    test_sse_client_id,
    test_sse_name,
)
from tests.push.house import eventually


@pytest.fixture
def nodes(make_node):
    return [make_node(), make_node()]


def who_at(node, client_id, name="Events", group=None):
    fields = {"X-PODE-SSE-CLIENT-ID": client_id, "X-PODE-SSE-NAME": name}
    if group:
        fields["X-PODE-SSE-GROUP"] = group
    return node.live.get("/who", headers=fields)


def test_whoever_has_seen_pode_open_is_known_everywhere(nodes):
    a, b = nodes
    for number in range(50):
        with b.open(id=str(number)):
            assert a.call(test_sse_client_id, "Events", number)
        eventually(lambda n=number: not a.call(test_sse_client_id, "Events", n), "it is gone")


def test_lists_and_questions_know_the_streams_of_all_nodes(nodes):
    a, b = nodes
    with (
        a.open("A", id="1", group="Red"),
        b.open("A", id="2", group="red"),
        b.open("A", id="3"),
        b.open("B", id="1"),
    ):
        for node in nodes:
            assert sorted(node.call(get_sse_name_list)) == ["A", "B"]
            assert [one.lower() for one in node.call(get_sse_group_list, "A")] == ["red"]
            assert node.call(get_sse_group_list, "B") == []
            assert sorted(node.call(get_sse_client_id_list, "A")) == ["1", "2", "3"]
            assert sorted(node.call(get_sse_client_id_list, "A", group="RED")) == ["1", "2"]
            assert node.call(test_sse_name, "A")
            assert not node.call(test_sse_name, "a")
            assert node.call(test_sse_client_id, "A", 1)
            assert node.call(test_sse_client_id, "A", "2", group="RED")
            assert not node.call(test_sse_client_id, "A", "3", group="red")
            assert not node.call(test_sse_client_id, "B", "2")


def test_a_name_goes_with_its_last_stream(nodes):
    a, b = nodes
    with b.open("A", id="1"), b.open("A", id="2"):
        assert a.call(test_sse_name, "A")
    eventually(lambda: not a.call(test_sse_name, "A"), "the name is gone")
    assert a.call(get_sse_name_list) == []


def test_a_request_to_one_node_may_name_a_stream_of_another(nodes):
    a, b = nodes
    with b.open(id="me", group="g") as events:
        assert who_at(a, "me").json() == {
            "name": "Events",
            "group": "g",
            "client_id": "me",
            "last_event_id": None,
            "is_local": False,
        }
        assert who_at(a, "me", group="G").status_code == 200
        assert who_at(a, "me", group="other").status_code == 404
        assert who_at(a, "you").status_code == 404
        assert who_at(a, "me", "Other").status_code == 404
        a.send("hello", client_id="me")
        assert events.next().data == "hello"


def test_a_send_to_nobody_on_any_node_gives_a_hint(nodes):
    a, b = nodes
    with b.open("Events"):
        a.send("x", "Events")  # somebody is there, on the other node
        a.send("x", "events")
        # The first look may have been for the first send.
        eventually(lambda: a.send("x", "events") and a.warnings, "a hint is given")
        assert "nobody is connected to 'events'; connected: 'Events'." in a.warnings[0]["message"]


def test_odd_names_groups_and_ids_are_found(nodes):
    a, b = nodes
    odd = "Größe \U0001f600 *?[a]:\\"
    with b.open(odd, id=odd, group=odd):
        assert a.call(test_sse_client_id, odd, odd, group=odd.upper())
        assert a.call(get_sse_name_list) == [odd]
        assert a.call(get_sse_group_list, odd) == [odd]
        assert a.call(get_sse_client_id_list, odd) == [odd]


def test_new_groups_and_names_are_known_everywhere(nodes):
    a, b = nodes
    with b.open("A", id="1"):
        b.call(join_sse_group, "A", "later", client_id="1")
        b.call(join_sse_name, "A", "B", client_id="1")
        assert a.call(get_sse_group_list, "A") == ["later"]
        assert a.call(test_sse_client_id, "B", "1", group="later")


def test_a_client_id_that_opens_elsewhere_closes_the_older_stream(nodes):
    a, b = nodes
    with a.open(id="me") as old:
        with b.open(id="me") as new:
            assert old.next().type == "pode.close"
            a.send("hello", client_id="me")
            assert new.next().data == "hello"
        eventually(lambda: not a.call(test_sse_client_id, "Events", "me"), "both are gone")


def test_a_client_that_hops_between_nodes_keeps_its_latest_stream(nodes):
    a, b = nodes
    streams = []
    for hop in range(20):
        streams.append((a, b)[hop % 2].open(id="me"))
    b_has = eventually
    b_has(lambda: b.client_ids() == ["me"] and a.client_ids() == [], "one is left")
    a.send("hello", client_id="me")
    assert streams[-1].next().data == "hello"
    for stream in streams:
        stream.close()


def test_a_node_that_stops_takes_its_streams_along(nodes):
    a, b = nodes
    b.open(id="1")
    assert a.call(test_sse_client_id, "Events", "1")
    b.live.stop()
    assert not a.call(test_sse_client_id, "Events", "1")
    assert a.call(get_sse_name_list) == []


def test_nothing_is_left_in_redis_for_ever(make_node, own_redis):
    redis = own_redis()
    from pode_py import set_sse_history

    nodes = [make_node(set_sse_history, url=redis.url, expiry=60) for _ in range(2)]
    with nodes[0].open(id="1"), nodes[1].open("B", id="2"):
        nodes[0].send("x")
        nodes[1].send("y")
        keys = redis.cli("--scan").split()
        assert len(keys) >= 8
        for key in keys:
            assert int(redis.cli("pttl", key)) > 0, key


def test_a_thousand_streams_that_open_at_once_are_all_known(nodes):
    from pode_py.testing import storm

    a, b = nodes
    streams = storm(b.url + "/events", 1000, deadline=60)
    for stream in streams:
        assert stream.next().type == "pode.open"
    assert len(a.call(get_sse_client_id_list, "Events")) == 1000
    begun = time.monotonic()
    for stream in streams:
        stream.close()
    eventually(lambda: a.call(get_sse_client_id_list, "Events") == [], "all are gone", 60)
    assert time.monotonic() > begun
