"""OnceAMinute: a warning that could repeat with each request, said once a minute with its count."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from pode_py.core.clock import Clock

QUIET: Final = 60.0


class OnceAMinute:
    """Any thread may call it. What happens in between is only counted."""

    def __init__(self, clock: Clock, warn: Callable[[str], object]) -> None:
        self._clock = clock
        self._warn = warn
        self._lock = threading.Lock()
        self._times = 0
        self._next = float("-inf")

    def say(self, text: Callable[[], str]) -> None:
        """Warn, unless it is too soon. The text is made only if it is said."""
        times = self._due()
        if times:
            count = f" It has happened {times} times since this was said last." if times > 1 else ""
            self._warn(f"{text()}{count}")

    def _due(self) -> int:
        """How often it has happened, now included; 0 while it is too soon."""
        with self._lock:
            self._times += 1
            now = self._clock.monotonic()
            if now < self._next:
                return 0
            self._next = now + QUIET
            times, self._times = self._times, 0
            return times
