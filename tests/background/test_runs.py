"""Runs: what runs of timers and schedules have in common; and that an async one holds no thread."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from pode_py.background.schedules.functions import (
    add_schedule,
    get_schedule_process,
    invoke_schedule,
    set_schedule_concurrency,
)
from pode_py.background.timers.event import TimerEvent, timer_event
from pode_py.background.timers.functions import add_timer
from pode_py.core.ambient import TIMER
from pode_py.testing.clock import FakeClock
from tests.background.house import Calls, House

DEADLINE = 10


class Gate:
    """Async handlers wait here until it opens; it counts those that came and that went."""

    def __init__(self, expected: int = 1) -> None:
        self._open = asyncio.Event()
        self._lock = threading.Lock()
        self._expected = expected
        self._came = 0
        self.all_came = threading.Event()
        self.loop: asyncio.AbstractEventLoop | None = None

    async def __call__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._came += 1
        if self._came == self._expected:
            self.all_came.set()
        await self._open.wait()

    def open(self) -> None:
        assert self.loop is not None
        self.loop.call_soon_threadsafe(self._open.set)


def threads_named(word: str) -> int:
    return sum(word in thread.name for thread in threading.enumerate())


def test_async_timers_that_wait_hold_no_thread(house: House, clock: FakeClock, calls: Calls):
    gate = Gate(300)
    for number in range(300):
        house.run(add_timer, f"t{number}", 10, gate)
    house.run(add_timer, "plain", 10, calls)
    house.start()
    clock.advance(10, wait=False)
    assert gate.all_came.wait(DEADLINE)
    calls.wait()
    assert threads_named("pode-timers") <= 100
    assert not house.timers.wait_idle(0)
    gate.open()
    assert house.timers.wait_idle(DEADLINE)
    assert house.reports == []


def test_async_schedules_count_although_they_hold_no_thread(house: House, clock: FakeClock):
    gate = Gate(2)
    house.run(set_schedule_concurrency, 2)
    house.run(add_schedule, "s", "@yearly", gate)
    for _ in range(3):
        house.run(invoke_schedule, "s")
    assert gate.all_came.wait(DEADLINE)
    states = sorted(one.state for one in house.run(get_schedule_process))
    assert states == ["pending", "running", "running"]
    gate.open()
    assert house.schedules.wait_idle(DEADLINE)
    assert [one.state for one in house.run(get_schedule_process)] == ["completed"] * 3


def test_what_an_async_run_raises_is_reported_once(house: House, clock: FakeClock):
    async def broken() -> None:
        await asyncio.sleep(0)
        raise ValueError("boom")

    house.run(add_timer, "t", 10, broken)
    house.start()
    clock.advance(10)
    assert [(str(error), where) for error, where in house.reports] == [("boom", "Timer 't'")]


def test_one_event_and_one_context_from_the_first_step_to_the_last(house: House, clock: FakeClock):
    seen: list[Any] = []

    def decorated() -> Any:
        seen.append(timer_event.sender)
        TIMER.variable.get().metadata["mark"] = 1

        async def later() -> None:
            await asyncio.sleep(0)
            seen.append(timer_event.metadata["mark"])

        return later()

    house.run(add_timer, "t", 10, decorated)
    house.start()
    clock.advance(10)
    assert [getattr(one, "name", one) for one in seen] == ["t", 1]


def test_the_next_run_has_an_event_of_its_own(house: House, clock: FakeClock):
    events: list[TimerEvent] = []

    def note(timer_event: TimerEvent) -> None:
        events.append(timer_event)

    house.run(add_timer, "t", 10, note)
    house.start()
    clock.advance(20)
    assert events[0] is not events[1]


def test_a_stop_waits_for_an_async_run(house: House, clock: FakeClock):
    gate = Gate()
    house.run(add_timer, "t", 10, gate)
    house.start()
    clock.advance(10, wait=False)
    assert gate.all_came.wait(DEADLINE)
    assert not house.timers.stop(0)
    gate.open()


def test_a_cancelled_run_can_clean_up_after_its_pool_has_stopped(house: House, clock: FakeClock):
    cleaned = threading.Event()
    waiting = threading.Event()

    async def stay() -> None:
        waiting.set()
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.set()

    house.run(add_timer, "t", 10, stay)
    house.start()
    clock.advance(10, wait=False)
    assert waiting.wait(DEADLINE)
    house.timers.stop(0)
    assert house.loop.cancel()
    assert cleaned.wait(DEADLINE)
    house.loop.stop(DEADLINE)
    cut, cancelled = [str(error) for error, _ in house.reports]
    assert cut.startswith("Timer 't' is cut after 0.0 s, as the stop waits no longer: `stay (")
    assert "server stops" in cancelled


@pytest.mark.parametrize("timeout_from", ["create", "start"])
def test_an_async_run_that_takes_too_long_fails_and_goes_on(
    house: House, clock: FakeClock, timeout_from: Any
):
    gate = Gate()
    house.run(set_schedule_concurrency, 1)
    house.run(add_schedule, "s", "@yearly", gate, timeout=5, timeout_from=timeout_from)
    house.start()
    house.run(invoke_schedule, "s")
    assert gate.all_came.wait(DEADLINE)
    clock.advance(6, wait=False)
    (process,) = house.run(get_schedule_process)
    assert process.state == "failed"
    assert not house.schedules.wait_idle(0)
    gate.open()
    assert house.schedules.wait_idle(DEADLINE)
    assert process.state == "failed"
    assert ["took longer" in str(error) for error, _ in house.reports] == [True]
