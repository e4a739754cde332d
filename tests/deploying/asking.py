"""What tests ask the server of samples/deploy, itself or through a proxy."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from pode_py.testing import ClientResponse, SseClient, fetch
from tests.deploying.proxies import Proxy
from tests.samples.running import RunningSample

DEADLINE = 30.0


def ask(proxy: Proxy, path: str, method: str = "GET", **options: Any) -> ClientResponse:
    return fetch(proxy.secure + path, method, tls=proxy.trusted, deadline=DEADLINE, **options)


def publish(shop: RunningSample, news: object) -> None:
    assert shop.post("/internal/news", json=news).status_code == 202


def streams_of(shop: RunningSample) -> int:
    return int(shop.get("/health").json()["streams"])


def next_of(stream: SseClient, *types: str) -> str:
    """The type of the next event that has one of these."""
    return next(event.type for event in stream if event.type in types)


def wait_until(condition: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < until, f"It did not come about that {what}."
        time.sleep(0.02)
