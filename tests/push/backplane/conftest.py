"""Fixtures of the tests of several nodes."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pode_py import (
    add_route,
    enable_log_error_type,
    enable_sse_backplane,
    new_log_custom_method,
)
from pode_py.testing import LiveServer
from tests.push.backplane.redis_process import RedisProcess
from tests.push.conftest import make_house, program  # noqa: F401 - fixtures
from tests.push.house import House, build
from tests.push.sse.resuming import many


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Redis that several tests use: REDIS_URL if that is given."""
    given = os.environ.get("REDIS_URL")
    if given:
        yield given
        return
    with RedisProcess(tmp_path_factory.mktemp("redis")) as redis:
        yield redis.url


@pytest.fixture
def prefix() -> str:
    """No other test uses it."""
    return f"test-{secrets.token_hex(4)}"


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[Callable[..., RedisProcess]]:
    """Start a Redis that the test may harm: ``own_redis(appendonly="yes")``."""
    started: list[RedisProcess] = []

    def start(**settings: Any) -> RedisProcess:
        folder = tmp_path / f"redis-{len(started)}"
        folder.mkdir()
        started.append(RedisProcess(folder, **settings))
        return started[-1]

    yield start
    for redis in started:
        redis.close()


@pytest.fixture
def make_node(request: pytest.FixtureRequest, prefix: str) -> Iterator[Callable[..., House]]:
    """Start a node: ``make_node(more_setup, url=..., limit=...)``. Without a URL it uses the
    shared Redis. `settings` go to enable_sse_backplane. `warnings` has what it warned of."""
    started: list[LiveServer] = []

    def live_server(setup: Callable[[], Any], **options: Any) -> LiveServer:
        started.append(LiveServer(setup, **options).start())
        return started[-1]

    def make(
        more: Callable[[], Any] | None = None, *, url: str | None = None, **settings: Any
    ) -> House:
        where = url or request.getfixturevalue("shared_redis")
        warnings: list[dict[str, Any]] = []

        def setup() -> None:
            enable_log_error_type(
                new_log_custom_method(warnings.append), name="warnings", levels="warning", raw=True
            )
            enable_sse_backplane(where, prefix=prefix, **settings)
            add_route("get", "/many", many)
            if more is not None:
                more()

        node = build(live_server, setup)
        node.warnings = warnings
        return node

    yield make
    for live in started:
        live.close()
    # Only now, as one can't tell whose a thread is.
    for live in started:
        live.check_threads()
