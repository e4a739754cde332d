"""Everything at once: Redis, networks and clients fail in any order, and nobody misses a thing."""

from __future__ import annotations

import random
import time
from contextlib import ExitStack

import pytest

from pode_py import set_sse_history
from pode_py.testing import FaultProxy
from tests.push.backplane.publishing import Publisher, check, is_up
from tests.push.backplane.roaming import Roamer
from tests.push.house import eventually


class Chaos:
    """Does one bad thing after another, and makes it good again."""

    def __init__(self, redis, proxies, seed):
        self.redis, self.proxies, self.random = redis, proxies, random.Random(seed)
        self.done = []

    def strike(self):
        what = self.random.choice([self.kill, self.flush, self.pause, self.cut, self.silence])
        self.done.append(what.__name__)
        what(self.random.choice(self.proxies), self.random.uniform(0.05, 1.5))

    def kill(self, proxy, seconds):
        self.redis.kill()
        time.sleep(seconds)
        self.redis.start()

    def flush(self, proxy, seconds):
        self.redis.cli("flushall")

    def pause(self, proxy, seconds):
        self.redis.pause()
        time.sleep(seconds)
        self.redis.resume()

    def cut(self, proxy, seconds):
        for _ in range(self.random.randrange(1, 4)):
            proxy.cut()
            time.sleep(seconds / 10)

    def silence(self, proxy, seconds):
        proxy.go_silent()
        time.sleep(seconds)
        proxy.cut()
        proxy.speak_again()


@pytest.mark.alone  # on a busy machine Redis' answers come later than what is wiped after them
@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_is_missed_or_doubled_whatever_happens(make_node, own_redis, seed):
    redis = own_redis(appendonly="yes", appendfsync="everysec")
    with ExitStack() as stack:
        proxies = [stack.enter_context(FaultProxy(redis.port)) for _ in range(2)]
        places = [redis.port, *(proxy.port for proxy in proxies)]
        nodes = [
            make_node(
                lambda: set_sse_history(limit=50_000),
                url=f"redis://127.0.0.1:{place}",
                timeout=0.5,
            )
            for place in places
        ]
        urls = [node.url for node in nodes]
        roamers = [
            stack.enter_context(Roamer(urls[n:] + urls[:n], seed=seed * 10 + n, cuts=10_000))
            for n in range(3)
        ]
        publishers = [
            stack.enter_context(Publisher(node, word, 0.01))
            for node, word in zip(nodes, "abc", strict=True)
        ]
        chaos = Chaos(redis, proxies, seed)
        for _ in range(8):
            chaos.strike()
            time.sleep(chaos.random.uniform(0.1, 2))
        eventually(lambda: all(map(is_up, nodes)), "all are together again", 30)
        for publisher in publishers:
            publisher.send_more(20)
            publisher.__exit__()
        total = sum(publisher.sent for publisher in publishers)
        for roamer in roamers:
            roamer.calm()
            try:
                eventually(lambda r=roamer: len(r.events) >= total, "all have come", 30)
            finally:
                print(chaos.done, len(roamer.events), total)
                check(roamer, *publishers)
