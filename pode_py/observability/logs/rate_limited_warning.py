"""RateLimitedWarning: counts what one place lost, and warns at most once a minute."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pode_py.core.clock import Clock

QUIET: Final = 60.0


class RateLimitedWarning:
    """Belongs to the log thread. `warn` gets how many lines were lost, and why the last one was."""

    def __init__(self, clock: Clock, warn: Callable[[int, str], None]) -> None:
        self._clock = clock
        self._warn = warn
        self._lost = 0
        self._reason = ""
        self._quiet_until: float | None = None

    def add(self, lost: int, reason: str = "") -> None:
        """`lost` lines are gone; warns at once unless the last time was less than a minute ago."""
        self._lost += lost
        self._reason = reason
        self.warn_if_due()

    @property
    def due(self) -> float | None:
        """When there will be something to say; None if there is nothing."""
        return self._quiet_until if self._lost else None

    def warn_if_due(self, *, last_chance: bool = False) -> None:
        """Warn of what was not said yet, if a minute has passed or there is no later."""
        if not self._lost:
            return
        now = self._clock.monotonic()
        if self._quiet_until is not None and now < self._quiet_until and not last_chance:
            return
        lost, self._lost = self._lost, 0
        self._quiet_until = now + QUIET
        self._warn(lost, self._reason)
