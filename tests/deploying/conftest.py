"""The server of samples/deploy, and proxies before it. All of them end with their test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from pode_py.testing import SseClient
from tests.deploying.asking import DEADLINE
from tests.deploying.proxies import PROXIES, Proxy
from tests.engine.conftest import pki  # noqa: F401 - a fixture
from tests.samples.running import RunningSample


@pytest.fixture
def shop() -> Iterator[Callable[..., RunningSample]]:
    """Start the server: ``shop(WORKERS="2")``."""
    with ExitStack() as running:
        yield lambda **settings: running.enter_context(RunningSample("deploy/server", **settings))


@pytest.fixture(params=sorted(PROXIES))
def proxied(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Proxy]]:
    """Start a proxy: ``proxied(shop, shop)``. Each test that asks for it runs with each proxy."""
    with ExitStack() as running:

        def start(*shops: RunningSample) -> Proxy:
            ports = [one.port for one in shops]
            kind = PROXIES[request.param]
            proxy = kind(tmp_path / request.param, ports, request.getfixturevalue("pki"))
            return running.enter_context(proxy)

        yield start


@pytest.fixture
def listen() -> Iterator[Callable[..., SseClient]]:
    """Open a stream through a proxy that has begun: ``listen(proxy)``."""
    with ExitStack() as opened:

        def begin(proxy: Proxy, **options: Any) -> SseClient:
            client = SseClient(
                f"{proxy.secure}/events", tls=proxy.trusted, deadline=DEADLINE, **options
            )
            opened.enter_context(client)
            assert client.next().type == "pode.open"
            return client

        yield begin
