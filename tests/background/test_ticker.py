"""Ticker: sleeps until something is due, hands it on, and survives its sources."""

from __future__ import annotations

import threading

from pode_py.background.ticker import Ticker
from pode_py.core.clock import Clock
from pode_py.testing.clock import FakeClock
from tests.runtimes import a_runtime


class Source:
    """Wants to be asked at `due`; notes each time that was due."""

    def __init__(self, clock: Clock, due: float | None) -> None:
        self._clock = clock
        self.due = due
        self.handed_on: list[float] = []
        self.asked = threading.Semaphore(0)
        self.fired = threading.Event()
        self.error: Exception | None = None

    def next_due(self) -> float | None:
        self.asked.release()
        return self.due

    def run_due(self) -> None:
        if self.error is not None:
            raise self.error
        if self.due is not None and self._clock.monotonic() >= self.due:
            self.handed_on.append(self._clock.monotonic())
            self.due = None
            self.fired.set()

    def wait_idle(self, timeout: float) -> bool:
        return True


def test_a_source_is_asked_exactly_when_it_is_due():
    clock = FakeClock()
    ticker = Ticker(a_runtime(clock=clock))
    source = Source(clock, 7.25)
    ticker.register(source)
    ticker.start()
    clock.advance(7)
    assert source.handed_on == []
    clock.advance(60)
    ticker.stop()
    assert source.handed_on == [7.25]


def test_it_sleeps_while_nothing_is_due():
    clock = FakeClock()
    ticker = Ticker(a_runtime(clock=clock))
    source = Source(clock, None)
    ticker.register(source)
    ticker.start()
    for _ in range(3):
        clock.advance(3600)
    ticker.stop()
    asked = 0
    while source.asked.acquire(blocking=False):
        asked += 1
    # One round for the start, and two for each move: at its beginning and at its end.
    assert asked <= 7


def test_real_time_wakes_it():
    clock = Clock()
    ticker = Ticker(a_runtime(clock=clock))
    source = Source(clock, clock.monotonic() + 0.05)
    ticker.register(source)
    ticker.start()
    assert source.fired.wait(30)
    ticker.stop()


def test_a_poke_wakes_it_for_what_became_due_earlier():
    clock = Clock()
    ticker = Ticker(a_runtime(clock=clock))
    source = Source(clock, clock.monotonic() + 3600)
    ticker.register(source)
    ticker.start()
    assert source.asked.acquire(timeout=30)
    source.due = clock.monotonic()
    ticker.wake()
    assert source.fired.wait(30)
    ticker.stop()


def test_a_source_that_raises_is_reported_and_does_not_stop_the_others():
    clock = FakeClock()
    reports: list[tuple[BaseException | str, str]] = []
    ticker = Ticker(a_runtime(clock=clock, report=lambda *report: reports.append(report)))
    broken, sound = Source(clock, None), Source(clock, 5)
    broken.error = RuntimeError("broken")
    ticker.register(broken)
    ticker.register(sound)
    ticker.start()
    clock.advance(10)
    ticker.stop()
    assert sound.handed_on == [5]
    assert reports[0] == (broken.error, "ticker")
    # It is asked again each second, not in a busy loop.
    assert 10 <= len(reports) <= 16


def test_stop_ends_the_thread_and_may_be_called_twice_or_before_start():
    clock = FakeClock()
    ticker = Ticker(a_runtime(clock=clock))
    assert ticker.stop()
    ticker.start()
    started = Ticker(a_runtime(clock=clock))
    started.start()
    assert started.stop()
    assert started.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "pode-ticker"]


def test_a_stopped_ticker_does_not_hold_the_clock():
    clock = FakeClock()
    ticker = Ticker(a_runtime(clock=clock))
    source = Source(clock, 5)
    ticker.register(source)
    ticker.start()
    ticker.stop()
    clock.advance(10)
    assert source.handed_on == []
