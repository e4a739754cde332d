"""Timers run on the grid of their interval, side by side, whatever their handlers do."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from pode_py.background.timers.event import TimerEvent, timer_event
from pode_py.background.timers.functions import (
    add_timer,
    clear_timers,
    edit_timer,
    get_timer,
    invoke_timer,
    remove_timer,
)
from pode_py.core.clock import Clock
from pode_py.core.errors import PodeError
from pode_py.testing.clock import FakeClock
from tests.background.house import START, Calls, House, open_house


def seconds(calls: Calls) -> list[float]:
    return [(moment - START).total_seconds() for moment in calls.times]


def test_a_timer_runs_at_each_interval(house: House, clock: FakeClock, calls: Calls):
    house.run(add_timer, "t", 10, calls)
    house.start()
    clock.advance(9)
    assert calls.count == 0
    clock.advance(21)
    assert seconds(calls) == [10, 20, 30]


def test_it_never_drifts(house: House, clock: FakeClock, calls: Calls):
    house.run(add_timer, "t", 0.1, calls)
    house.start()
    clock.advance(1000)
    assert calls.count == 10_000
    assert max(abs(at - 0.1 * (n + 1)) for n, at in enumerate(seconds(calls))) < 0.00001


def test_a_slow_handler_does_not_move_the_next_trigger(
    house: House, clock: FakeClock, calls: Calls
):
    house.run(add_timer, "t", 10, calls)
    house.start()
    calls.stay.clear()
    clock.advance(10, wait=False)
    calls.wait()
    clock.advance(7, wait=False)
    calls.stay.set()
    clock.advance(3)
    assert seconds(calls) == [10, 20]


def test_a_long_pause_gives_one_run_and_not_a_burst(tmp_path: Path):
    class Paused(FakeClock):
        """Like a stopped process: time passes, and nobody is woken on the way."""

        def pause(self, seconds: int) -> None:
            self._move_to(self._elapsed + seconds * 1_000_000)

    clock = Paused(START)
    with open_house(tmp_path, clock) as house:
        calls = Calls(clock)
        house.run(add_timer, "t", 10, calls)
        house.start()
        clock.advance(10)
        clock.pause(3603)
        clock.advance(0)
        clock.advance(20)
    assert seconds(calls) == [10, 3613, 3620, 3630]


def test_a_wall_clock_that_jumps_moves_no_timer(house: House, clock: FakeClock, calls: Calls):
    house.run(add_timer, "t", 10, calls)
    house.start()
    before = clock.monotonic()
    for jump in (3600, -7200, timedelta(days=400)):
        clock.jump(wall=jump)
        clock.advance(10)
    assert calls.count == 3
    assert clock.monotonic() - before == 30


def test_timers_do_not_block_each_other(house: House, clock: FakeClock, calls: Calls):
    slow = [Calls() for _ in range(20)]
    for number, handler in enumerate(slow):
        handler.stay.clear()
        house.run(add_timer, f"slow {number}", 1, handler)
    house.run(add_timer, "quick", 1, calls)
    house.start()
    for second in range(1, 4):
        clock.advance(1, wait=False)
        calls.wait()
        assert calls.count == second
    for handler in slow:
        handler.stay.set()


def test_a_timer_still_running_is_skipped_with_one_warning(
    house: House, clock: FakeClock, calls: Calls
):
    house.run(add_timer, "slow", 10, calls)
    house.start()
    calls.stay.clear()
    clock.advance(10, wait=False)
    calls.wait()
    clock.advance(40, wait=False)
    assert calls.count == 1
    assert len(house.reports) == 1
    message, where = house.reports[0]
    assert "still ran" in str(message)
    assert where == "Timer 'slow'"
    calls.stay.set()
    clock.advance(10)
    assert seconds(calls) == [10, 60]
    (timer,) = house.run(get_timer)
    assert timer.count == 2


def test_each_run_that_is_too_long_is_warned_of(house: House, clock: FakeClock, calls: Calls):
    house.run(add_timer, "slow", 10, calls)
    house.start()
    for _ in range(2):
        calls.stay.clear()
        clock.advance(10, wait=False)
        calls.wait()
        clock.advance(30, wait=False)
        calls.stay.set()
        clock.advance(0)
    assert len(house.reports) == 2


def test_a_raising_timer_is_reported_once_a_run_and_goes_on(house: House, clock: FakeClock):
    error = RuntimeError("no")

    def handler() -> None:
        raise error

    house.run(add_timer, "bad", 1, handler)
    house.start()
    clock.advance(3)
    assert house.reports == [(error, "Timer 'bad'")] * 3


def test_a_handler_that_exits_does_not_end_the_timer(house: House, clock: FakeClock, calls: Calls):
    def handler() -> None:
        calls()
        raise SystemExit(3)

    house.run(add_timer, "exit", 1, handler)
    house.start()
    clock.advance(3)
    assert calls.count == 3
    assert house.timers.stop(5)
    assert len(house.reports) == 3


def test_a_limit_completes_the_timer(house: House, clock: FakeClock, calls: Calls):
    house.run(add_timer, "t", 1, calls, limit=2)
    house.start()
    clock.advance(10)
    (timer,) = house.run(get_timer)
    assert calls.count == 2
    assert (timer.count, timer.completed, timer.next_trigger_time) == (2, True, None)


def test_skip_leaves_out_the_first_triggers(house: House, clock: FakeClock, calls: Calls):
    house.run(add_timer, "t", 10, calls, skip=5)
    house.start()
    clock.advance(80)
    assert seconds(calls) == [60, 70, 80]


def test_on_start_runs_when_the_server_starts(house: House, clock: FakeClock, calls: Calls):
    house.run(add_timer, "t", 10, calls, on_start=True, limit=2)
    clock.advance(100)
    assert calls.count == 0
    house.start()
    clock.advance(30)
    assert seconds(calls) == [100, 110]


def test_a_limit_of_one_is_used_up_by_the_start(house: House, clock: FakeClock, calls: Calls):
    house.run(add_timer, "t", 10, calls, on_start=True, limit=1)
    house.start()
    clock.advance(30)
    (timer,) = house.run(get_timer)
    assert calls.count == 1
    assert timer.next_trigger_time is None


def test_a_timer_added_while_the_server_runs_works_at_once(
    house: House, clock: FakeClock, calls: Calls
):
    house.start()
    clock.advance(3)
    house.run(add_timer, "t", 10, calls, on_start=True)
    clock.advance(10)
    assert seconds(calls) == [3, 13]


def test_its_trigger_times_are_known(house: House, clock: FakeClock, calls: Calls):
    house.run(add_timer, "t", 10, calls)
    (timer,) = house.run(get_timer)
    assert timer.last_trigger_time is None
    assert timer.next_trigger_time == START + timedelta(seconds=10)
    house.start()
    clock.advance(25)
    assert timer.last_trigger_time == START + timedelta(seconds=20)
    assert timer.next_trigger_time == START + timedelta(seconds=30)


def test_a_new_interval_counts_from_now(house: House, clock: FakeClock, calls: Calls):
    house.run(add_timer, "t", 10, calls)
    house.start()
    clock.advance(15)
    house.run(edit_timer, "t", 3)
    clock.advance(6)
    assert seconds(calls) == [10, 18, 21]


def test_a_new_handler_and_new_arguments_are_used_from_the_next_run_on(
    house: House, clock: FakeClock
):
    seen: list[object] = []
    house.run(add_timer, "t", 1, lambda value: seen.extend([value]), argument_list=["a"])
    house.start()
    clock.advance(1)
    house.run(edit_timer, "t", argument_list=["b"])
    clock.advance(1)
    house.run(edit_timer, "t", handler=lambda value: seen.append((value, "new")))
    clock.advance(1)
    assert seen == ["a", "b", ("b", "new")]


def test_a_removed_timer_runs_no_more(house: House, clock: FakeClock, calls: Calls):
    house.run(add_timer, "t", 1, calls)
    house.start()
    clock.advance(1)
    house.run(remove_timer, "T")
    clock.advance(5)
    assert calls.count == 1


def test_cleared_timers_run_no_more(house: House, clock: FakeClock, calls: Calls):
    house.run(add_timer, "a", 1, calls)
    house.run(add_timer, "b", 1, calls)
    house.start()
    house.run(clear_timers)
    clock.advance(5)
    assert calls.count == 0


def test_the_event_is_ambient_and_a_parameter(house: House, clock: FakeClock):
    seen: list[object] = []

    def handler(timer_event: TimerEvent) -> None:
        seen.append(timer_event)

    def ambient() -> None:
        seen.extend([timer_event.sender, timer_event.lockable, timer_event.timestamp])
        timer_event.metadata["note"] = 1
        seen.append(timer_event.metadata)

    house.run(add_timer, "parameter", 1, handler, limit=1)
    house.run(add_timer, "ambient", 2, ambient, limit=1)
    house.start()
    clock.advance(2)
    event = seen[0]
    assert isinstance(event, TimerEvent)
    assert event.sender.name == "parameter"
    (timer,) = house.run(get_timer, "ambient")
    assert seen[1:] == [timer, house.lockable, clock.now(), {"note": 1}]
    with pytest.raises(PodeError, match="only exists in the handler of a timer"):
        _ = timer_event.sender


def test_an_async_handler_runs_on_the_loop_with_its_event(house: House, clock: FakeClock):
    seen: list[tuple[str, str]] = []

    async def handler() -> None:
        await asyncio.sleep(0)
        seen.append((timer_event.sender.name, threading.current_thread().name))

    house.run(add_timer, "t", 1, handler)
    house.start()
    clock.advance(2)
    assert seen == [("t", "pode-loop")] * 2


def test_a_handler_finds_the_server(house: House, clock: FakeClock, calls: Calls):
    house.run(add_timer, "t", 1, lambda: add_timer("added by t", 5, calls), limit=1)
    house.start()
    clock.advance(6)
    assert seconds(calls) == [6]


def test_invoke_runs_at_once_on_this_thread_and_does_not_count(house: House):
    seen: list[object] = []

    def handler(*values: object) -> None:
        seen.append((values, timer_event.sender.name, threading.current_thread()))

    house.run(add_timer, "t", 10, handler, limit=1, argument_list=["a"])
    house.run(invoke_timer, "t")
    house.run(invoke_timer, "t", argument_list=["b"])
    here = threading.current_thread()
    assert seen == [(("a",), "t", here), (("a", "b"), "t", here)]
    (timer,) = house.run(get_timer)
    assert (timer.count, timer.completed) == (0, False)


def test_what_an_invoked_timer_raises_is_reported(house: House):
    house.run(add_timer, "t", 10, lambda: 1 // 0)
    house.run(invoke_timer, "t")
    (error, where) = house.reports[0]
    assert isinstance(error, ZeroDivisionError)
    assert where == "Timer 't'"


def test_an_async_timer_can_be_invoked_from_the_loop(house: House):
    done = threading.Event()

    async def handler() -> None:
        done.set()

    async def caller() -> None:
        invoke_timer("t")

    house.run(add_timer, "t", 10, handler)
    house.run(house.loop.run, caller())
    assert done.wait(30)


def test_invoking_what_is_not_there_names_what_is(house: House, calls: Calls):
    house.run(add_timer, "real", 10, calls)
    with pytest.raises(PodeError, match=r"Timer 'x' does not exist. There are: 'real'"):
        house.run(invoke_timer, "x")


def test_stop_hands_nothing_out_and_waits_for_what_runs(
    house: House, clock: FakeClock, calls: Calls
):
    house.run(add_timer, "t", 1, calls)
    house.start()
    calls.stay.clear()
    clock.advance(1, wait=False)
    calls.wait()
    assert not house.timers.stop(0)
    calls.stay.set()
    assert house.timers.stop(10)
    clock.advance(10)
    assert calls.count == 1


def test_a_thousand_timers_due_in_one_second_all_run_at_once(tmp_path: Path):
    total = 1000
    clock = Clock()
    done = threading.Semaphore(0)
    with open_house(tmp_path, clock) as house:
        for number in range(total):
            house.run(add_timer, f"t{number}", 1, done.release, limit=1)
        house.start()
        began = time.process_time()  # a busy machine gives us less of it, and no more is needed
        for _ in range(total):
            assert done.acquire(timeout=30)
        assert time.process_time() - began < 2
        assert all(timer.completed for timer in house.run(get_timer))
    assert house.reports == []
