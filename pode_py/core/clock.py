"""Clock: where every room gets the time from, so that tests can move it by hand."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

#: The longest single wait, in seconds: what polls sockets takes 24 days at most. Whoever waits
#: looks again when it is over.
LONGEST_WAIT: Final = 86_400.0


class Clock:
    """The real time.

    A thread that waits asks `timeout_until` how long it may really block. A clock whose time
    is moved by hand answers None ("until somebody wakes you") and calls what was given to
    `watch` on every move.
    """

    def now(self) -> datetime:
        """The wall-clock time, aware, in UTC."""
        return datetime.now(UTC)

    #: Seconds that never jump; only differences mean something. The system's own function: three
    #: look at the clock for each request.
    monotonic: Callable[[], float] = staticmethod(time.monotonic)

    def timeout_until(self, deadline: float | None) -> float | None:
        """Seconds to block until the monotonic `deadline`; None blocks until woken."""
        if deadline is None:
            return None
        return min(LONGEST_WAIT, max(0.0, deadline - time.monotonic()))

    def watch(
        self,
        wake: Callable[[], float | None],
        wait_idle: Callable[[float], bool] | None = None,
    ) -> None:
        """Call `wake` whenever the time is moved by hand. Real time is never moved.

        `wake` can deal with the new time before it returns, and returns the monotonic time at
        which it wants the next one. `wait_idle` waits that many real seconds at most for the
        work that wakes have started, and returns whether it has ended.
        """
