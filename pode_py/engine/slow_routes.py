"""SlowRoutes: which routes have proved slow, so that no leader sits in their handlers.

Slow means that handlers take long by the clock: they sleep, wait for a database, or compute. The
routes are known by whatever `kind_of` says of a request; it is asked only while something is, or
may be, slow. So a server whose handlers are quick pays nothing for this but two looks at the
clock for each request.
"""

from __future__ import annotations

from collections.abc import Callable

from pode_py.http.request import Request

# In seconds. Handing a request to another worker costs about 0.1 ms; where the interpreter is
# contended, a quick handler may wait 0.2 ms for each system call (server/switching.py).
_SLOW = 0.0008
_QUICK = 0.0004
_FORGOTTEN = 0.0001
# How much the latest request counts in a route's average: one of 20 ms makes a route slow, one
# that was held up for a moment does not.
_WEIGHT = 0.25


class SlowRoutes:
    """Any worker may use it. No lock: each step is one operation of a dict or a set, and an
    average that misses one request is as good."""

    def __init__(self, kind_of: Callable[[Request], object]) -> None:
        self._kind_of = kind_of
        self._averages: dict[object, float] = {}
        self._slow: set[object] = set()

    def has(self, request: Request) -> bool:
        """Whether this request's route is known to be slow."""
        return bool(self._slow) and self._kind_of(request) in self._slow

    def note(self, request: Request, seconds: float) -> None:
        """Take into account how long a request took."""
        if seconds < _SLOW and not self._averages:
            return
        kind = self._kind_of(request)
        before = self._averages.get(kind, 0.0)
        average = before + _WEIGHT * (seconds - before)
        if average > _SLOW:
            self._slow.add(kind)
        elif average < _QUICK:
            self._slow.discard(kind)
        if average < _FORGOTTEN:
            self._averages.pop(kind, None)
        else:
            self._averages[kind] = average
