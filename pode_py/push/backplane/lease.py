"""Lease: whether this node is the one that runs timers and schedules."""

from __future__ import annotations

import time

# Clocks of two machines do not go equally fast, and a run that has been decided begins later.
_MARGIN = 0.5


class Lease:
    """Held for a while after each sign of life that Redis has answered with it.

    The time counts from before the question, by the clock that goes on while a process is
    stopped. So whoever was asleep does not think that he still holds what another holds now.
    """

    def __init__(self, life: float) -> None:
        self._life = life
        self._until = 0.0

    def answered(self, asked: float, *, held: bool) -> None:
        """Redis has answered what was asked at the monotonic time `asked`."""
        self._until = asked + self._life - _MARGIN if held else 0.0

    def give_up(self) -> None:
        self._until = 0.0

    def is_ours(self) -> bool:
        return time.monotonic() < self._until
