"""FakeClock: stands still, moves when told, and takes everybody who watches along."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pode_py.testing.clock import FakeClock

START = datetime(2027, 1, 1, 12, tzinfo=UTC)


def test_it_stands_still():
    clock = FakeClock(START)
    assert clock.now() == clock.now() == START
    assert clock.monotonic() == clock.monotonic()


def test_advance_moves_both_clocks():
    clock = FakeClock(START)
    before = clock.monotonic()
    clock.advance(90.5)
    clock.advance(timedelta(minutes=1))
    assert clock.now() == START + timedelta(seconds=150.5)
    assert clock.monotonic() - before == 150.5


def test_jump_moves_only_the_wall_clock():
    clock = FakeClock(START)
    before = clock.monotonic()
    clock.jump(wall=-3600)
    assert clock.now() == START - timedelta(hours=1)
    clock.jump(wall=timedelta(hours=3))
    assert clock.now() == START + timedelta(hours=2)
    clock.jump(wall=datetime(2030, 1, 1, tzinfo=UTC))
    assert clock.now() == datetime(2030, 1, 1, tzinfo=UTC)
    assert clock.monotonic() == before


def test_time_does_not_run_backward():
    with pytest.raises(ValueError, match="jump"):
        FakeClock(START).advance(-1)


def test_a_naive_start_is_refused():
    with pytest.raises(ValueError, match="aware"):
        FakeClock(datetime(2027, 1, 1))


def test_the_start_is_shown_in_utc():
    clock = FakeClock(datetime.fromisoformat("2027-01-01T12:00+02:00"))
    assert clock.now().isoformat() == "2027-01-01T10:00:00+00:00"


def test_nobody_waits_for_real_time():
    clock = FakeClock(START)
    assert clock.timeout_until(None) is None
    assert clock.timeout_until(clock.monotonic() + 5) is None
    assert clock.timeout_until(clock.monotonic()) == 0
    clock.advance(10)
    assert clock.timeout_until(5) == 0


def test_advance_stops_at_each_time_that_a_watcher_names():
    clock = FakeClock(START)
    seen: list[float] = []

    def wake() -> float | None:
        now = clock.monotonic()
        seen.append(now)
        return next((due for due in (1, 2.5, 70) if due > now), None)

    clock.watch(wake)
    clock.advance(60)
    assert seen == [0, 1, 2.5, 60]


def test_waiting_for_a_time_that_has_passed_does_not_stop_time():
    clock = FakeClock(START)
    clock.watch(clock.monotonic)
    clock.advance(0.00001)
    assert clock.monotonic() == 0.00001


def test_advance_waits_for_what_was_started_unless_told_not_to():
    clock = FakeClock(START)
    settled: list[float] = []

    def wait_idle(timeout: float) -> bool:
        settled.append(clock.monotonic())
        return True

    clock.watch(lambda: None, wait_idle)
    clock.advance(5)
    assert settled == [0, 5]
    clock.advance(5, wait=False)
    clock.jump(wall=5, wait=False)
    assert settled == [0, 5]


def test_what_never_settles_is_named():
    clock = FakeClock(START)
    clock.watch(lambda: None, lambda timeout: False)
    with pytest.raises(TimeoutError, match="wait=False"):
        clock.advance(5)
