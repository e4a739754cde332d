"""Backoff: how long to wait before another worker process takes the place of one that ended."""

from __future__ import annotations

# One that served for so long did not die of how it was started.
_LONG = 10.0
_FIRST = 0.1
_LONGEST = 10.0
_MOST_DOUBLINGS = 10


class Backoff:
    """For the worker processes of one number. `failed_starts`: in a row, without serving."""

    def __init__(self) -> None:
        self.failed_starts = 0
        self._quick_ends = 0

    def ended(self, served: float | None) -> float:
        """Seconds to wait. `served` is how long it served; None if it never did.

        >>> backoff = Backoff()
        >>> [backoff.ended(served) for served in (60.0, 2.0, 2.0, None, None)]
        [0.0, 0.0, 0.1, 0.2, 0.4]
        """
        self.failed_starts = self.failed_starts + 1 if served is None else 0
        if served is not None and served >= _LONG:
            self._quick_ends = 0
            return 0.0
        self._quick_ends += 1
        if self._quick_ends == 1:
            return 0.0
        return float(min(_LONGEST, _FIRST * 2 ** min(self._quick_ends - 2, _MOST_DOUBLINGS)))
