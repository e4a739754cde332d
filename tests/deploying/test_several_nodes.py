"""Two servers with Redis between them behind one proxy, with the files of samples/deploy."""

from __future__ import annotations

import pytest

from pode_py.testing import SseClient
from tests.deploying.asking import publish, streams_of, wait_until
from tests.push.backplane.redis_process import RedisProcess

#: The proxy spreads them over the servers.
STREAMS = 8


@pytest.fixture
def node(shop, tmp_path):
    """Start a server that is connected with the others: ``node()``."""
    (tmp_path / "redis").mkdir()
    with RedisProcess(tmp_path / "redis") as redis:
        yield lambda **settings: shop(REDIS_URL=redis.url, **settings)


def test_what_is_told_to_one_server_reaches_the_streams_of_all_once(node, proxied, listen):
    servers = node(), node()
    proxy = proxied(*servers)
    streams = [listen(proxy) for _ in range(STREAMS)]
    assert min(map(streams_of, servers)) > 0
    for number in range(20):
        publish(servers[number % 2], number)
    for stream in streams:
        heard = [int(event.data) for event in stream.take(20, "news")]
        assert sorted(heard) == list(range(20))
        # Those of one server come in the order in which it sent them.
        assert [number for number in heard if number % 2 == 0] == list(range(0, 20, 2))


def test_no_client_misses_an_event_while_one_server_after_the_other_is_replaced(
    node, proxied, listen
):
    servers = [node(), node()]
    proxy = proxied(*servers)
    followers = [Follower(listen(proxy)) for _ in range(STREAMS)]
    for place in (0, 1):
        leaving, other = servers[place], servers[1 - place]
        publish(leaving, place * 2)
        leaving.stop()
        publish(other, place * 2 + 1)
        for follower in followers:
            follower.hear_until(place * 2 + 1)
        servers[place] = node(port=leaving.port)
        until_used(proxy, servers[place], listen)
    assert [follower.heard for follower in followers] == [[0, 1, 2, 3]] * STREAMS
    for follower in followers:
        follower.stream.close()


class Follower:
    """A client that comes back when its stream ends, as browsers do. `heard` are the numbers."""

    def __init__(self, stream: SseClient) -> None:
        self.stream = stream
        self.heard: list[int] = []

    def hear_until(self, last: int) -> None:
        while last not in self.heard:
            event = next(iter(self.stream), None)
            if event is None:
                self.stream = self.stream.reconnect()
            elif event.type == "news":
                self.heard.append(int(event.data))


def until_used(proxy, server, listen):
    """Until the proxy, which knew the server as down, gives it streams again."""

    def has_one() -> bool:
        listen(proxy)
        return streams_of(server) > 0

    wait_until(has_one, "the proxy uses the new server")
