"""FakeClock: a clock that stands still until a test moves it.

Theory of operation. `advance` goes from due time to due time: it sets the time, wakes everybody
who watches the clock, and learns from them what is due next. A watcher such as the ticker
returns from its wake only once it has handed on what was due, and its `wait_idle` waits for the
handlers. So no test needs a sleep: when `advance` returns, everything that was due has run.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from pode_py.core.clock import Clock

# What wait_idle may take in real seconds before the test fails, as something hangs.
PATIENCE = 10.0


class FakeClock(Clock):
    """A clock that shows `start` until a test moves it.

    Any thread can read it.

    start: an aware datetime; 2027 in UTC unless given.

        from datetime import UTC, datetime

        clock = FakeClock(datetime(2027, 1, 1, tzinfo=UTC))
        clock.advance(90)
        assert clock.now() == datetime(2027, 1, 1, 0, 1, 30, tzinfo=UTC)
    """

    def __init__(self, start: datetime = datetime(2027, 1, 1, tzinfo=UTC)) -> None:
        if start.tzinfo is None:
            raise ValueError("FakeClock takes an aware datetime, such as one with tzinfo=UTC.")
        self._lock = threading.Lock()
        self._wall = start.astimezone(UTC)
        # Whole microseconds, as datetime has them: floats would let the two clocks part.
        self._elapsed = 0
        self._watchers: list[Callable[[], float | None]] = []
        self._idlers: list[Callable[[float], bool]] = []

    def now(self) -> datetime:
        with self._lock:
            return self._wall

    def monotonic(self) -> float:
        with self._lock:
            return self._elapsed / 1_000_000

    def timeout_until(self, deadline: float | None) -> float | None:
        """Return 0 for a time that has come, None for all others: the next move wakes."""
        if deadline is not None and deadline <= self.monotonic():
            return 0.0
        return None

    def watch(
        self,
        wake: Callable[[], float | None],
        wait_idle: Callable[[float], bool] | None = None,
    ) -> None:
        with self._lock:
            self._watchers.append(wake)
            if wait_idle is not None:
                self._idlers.append(wait_idle)

    def advance(self, seconds: float | timedelta, *, wait: bool = True) -> None:
        """Let time pass on both clocks, and stop at everything that is due.

        At each stop it waits for the handlers that were started.

        seconds: how far, as int, float or timedelta.
        wait: False does not wait, for tests in which a handler is meant to be still running.

        Raises TimeoutError if the handlers have not ended after 10 real seconds.
        """
        target = self._elapsed + _microseconds(seconds)
        if target < self._elapsed:
            raise ValueError("Time does not run backward. Use jump(wall=...) to set the clock.")
        due = self._wake(wait)
        while self._elapsed < target:
            self._move_to(target if due is None else min(target, max(due, self._elapsed + 1)))
            due = self._wake(wait)

    def jump(self, *, wall: float | timedelta | datetime, wait: bool = True) -> None:
        """Set the wall clock to a time, or by seconds. The monotonic clock stays."""
        with self._lock:
            if isinstance(wall, datetime):
                self._wall = wall.astimezone(UTC)
            else:
                self._wall += timedelta(microseconds=_microseconds(wall))
        self._wake(wait)

    def _move_to(self, elapsed: int) -> None:
        with self._lock:
            self._wall += timedelta(microseconds=elapsed - self._elapsed)
            self._elapsed = elapsed

    def _wake(self, wait: bool) -> int | None:
        """Wake everybody, and give the next due time in microseconds."""
        with self._lock:
            watchers, idlers = list(self._watchers), list(self._idlers)
        times = [wake() for wake in watchers]
        if wait and not all(wait_idle(PATIENCE) for wait_idle in idlers):
            raise TimeoutError(
                f"A handler still runs after {PATIENCE:g} seconds. Pass wait=False if it should."
            )
        due = [time for time in times if time is not None]
        return round(min(due) * 1_000_000) if due else None


def _microseconds(seconds: float | timedelta) -> int:
    if not isinstance(seconds, timedelta):
        seconds = timedelta(seconds=seconds)
    return seconds // timedelta(microseconds=1)
