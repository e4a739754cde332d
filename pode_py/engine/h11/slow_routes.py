"""SlowRoutes: which routes have proved slow, so that no leader sits in their handlers.

Slow means that handlers take long by the clock: they sleep, wait for a database, or compute. The
routes are known by whatever `kind_of` says of a request; it is asked only while something is, or
may be, slow. So a server whose handlers are quick pays nothing for this but two looks at the
clock for each request.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from pode_py.http.request import Request

# In seconds. Handing a request to another worker costs about 0.1 ms; where the interpreter is
# contended, a quick handler may wait 0.1 ms for each system call (server/switching.py).
_SLOW = 0.0008
_QUICK = 0.0004
_FORGOTTEN = 0.0001
# A request that takes no longer than this may go on where it is, if no other worker is free.
_LONG = 0.005
# How much the latest request counts in a route's averages, and how many seconds of it at most
# for the one that decides: three slow ones in a row make a route slow. One or two may have been
# held up by the machine.
_WEIGHT = 0.25
_MOST = 0.0016

Pace = Literal["quick", "slow", "long"]


class SlowRoutes:
    """Any worker may use it. No lock: each step is one operation of a dict or a set, and an
    average that misses one request is as good."""

    def __init__(self, kind_of: Callable[[Request], object]) -> None:
        self._kind_of = kind_of
        # Of each route that has been slow lately: seconds, bounded and as they were.
        self._averages: dict[object, tuple[float, float]] = {}
        self._slow: set[object] = set()

    def pace(self, request: Request) -> Pace:
        """What is known of this request's route."""
        if not self._slow:
            return "quick"
        kind = self._kind_of(request)
        if kind not in self._slow:
            return "quick"
        _, seconds = self._averages.get(kind, (0.0, 0.0))
        return "long" if seconds > _LONG else "slow"

    def note(self, request: Request, seconds: float) -> None:
        """Take into account how long a request took."""
        if seconds < _SLOW and not self._averages:
            return
        kind = self._kind_of(request)
        bounded, whole = self._averages.get(kind, (0.0, 0.0))
        bounded += _WEIGHT * (min(seconds, _MOST) - bounded)
        whole += _WEIGHT * (seconds - whole)
        if bounded > _SLOW:
            self._slow.add(kind)
        elif bounded < _QUICK:
            self._slow.discard(kind)
        if bounded < _FORGOTTEN:
            self._averages.pop(kind, None)
        else:
            self._averages[kind] = (bounded, whole)
