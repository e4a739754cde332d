"""Redis gone and back: local delivery goes on, and nobody who comes back misses or doubles."""

from __future__ import annotations

import pytest

from pode_py import get_sse_name_list, set_sse_history, test_sse_client_id
from pode_py.testing import FaultProxy
from tests.push.backplane.publishing import Publisher, check, is_up, warnings
from tests.push.backplane.roaming import Roamer
from tests.push.house import eventually
from tests.push.sse.resuming import texts, up_to

#: Redis is given less time, so that the tests take less.
QUICK = {"timeout": 0.5}


def keep():
    set_sse_history(limit=50_000)


def end(roamer, node):
    node.send("end")
    roamer.wait_for("end")


@pytest.fixture
def redis(own_redis):
    return own_redis()


@pytest.fixture
def nodes(make_node, redis):
    return [make_node(keep, url=redis.url, **QUICK) for _ in range(2)]


def test_without_redis_local_delivery_goes_on_with_one_warning(nodes, redis):
    a, b = nodes
    with a.open() as at_a, b.open() as at_b:
        a.send("together")
        assert texts(at_a.take(1)) == texts(at_b.take(1)) == ["together"]
        redis.kill()
        for number in range(50):
            assert a.send(number).queued == 1
        assert texts(at_a.take(50)) == [str(number) for number in range(50)]
        assert len({event.id for event in at_a.received}) == 52
        eventually(lambda: len(warnings(a)) == len(warnings(b)) == 1, "both have said so")
        assert "reach only the streams of this node" in warnings(a)[0]
        redis.start()
        assert texts(at_b.take(50)) == [str(number) for number in range(50)]
        a.send("end")
        assert up_to(at_a, "end") == up_to(at_b, "end") == []
    assert len(warnings(a)) == len(warnings(b)) == 1


def test_a_resumed_client_gets_once_what_was_sent_without_redis(nodes, redis):
    a, b = nodes
    at_a = a.open()
    redis.kill()
    eventually(lambda: not is_up(a) and not is_up(b), "both have noticed")
    for number in range(10):
        a.send(f"a{number}")
        b.send(f"b{number}")
    assert texts(at_a.take(5)) == [f"a{number}" for number in range(5)]
    at_a.close()
    # Still without Redis, on the same node.
    with a.open(last_event_id=at_a.received[5].id) as again:
        five, six = again.take(2)
        assert (five.data, six.data) == ("a5", "a6")
    # On the other one, which has what only it has; the rest of a's comes when Redis does.
    with b.open(last_event_id=six.id) as other:
        assert texts(other.take(10)) == [f"b{number}" for number in range(10)]
        redis.start()
        assert texts(other.take(3)) == ["a7", "a8", "a9"]


@pytest.mark.parametrize("kept", ["nothing", "appendonly"])
def test_redis_is_killed_and_restarted_under_load(make_node, own_redis, kept):
    settings = {"appendonly": "yes", "appendfsync": "everysec"} if kept == "appendonly" else {}
    redis = own_redis(**settings)
    nodes = [make_node(keep, url=redis.url, **QUICK) for _ in range(2)]
    with (
        Roamer([node.url for node in nodes], cuts=200) as roamer,
        Publisher(nodes[0], "a") as a,
        Publisher(nodes[1], "b") as b,
    ):
        for _ in range(3):
            b.send_more(100)
            redis.kill()
            a.send_more(100)
            redis.start()
            eventually(lambda: all(map(is_up, nodes)), "both are back", 30)
        b.send_more(100)
        a.__exit__()
        b.__exit__()
        end(roamer, nodes[0])
        eventually(lambda: len(roamer.events) > a.sent + b.sent, "all have come")
    check(roamer, a, b)


def test_clients_that_stay_hear_everything_once_over_restarts_of_redis(nodes, redis):
    with (
        nodes[0].open() as at_a,
        nodes[1].open() as at_b,
        Publisher(nodes[0], "a") as a,
        Publisher(nodes[1], "b") as b,
    ):
        for _ in range(2):
            a.send_more(50)
            redis.kill()
            b.send_more(50)
            redis.start()
            eventually(lambda: all(map(is_up, nodes)), "both are back", 30)
        a.send_more(50)
        a.__exit__()
        b.__exit__()
        for stream in (at_a, at_b):
            got = texts(stream.take(a.sent + b.sent, "message", deadline=60))
            assert [one for one in got if one[0] == "a"] == [f"a{n}" for n in range(a.sent)]
            assert [one for one in got if one[0] == "b"] == [f"b{n}" for n in range(b.sent)]
        nodes[0].send("end")
        assert up_to(at_a, "end") == up_to(at_b, "end") == []


@pytest.mark.parametrize("fault", ["reset", "silence", "silence of Redis"])
def test_the_network_between_a_node_and_redis_fails(make_node, redis, fault):
    with FaultProxy(redis.port) as proxy:
        cut_off = make_node(keep, url=f"redis://127.0.0.1:{proxy.port}", **QUICK)
        other = make_node(keep, url=redis.url, **QUICK)
        nodes = [cut_off, other]
        with (
            Roamer([node.url for node in nodes], cuts=200) as roamer,
            Publisher(cut_off, "a") as a,
            Publisher(other, "b") as b,
        ):
            for _ in range(3):
                b.send_more(50)
                if fault == "reset":
                    proxy.cut()
                elif fault == "silence":
                    proxy.go_silent()
                    eventually(lambda: not is_up(cut_off), "it has noticed", 30)
                    a.send_more(100)
                    proxy.cut()
                    proxy.speak_again()
                else:
                    redis.pause()
                    eventually(lambda: not is_up(cut_off) and not is_up(other), "noticed", 30)
                    a.send_more(100)
                    redis.resume()
                eventually(lambda: all(map(is_up, nodes)), "both are back", 30)
            b.send_more(100)
            a.__exit__()
            b.__exit__()
            end(roamer, other)
            eventually(lambda: len(roamer.events) > a.sent + b.sent, "all have come")
        check(roamer, a, b)
    if fault == "reset":
        assert not warnings(cut_off)
    assert len(warnings(other)) == (3 if fault == "silence of Redis" else 0)


def test_a_connection_that_is_only_reset_is_made_anew_without_a_word(make_node, redis):
    with FaultProxy(redis.port) as proxy:
        node = make_node(keep, url=f"redis://127.0.0.1:{proxy.port}")
        other = make_node(keep, url=redis.url)
        with node.open() as events:
            for number in range(20):
                proxy.cut()
                other.send(number)
                assert events.next().data == str(number)
                node.send("own").wait(10)  # by then it is together with the others again
                assert events.next().data == "own"
        assert not warnings(node)


def test_presence_comes_back_with_redis(nodes, redis):
    a, b = nodes
    with b.open(id="1"), b.open("B", id="2") as gone:
        assert a.call(test_sse_client_id, "Events", "1")
        redis.kill()
        eventually(lambda: not is_up(a) and not is_up(b), "both have noticed")
        assert not a.call(test_sse_client_id, "Events", "1")
        assert b.call(test_sse_client_id, "Events", "1")
        gone.close()
        with b.open("C", id="3"):  # opens at once, although nobody can be told
            redis.start()
            eventually(lambda: all(map(is_up, nodes)), "both are back", 30)
            eventually(lambda: a.call(test_sse_client_id, "C", "3"), "it is known")
            assert sorted(a.call(get_sse_name_list)) == ["C", "Events"]


def test_events_that_are_not_kept_reach_other_nodes_again_afterwards(make_node, redis):
    a, b = (make_node(url=redis.url, **QUICK) for _ in range(2))
    with a.open() as at_a, b.open() as at_b:
        redis.kill()
        eventually(lambda: not is_up(a) and not is_up(b), "both have noticed")
        a.send("only here")
        redis.start()
        eventually(lambda: is_up(a) and is_up(b), "both are back", 30)
        a.send("everywhere")
        assert texts(at_a.take(2)) == ["only here", "everywhere"]
        assert texts(at_b.take(1)) == ["everywhere"]


def test_what_is_sent_without_redis_is_bounded_and_the_loss_is_told(make_node, redis):
    a, b = (make_node(keep, url=redis.url, limit=20, **QUICK) for _ in range(2))
    with a.open() as at_a, b.open() as at_b:
        a.send("before")
        assert texts(at_a.take(1)) == texts(at_b.take(1)) == ["before"]
        start = at_b.last_event_id
        redis.kill()
        eventually(lambda: not is_up(a) and not is_up(b), "both have noticed")
        for number in range(100):
            a.send(number)
        assert texts(at_a.take(100))[-1] == "99"
        eventually(
            lambda: any("are kept for it" in one["message"] for one in a.warnings), "it was said"
        )
        redis.start()
        assert texts(at_b.take(20)) == [str(number) for number in range(80, 100)]
    with a.open(last_event_id=start) as again:
        a.send("end")
        assert up_to(again, "end") == ["<pode.reset>"]
    with a.open(last_event_id=at_a.last_event_id) as again:
        a.send("end 2")
        assert up_to(again, "end 2") == ["end"]


def test_everything_in_redis_is_deleted_while_nodes_run(nodes, redis):
    a, b = nodes
    with a.open() as at_a, b.open(id="1") as at_b:
        for number in range(20):
            a.send(number).wait(10)
        at_a.take(10)
        half = at_a.received[10].id
        redis.cli("flushall")
        for number in range(20, 40):
            b.send(number)
        assert texts(at_a.take(30)) == [str(number) for number in range(10, 40)]
        assert texts(at_b.take(40)) == [str(number) for number in range(40)]
        eventually(lambda: a.call(test_sse_client_id, "Events", "1"), "presence is back", 15)
    for node in nodes:
        with node.open(last_event_id=half) as again:
            assert texts(again.take(30)) == [str(number) for number in range(10, 40)]


def test_a_node_stops_in_time_while_redis_hangs(nodes, redis):
    a, _ = nodes
    with a.open() as events:
        a.send("x")
        events.next()
        redis.pause()
        for number in range(10):
            a.send(number)
        a.live.stop(2)  # Redis hangs until the end of this test
        assert texts(events.take(10)) == [str(number) for number in range(10)]
        assert events.next().type == "pode.close"
    redis.resume()
