"""Switching: how long one thread may keep the interpreter while others wait for it.

Python's default is 5 ms. A request gives the interpreter up at each of its system calls; with a
handler that computes next to it, it would wait that long each time to get it back. Measured on two
cores, 1,000 requests a second next to a handler that computes: with 5 ms requests pile up and wait
for half a second and more, with 1 ms the 99th percentile is 25 ms, with 0.2 ms it is 3.2 times what
it is without that handler, with 0.1 ms 1.4 to 1.9 times. Threads that only compute lose nothing by
it that could be measured.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_PYTHONS_OWN = 0.005
_OURS = 0.0001


@contextmanager
def quick_switching() -> Iterator[None]:
    """Let threads take turns quickly meanwhile. An interval that the user has set stays."""
    before = sys.getswitchinterval()
    if abs(before - _PYTHONS_OWN) > _PYTHONS_OWN / 100:
        yield
        return
    sys.setswitchinterval(_OURS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
