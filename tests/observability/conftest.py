"""A server with nothing but logs, whose clock stands still until a test moves it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pode_py.core import ambient
from pode_py.core.clock import Clock
from pode_py.core.loop import EventLoop
from pode_py.core.registration import WaitingRegistrations
from pode_py.observability.logs.logs import Logs
from pode_py.observability.logs.records import RequestRecord
from tests.runtimes import a_runtime


class HandClock(Clock):
    """Noon, so that the local date is the same wherever the tests run."""

    def __init__(self) -> None:
        self.wall = datetime(2026, 3, 14, 12, 0, 0, tzinfo=UTC)
        self.elapsed = 0.0
        self.wakes: list[Callable[[], Any]] = []

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        return self.elapsed

    def timeout_until(self, deadline: float | None) -> float | None:
        return 0.0 if deadline is not None and deadline <= self.elapsed else None

    def watch(self, wake: Callable[[], Any], wait_idle: Any = None) -> None:
        self.wakes.append(wake)

    def advance(self, seconds: float) -> None:
        self.elapsed += seconds
        self.wall += timedelta(seconds=seconds)
        for wake in self.wakes:
            wake()


@dataclass
class LogServer:
    """What functions.py finds as the current server."""

    logs: Logs
    registrations: WaitingRegistrations
    root: Path

    def room(self, kind: type) -> Any:
        return {Logs: self.logs, WaitingRegistrations: self.registrations}[kind]

    def read(self, name: str, folder: str = "logs") -> str:
        """Everything in the files of a file method, in order."""
        assert self.logs.flush()
        return "".join(path.read_text() for path in sorted((self.root / folder).glob(f"{name}_*")))

    def lines(self, name: str, folder: str = "logs") -> list[str]:
        return self.read(name, folder).splitlines()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def make_server(tmp_path: Path, clock: HandClock) -> Iterator[Callable[..., LogServer]]:
    """Makes the current server; its logs may be given a small queue."""
    made: list[LogServer] = []
    loop = EventLoop()

    def make(**limits: int) -> LogServer:
        logs = Logs(a_runtime(tmp_path, loop, clock), **limits)
        server = LogServer(logs, WaitingRegistrations(), tmp_path)
        made.append(server)
        ambient.set_running(server)
        return server

    yield make
    for server in made:
        server.logs.stop(5)
        ambient.clear_running(server)
    loop.stop(5)


@pytest.fixture
def server(make_server: Callable[..., LogServer]) -> LogServer:
    return make_server()


@pytest.fixture
def a_request(clock: HandClock) -> Callable[..., RequestRecord]:
    """An answered request, with some of its record changed."""

    def make(**changes: Any) -> RequestRecord:
        record = RequestRecord(
            remote_address="10.10.0.3",
            user=None,
            timestamp=clock.now(),
            method="GET",
            target="/api/users?limit=2",
            http_version="1.1",
            status=200,
            size=9001,
            duration=0.012,
            referrer=None,
            user_agent="curl/8",
            host="localhost:8080",
        )
        return replace(record, **changes)

    return make
