"""Primary: whether this process is the one that runs timers and schedules.

Where several processes serve one script, each has all of the timers and schedules, and one runs
them. Whoever lets the processes agree says how to find out which.
"""

from __future__ import annotations

from collections.abc import Callable


class Primary:
    """Asked just before a run begins, by the ticker's thread. True, until a check says no."""

    def __init__(self) -> None:
        self._check: Callable[[], bool] = lambda: True

    def ask(self, check: Callable[[], bool]) -> None:
        """Ask `check` from now on. It must answer at once."""
        self._check = check

    def is_here(self) -> bool:
        """Whether a run that is due is to begin in this process."""
        return self._check()
