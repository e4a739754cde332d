"""House: the background rooms of a server, on a clock that tests move, without the server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pode_py.background.primary import Primary
from pode_py.background.schedules.service import Schedules
from pode_py.background.ticker import Ticker
from pode_py.background.timers.service import Timers
from pode_py.core import ambient
from pode_py.core.clock import Clock
from pode_py.core.loop import EventLoop
from pode_py.core.registration import WaitingRegistrations
from pode_py.testing.clock import FakeClock
from tests.runtimes import a_runtime

START = datetime(2027, 1, 1, tzinfo=UTC)


class House:
    """Stands for the server: finds rooms, collects reports."""

    def __init__(self, clock: Clock, root: Path) -> None:
        self.reports: list[tuple[BaseException | str, str]] = []
        self.context = copy_context()
        self.context.run(ambient.bind_server, self)
        self.loop = EventLoop()
        runtime = a_runtime(root, self.loop, clock, report=self.report, context=self.context)
        self.lockable = runtime.lockable
        self.ticker = Ticker(runtime)
        self.primary = Primary()
        self.timers = Timers(runtime, self.ticker, self.primary)
        self.schedules = Schedules(runtime, self.ticker, self.primary)
        rooms = (self.timers, self.schedules, WaitingRegistrations(), runtime.folders)
        self._rooms = {type(room): room for room in rooms}

    def room(self, kind: type[Any]) -> Any:
        return self._rooms[kind]

    def report(self, error: BaseException | str, where: str) -> None:
        self.reports.append((error, where))

    def run(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Call a pode_py function as a set-up handler would."""
        return self.context.copy().run(lambda: function(*arguments, **named))

    def start(self) -> None:
        self.ticker.start()
        self.timers.start()
        self.schedules.start()

    def stop(self) -> None:
        self.ticker.stop()
        self.timers.stop(5)
        self.schedules.stop(5)
        self.loop.stop(5)


@contextmanager
def open_house(root: Path, clock: Clock | None = None) -> Iterator[House]:
    """A house that is stopped at the end; nobody has started it."""
    house = House(clock or FakeClock(START), root)
    try:
        yield house
    finally:
        house.stop()


class Calls:
    """A handler that notes when it was called, and can be made to stay."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock
        self.times: list[datetime] = []
        self.entered = threading.Semaphore(0)
        self.stay = threading.Event()
        self.stay.set()

    def __call__(self) -> None:
        if self._clock is not None:
            self.times.append(self._clock.now())
        else:
            self.times.append(START)
        self.entered.release()
        assert self.stay.wait(30)

    @property
    def count(self) -> int:
        return len(self.times)

    def wait(self) -> None:
        """Wait until the next call has begun."""
        assert self.entered.acquire(timeout=30)
