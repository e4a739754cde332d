"""An async handler opens streams without holding up the event loop, whatever Redis does."""

from __future__ import annotations

import threading

import pytest

from pode_py import (
    add_route,
    convert_to_sse_connection,
    enable_sse_backplane,
    send_sse_event,
    set_sse_history,
    web_event,
)
from tests.push.backplane.publishing import is_up
from tests.push.house import SOON, eventually
from tests.push.sse.resuming import texts

#: Of an epoch that no node has heard of: only Redis knows whether it means anything.
UNKNOWN = "0badcafe-5"


class Opener(threading.Thread):
    """A client whose stream does not begin before Redis answers."""

    def __init__(self, house, path, cursor=None):
        super().__init__()
        self._house, self._path, self._cursor = house, path, cursor
        self.events = None

    def run(self):
        self.events = self._house.live.sse(self._path, last_event_id=self._cursor, deadline=SOON)


@pytest.fixture
def redis(own_redis):
    return own_redis()


@pytest.fixture
def returned():
    """Set once the handler has its connection."""
    return threading.Event()


@pytest.fixture
def house(make_house, redis, prefix, returned):
    async def stream():
        sse = convert_to_sse_connection(["Stored", "Passing"], client_id="me")
        if "hello" in web_event.query:
            send_sse_event("hello", name="Passing", client_id="me")
            send_sse_event("stored meanwhile", name="Stored", client_id="me")
        if "close" in web_event.query:
            sse.close()
        returned.set()

    async def answer():
        return "quick"

    def more():
        # It waits for a paused Redis for longer than any test takes.
        enable_sse_backplane(redis.url, prefix=prefix, timeout=60)
        set_sse_history("Stored")
        add_route("get", "/async", stream)
        add_route("get", "/async-quick", answer)

    house = make_house(more)
    eventually(lambda: is_up(house), "Redis is there")
    return house


def test_another_async_handler_answers_while_redis_is_asked(house, redis, returned):
    redis.pause()
    opener = Opener(house, "/async", UNKNOWN)
    try:
        opener.start()
        assert returned.wait(SOON)
        assert house.live.get("/async-quick").text == "quick"
        [connection] = house.hub.store.select("Stored")
        assert connection.outbox.is_held
        assert opener.events is None
    finally:
        redis.resume()
        opener.join()
    with opener.events as events:
        assert [event.type for event in events.take(2)] == ["pode.open", "pode.reset"]


def test_what_is_sent_meanwhile_comes_after_what_was_missed(house, redis, returned):
    with house.live.sse("/async") as events:
        assert events.next().type == "pode.open"
        house.send("seen", "Stored")
        assert events.next().data == "seen"
    eventually(lambda: not house.hub.store.select("Stored"), "it has left")
    house.send("missed 1", "Stored").wait(SOON)
    house.send("missed 2", "Stored").wait(SOON)
    returned.clear()
    redis.pause()
    opener = Opener(house, "/async?hello=1", events.last_event_id)
    try:
        opener.start()
        assert returned.wait(SOON)
    finally:
        redis.resume()
        opener.join()
    with opener.events as again:
        assert again.next().type == "pode.open"
        assert texts(again.take(2)) == ["missed 1", "missed 2"]
        # One is stored and waits for its number, the other passes by.
        assert sorted(texts(again.take(2))) == ["hello", "stored meanwhile"]
        house.send("end", "Stored")
        assert again.next().data == "end"


def test_an_end_meanwhile_comes_last(house, redis, returned):
    redis.pause()
    opener = Opener(house, "/async?close=1")
    try:
        opener.start()
        assert returned.wait(SOON)
        [connection] = house.hub.store.select("Stored")
        assert not connection.is_open
        assert connection.outbox.is_held
    finally:
        redis.resume()
        opener.join()
    with opener.events as events:
        assert [event.type for event in events.take(2)] == ["pode.open", "pode.close"]
        assert events.until_closed() == []


def test_a_client_that_leaves_meanwhile_leaves_nothing_behind(house, redis, returned):
    redis.pause()
    opener = Opener(house, "/async", UNKNOWN)
    try:
        opener.start()
        assert returned.wait(SOON)
    finally:
        redis.resume()
        opener.join()
    opener.events.close()
    eventually(lambda: not house.hub.store.select("Stored"), "it is gone")
    assert not house.hub.catching_up
    assert not house.hub._unfinished
