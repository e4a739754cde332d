"""The end of a stream keeps its place behind events that travel; and deliveries that come late."""

from __future__ import annotations

import pytest

from pode_py import PodeError, add_route, send_sse_event, set_sse_history
from pode_py.push.backplane.local_delivery import LateDelivery
from pode_py.testing import fetch


def texts(events):
    return [event.data for event in events]


def test_closing_does_not_wait_for_events_that_travel_and_comes_after_them(make_node, own_redis):
    redis = own_redis()
    node = make_node(set_sse_history, url=redis.url, timeout=2)
    with node.open() as events:
        [connection] = node.hub.store.select("Events")
        redis.pause()
        deliveries = [node.send(number) for number in range(20)]
        assert connection.close()
        assert repr(deliveries[-1]) == "Delivery(on its way)"
        assert not connection.close()
        assert not connection.is_open
        late = node.send("late")
        # Redis does not answer: the node goes on alone, and delivers what travels.
        got = events.until_closed()
        redis.resume()
    assert texts(got[:20]) == [str(number) for number in range(20)]
    assert [event.type for event in got[20:]] == ["pode.close"]
    assert [one.queued for one in deliveries] == [1] * 20
    assert late.queued == 0


def test_a_thousand_kept_events_and_an_end_come_in_their_order(make_node):
    node = make_node(set_sse_history)
    with node.open() as events:
        [connection] = node.hub.store.select("Events")

        def speak():
            for number in range(1000):
                send_sse_event(number, name="Events")
            connection.close()

        node.call(speak)
        got = events.until_closed()
    assert texts(got[:-1]) == [str(number) for number in range(1000)]
    assert got[-1].type == "pode.close"


@pytest.fixture
def async_node(make_node):
    """A node with a history. `run` runs a coroutine function on its loop."""
    jobs, answers = [], []

    def more():
        set_sse_history()

        @add_route("get", "/async")
        async def run():
            answers.append(await jobs.pop()())

    def run_on_loop(function):
        jobs.append(function)
        assert fetch(node.url + "/async", deadline=30).status_code < 300, node.errors()
        return answers.pop()

    node = make_node(more)
    node.run_on_loop = run_on_loop
    return node


def test_a_delivery_that_comes_late_can_be_awaited(async_node):
    async def speak():
        late = [send_sse_event(number, name="Events") for number in range(50)]
        assert isinstance(late[0], LateDelivery)
        written = [await one for one in late]
        return [(one.matched, one.queued, one.dropped) for one in late], written

    with async_node.open() as events:
        counts, written = async_node.run_on_loop(speak)
        assert texts(events.take(50)) == [str(number) for number in range(50)]
    assert written == [True] * 50
    assert counts == [(1, 1, 0)] * 50


def test_nobody_waits_on_the_loop_for_redis(async_node):
    async def speak():
        late = send_sse_event("x", name="Events")
        told = []
        for ask in (lambda: late.queued, lambda: late.matched, late.wait):
            try:
                ask()
            except PodeError as error:
                told.append(str(error))
        shown = repr(late)
        await late
        return told, shown, late.queued

    with async_node.open():
        told, shown, queued = async_node.run_on_loop(speak)
    assert len(told) == 3
    assert all("Await the delivery" in text for text in told)
    assert shown == "Delivery(on its way)"
    assert queued == 1
