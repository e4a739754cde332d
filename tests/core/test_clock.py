"""Clock: the real time."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from pode_py.core.clock import Clock


def test_now_is_the_wall_clock_in_utc():
    now = Clock().now()
    assert now.tzinfo is UTC
    assert abs(datetime.now(UTC) - now) < timedelta(seconds=10)


def test_monotonic_never_runs_backward():
    clock = Clock()
    readings = [clock.monotonic() for _ in range(1000)]
    assert readings == sorted(readings)


def test_a_thread_may_block_until_its_deadline():
    clock = Clock()
    assert clock.timeout_until(None) is None
    assert clock.timeout_until(time.monotonic() - 5) == 0
    timeout = clock.timeout_until(time.monotonic() + 100)
    assert timeout is not None
    assert 90 < timeout <= 100


def test_nobody_is_ever_poked_by_real_time():
    Clock().watch(lambda: 1 // 0)
