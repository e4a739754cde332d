"""Schedules run at their times, beside themselves, and once when clocks do odd things."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pode_py.background.schedules.event import ScheduleEvent, schedule_event
from pode_py.background.schedules.functions import (
    add_schedule,
    clear_schedules,
    edit_schedule,
    get_schedule,
    get_schedule_process,
    invoke_schedule,
    remove_schedule,
    set_schedule_concurrency,
)
from pode_py.core.clock import Clock
from pode_py.core.errors import PodeError
from pode_py.testing.clock import FakeClock
from tests.background.house import START, Calls, House, open_house

HOUR = 3600
DAY = 24 * HOUR


def times(calls: Calls) -> list[str]:
    return [f"{moment:%d %H:%M:%S}" for moment in calls.times]


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin"))


def add(house: House, cron: str | list[str], calls: object, **options: object) -> None:
    house.run(add_schedule, "s", cron, calls, **{"time_zone": "UTC", **options})


# Times.


def test_a_schedule_runs_at_the_times_of_its_expression(
    house: House, clock: FakeClock, calls: Calls
):
    add(house, "*/20 * * * *", calls)
    house.start()
    clock.advance(HOUR)
    assert times(calls) == ["01 00:20:00", "01 00:40:00", "01 01:00:00"]


def test_several_expressions_are_one_schedule(house: House, clock: FakeClock, calls: Calls):
    add(house, ["0 * * * *", "30 1 * * *", "0 1 * * *"], calls)
    house.start()
    clock.advance(2 * HOUR)
    assert times(calls) == ["01 01:00:00", "01 01:30:00", "01 02:00:00"]


def test_a_year_passes_in_no_time(house: House, clock: FakeClock, calls: Calls):
    add(house, "@monthly", calls)
    house.start()
    clock.advance(365 * DAY)
    assert [moment.month for moment in calls.times] == [*range(2, 13), 1]


def test_its_trigger_times_are_aware_and_of_its_zone(house: House, clock: FakeClock, calls: Calls):
    add(house, "0 12 * * *", calls, time_zone="Europe/Berlin")
    (schedule,) = house.run(get_schedule)
    assert schedule.last_trigger_time is None
    assert schedule.next_trigger_time.isoformat() == "2027-01-01T12:00:00+01:00"
    house.start()
    clock.advance(DAY)
    assert schedule.last_trigger_time.isoformat() == "2027-01-01T12:00:00+01:00"
    assert schedule.next_trigger_time.isoformat() == "2027-01-02T12:00:00+01:00"


def test_a_job_in_a_skipped_hour_runs_once(tmp_path: Path):
    clock = FakeClock(berlin("2027-03-28T01:59"))
    with open_house(tmp_path, clock) as house:
        daily, often = Calls(clock), Calls(clock)
        house.run(add_schedule, "daily", "30 2 * * *", daily, time_zone="Europe/Berlin")
        house.run(add_schedule, "often", "*/5 * * * *", often, time_zone="Europe/Berlin")
        house.start()
        clock.advance(DAY - HOUR)
    # At the moment of the change: 03:00 summer time.
    assert times(daily) == ["28 01:00:00"]
    assert often.count == 23 * 12


def test_a_job_in_an_hour_that_comes_twice_runs_once(tmp_path: Path):
    clock = FakeClock(berlin("2027-10-31T00:00"))
    with open_house(tmp_path, clock) as house:
        daily, often = Calls(clock), Calls(clock)
        house.run(add_schedule, "daily", "30 2 * * *", daily, time_zone="Europe/Berlin")
        house.run(add_schedule, "often", "*/5 * * * *", often, time_zone="Europe/Berlin")
        house.start()
        clock.advance(25 * HOUR)
    assert times(daily) == ["31 00:30:00"]
    assert often.count == 25 * 12


# Clocks that are set.


def test_a_clock_set_forward_gives_one_run_and_not_a_storm(
    house: House, clock: FakeClock, calls: Calls
):
    add(house, "* * * * *", calls)
    house.start()
    clock.advance(90)
    clock.jump(wall=5 * HOUR)
    assert times(calls) == ["01 00:01:00", "01 05:01:30"]
    clock.advance(60)
    assert times(calls)[2:] == ["01 05:02:00"]


def test_a_clock_set_back_does_not_pause_what_runs_often(
    house: House, clock: FakeClock, calls: Calls
):
    add(house, "* * * * *", calls)
    house.start()
    clock.advance(5 * HOUR)
    clock.jump(wall=-3 * HOUR)
    before = calls.count
    clock.advance(HOUR)
    assert calls.count == before + 60


@pytest.mark.parametrize("back", [HOUR, 4 * HOUR, 23 * HOUR])
def test_a_clock_set_back_does_not_run_a_daily_job_twice(
    house: House, clock: FakeClock, calls: Calls, back: int
):
    add(house, "0 9 * * *", calls)
    house.start()
    clock.advance(9.5 * HOUR)
    clock.jump(wall=-back)
    clock.advance(back + 12 * HOUR)
    assert times(calls) == ["01 09:00:00"]
    clock.advance(DAY)
    assert times(calls) == ["01 09:00:00", "02 09:00:00"]


@pytest.mark.parametrize("back", [0.01, 2, 30])
def test_a_small_step_back_doubles_no_run(
    house: House, clock: FakeClock, calls: Calls, back: float
):
    add(house, "* * * * *", calls)
    house.start()
    clock.advance(60)
    clock.jump(wall=-back)
    clock.advance(60 + back)
    assert times(calls) == ["01 00:01:00", "01 00:02:00"]


def test_a_small_step_back_after_a_late_run_loses_none(
    house: House, clock: FakeClock, calls: Calls
):
    add(house, "0 9 * * *", calls)
    house.start()
    clock.jump(wall=9.5 * HOUR)
    clock.jump(wall=-2)
    clock.advance(DAY)
    assert [text[:2] for text in times(calls)] == ["01", "02"]


def test_a_clock_that_was_years_ahead_is_no_pause_of_years(
    house: House, clock: FakeClock, calls: Calls
):
    clock.jump(wall=4 * 365 * DAY)
    add(house, "0 * * * *", calls)
    house.start()
    clock.advance(2 * HOUR)
    clock.jump(wall=-4 * 365 * DAY)
    clock.advance(3 * HOUR)
    assert calls.count == 5


# Counting.


def test_a_limit_completes_the_schedule(house: House, clock: FakeClock, calls: Calls):
    add(house, "* * * * *", calls, limit=2)
    house.start()
    clock.advance(HOUR)
    (schedule,) = house.run(get_schedule)
    assert calls.count == 2
    assert (schedule.count, schedule.completed, schedule.next_trigger_time) == (2, True, None)


def test_on_start_runs_when_the_server_starts(house: House, clock: FakeClock, calls: Calls):
    add(house, "0 * * * *", calls, on_start=True, limit=2)
    clock.advance(90)
    assert calls.count == 0
    house.start()
    clock.advance(3 * HOUR)
    assert times(calls) == ["01 00:01:30", "01 01:00:00"]


def test_a_limit_of_one_is_used_up_by_the_start(house: House, clock: FakeClock, calls: Calls):
    add(house, "* * * * *", calls, on_start=True, limit=1)
    house.start()
    clock.advance(HOUR)
    (schedule,) = house.run(get_schedule)
    assert calls.count == 1
    assert schedule.completed


def test_a_schedule_added_while_the_server_runs_works_at_once(
    house: House, clock: FakeClock, calls: Calls
):
    house.start()
    clock.advance(30)
    add(house, "* * * * *", calls, on_start=True)
    clock.advance(60)
    assert times(calls) == ["01 00:00:30", "01 00:01:00"]


def test_it_runs_from_its_start_time_to_its_end_time_both_included(
    house: House, clock: FakeClock, calls: Calls
):
    start, end = datetime(2027, 1, 1, 2), datetime(2027, 1, 1, 4, tzinfo=UTC)
    add(house, "0 * * * *", calls, start_time=start, end_time=end)
    house.start()
    clock.advance(DAY)
    assert times(calls) == ["01 02:00:00", "01 03:00:00", "01 04:00:00"]
    (schedule,) = house.run(get_schedule)
    assert schedule.completed
    assert schedule.start_time == start.replace(tzinfo=UTC)
    assert schedule.end_time == end


def test_a_schedule_that_ends_before_its_first_time_is_completed(house: House, calls: Calls):
    add(house, "0 12 * * *", calls, end_time=datetime(2027, 1, 1, 11))
    (schedule,) = house.run(get_schedule)
    assert (schedule.completed, schedule.next_trigger_time) == (True, None)


def test_random_values_are_drawn_again_after_each_run(house: House, clock: FakeClock, calls: Calls):
    add(house, "30/R * * * *", calls)
    house.start()
    clock.advance(4 * DAY)
    minutes = [moment.minute for moment in calls.times]
    assert minutes[0] == 30
    assert len(set(minutes)) > 20


# Runs.


def test_a_schedule_still_running_runs_beside_itself(house: House, clock: FakeClock, calls: Calls):
    add(house, "* * * * *", calls)
    house.start()
    calls.stay.clear()
    for _ in range(3):
        clock.advance(60, wait=False)
        calls.wait()
    assert len(house.run(get_schedule_process, state="running")) == 3
    assert house.reports == []
    calls.stay.set()


def test_at_most_as_many_run_as_allowed_and_the_others_wait(
    house: House, clock: FakeClock, calls: Calls
):
    add(house, "* * * * *", calls)
    house.run(set_schedule_concurrency, 2)
    house.start()
    calls.stay.clear()
    clock.advance(240, wait=False)
    calls.wait()
    calls.wait()
    assert len(house.run(get_schedule_process, state="pending")) == 2
    house.run(set_schedule_concurrency, 3)
    calls.wait()
    assert len(house.run(get_schedule_process, state="pending")) == 1
    calls.stay.set()
    clock.advance(0)
    assert calls.count == 4


def test_ten_run_at_a_time_by_default(house: House, clock: FakeClock, calls: Calls):
    add(house, "* * * * *", calls)
    house.start()
    calls.stay.clear()
    clock.advance(15 * 60, wait=False)
    for _ in range(10):
        calls.wait()
    assert len(house.run(get_schedule_process, state="pending")) == 5
    calls.stay.set()


def test_a_raising_schedule_is_reported_once_a_run_and_goes_on(house: House, clock: FakeClock):
    error = RuntimeError("no")

    def handler() -> None:
        raise error

    add(house, "* * * * *", handler)
    house.start()
    clock.advance(180)
    assert house.reports == [(error, "Schedule 's'")] * 3
    assert [one.state for one in house.run(get_schedule_process)] == ["failed"] * 3


def test_a_handler_that_exits_does_not_end_the_schedule(
    house: House, clock: FakeClock, calls: Calls
):
    def handler() -> None:
        calls()
        raise SystemExit(3)

    add(house, "* * * * *", handler)
    house.start()
    clock.advance(180)
    assert calls.count == 3
    assert house.schedules.stop(5)
    assert len(house.reports) == 3


def test_the_event_is_ambient_and_a_parameter(house: House, clock: FakeClock):
    seen: list[object] = []

    def handler(word: str, schedule_event: ScheduleEvent) -> None:
        seen.append((word, schedule_event.sender.name))

    def ambient() -> None:
        seen.append((schedule_event.sender.name, schedule_event.lockable is house.lockable))
        seen.append(schedule_event.timestamp)

    add(house, "* * * * *", handler, limit=1, argument_list={"word": "hello"})
    house.run(add_schedule, "ambient", "2 * * * *", ambient, time_zone="UTC")
    house.start()
    clock.advance(120)
    assert seen == [("hello", "s"), ("ambient", True), clock.now()]
    with pytest.raises(PodeError, match="only exists in the handler of a schedule"):
        _ = schedule_event.sender


def test_an_async_handler_runs_on_the_loop_with_its_event(house: House, clock: FakeClock):
    seen: list[tuple[str, str]] = []

    async def handler() -> None:
        await asyncio.sleep(0)
        seen.append((schedule_event.sender.name, threading.current_thread().name))

    add(house, "* * * * *", handler)
    house.start()
    clock.advance(60)
    assert seen == [("s", "pode-loop")]


def test_invoke_runs_at_once_and_does_not_count(house: House, clock: FakeClock):
    seen: list[object] = []
    add(house, "0 12 * * *", lambda **values: seen.append(values), argument_list={"a": 1, "b": 2})
    house.run(invoke_schedule, "s", argument_list={"b": 3, "c": 4})
    clock.advance(0)
    assert seen == [{"a": 1, "b": 3, "c": 4}]
    (schedule,) = house.run(get_schedule)
    assert (schedule.count, schedule.last_trigger_time) == (0, None)


def test_new_expressions_are_followed_at_once(house: House, clock: FakeClock, calls: Calls):
    add(house, "0 12 * * *", calls)
    house.start()
    house.run(edit_schedule, "s", "*/10 * * * *")
    clock.advance(20 * 60)
    assert times(calls) == ["01 00:10:00", "01 00:20:00"]
    assert house.run(get_schedule)[0].crons_raw == ["*/10 * * * *"]


def test_a_wrong_new_expression_changes_nothing(house: House, clock: FakeClock, calls: Calls):
    add(house, "10 * * * *", calls)
    house.start()
    with pytest.raises(ValueError, match="and has 1"):
        house.run(edit_schedule, "s", ["* * * * *", "wrong"])
    clock.advance(HOUR)
    assert times(calls) == ["01 00:10:00"]


def test_a_new_handler_and_new_arguments_are_used_from_the_next_run_on(
    house: House, clock: FakeClock
):
    seen: list[object] = []
    add(house, "* * * * *", lambda value: seen.extend([value]), argument_list={"value": "a"})
    house.start()
    clock.advance(60)
    house.run(edit_schedule, "s", argument_list={"value": "b"})
    clock.advance(60)
    house.run(edit_schedule, "s", handler=lambda value: seen.append((value, "new")))
    clock.advance(60)
    assert seen == ["a", "b", ("b", "new")]


def test_removed_and_cleared_schedules_run_no_more(house: House, clock: FakeClock, calls: Calls):
    add(house, "* * * * *", calls)
    house.run(add_schedule, "other", "* * * * *", calls)
    house.start()
    house.run(remove_schedule, "S")
    clock.advance(60)
    assert calls.count == 1
    house.run(clear_schedules)
    clock.advance(60)
    assert calls.count == 1


# Timeouts.


def test_a_run_that_outlives_its_timeout_has_failed(house: House, clock: FakeClock, calls: Calls):
    add(house, "0 * * * *", calls, timeout=30)
    house.start()
    calls.stay.clear()
    clock.advance(HOUR, wait=False)
    calls.wait()
    (process,) = house.run(get_schedule_process)
    assert process.expire_time == START + timedelta(hours=1, seconds=30)
    clock.advance(29, wait=False)
    assert process.state == "running"
    clock.advance(1, wait=False)
    assert process.state == "failed"
    (schedule,) = house.run(get_schedule)
    assert schedule.timed_out == 1
    ((problem, where),) = house.reports
    assert "took longer than its timeout of 30 seconds" in str(problem)
    assert where == "Schedule 's'"
    calls.stay.set()
    clock.advance(0)
    assert house.run(get_schedule_process) == [process]
    assert process.state == "failed"


def test_a_run_within_its_timeout_is_completed(house: House, clock: FakeClock, calls: Calls):
    add(house, "* * * * *", calls, timeout=30)
    house.start()
    clock.advance(150)
    assert [one.state for one in house.run(get_schedule_process)] == ["completed"] * 2
    assert house.reports == []


def test_a_run_that_waited_too_long_for_a_thread_never_starts(
    house: House, clock: FakeClock, calls: Calls
):
    house.run(set_schedule_concurrency, 1)
    add(house, "* * * * *", calls, limit=1)
    late = Calls()
    house.run(add_schedule, "late", "* * * * *", late, limit=1, timeout=10)
    from_start = Calls()
    house.run(
        add_schedule, "patient", "* * * * *", from_start, limit=1, timeout=10, timeout_from="Start"
    )
    house.start()
    calls.stay.clear()
    clock.advance(60, wait=False)
    calls.wait()
    clock.advance(60, wait=False)
    calls.stay.set()
    clock.advance(0)
    assert late.count == 0
    assert from_start.count == 1
    assert ["did not get its turn" in str(problem) for problem, _ in house.reports] == [True]


def test_runs_that_hang_do_not_keep_others_from_running(
    house: House, clock: FakeClock, calls: Calls
):
    house.run(set_schedule_concurrency, 1)
    add(house, "* * * * *", calls, limit=1, timeout=10, timeout_from="start")
    other = Calls()
    house.run(add_schedule, "other", "2 * * * *", other)
    house.start()
    calls.stay.clear()
    clock.advance(60, wait=False)
    calls.wait()
    clock.advance(60, wait=False)
    other.wait()
    calls.stay.set()


# Processes.


def test_processes_are_found_by_name_id_and_state(house: House, clock: FakeClock, calls: Calls):
    add(house, "* * * * *", calls, limit=1)
    house.run(add_schedule, "bad", "2 * * * *", lambda: 1 // 0, limit=1)
    house.start()
    clock.advance(120)
    good, bad = house.run(get_schedule_process)
    assert (good.schedule, good.state) == ("s", "completed")
    assert good.create_time == good.start_time == START + timedelta(minutes=1)
    assert house.run(get_schedule_process, ["S", "x"]) == [good]
    assert house.run(get_schedule_process, id=[bad.id, "x"]) == [bad]
    assert house.run(get_schedule_process, state="Failed") == [bad]
    assert house.run(get_schedule_process, state=["completed", "failed"]) == [good, bad]
    assert house.run(get_schedule_process, "s", state="failed") == []
    assert house.run(get_schedule_process, state=["all", "failed"]) == [good, bad]


def test_only_the_last_hundred_that_ended_are_kept(house: House, clock: FakeClock, calls: Calls):
    add(house, "* * * * *", calls)
    house.start()
    clock.advance(150 * 60)
    processes = house.run(get_schedule_process)
    assert len(processes) == 100
    assert processes[-1].create_time == clock.now()


def test_stop_waits_for_what_runs(house: House, clock: FakeClock, calls: Calls):
    add(house, "* * * * *", calls)
    house.start()
    calls.stay.clear()
    clock.advance(60, wait=False)
    calls.wait()
    ending = threading.Timer(0.05, calls.stay.set)
    ending.start()
    assert house.schedules.stop(10)
    ending.join()
    assert [one.state for one in house.run(get_schedule_process)] == ["completed"]


def test_stop_hands_nothing_out_and_drops_what_has_not_begun(
    house: House, clock: FakeClock, calls: Calls
):
    house.run(set_schedule_concurrency, 1)
    add(house, "* * * * *", calls)
    house.start()
    calls.stay.clear()
    clock.advance(120, wait=False)
    calls.wait()
    assert not house.schedules.stop(0)
    calls.stay.set()
    assert house.schedules.stop(10)
    clock.advance(600)
    assert calls.count == 1
    # What the stop could not wait for has failed too, as far as the server can know.
    assert [one.state for one in house.run(get_schedule_process)] == ["failed", "failed"]


def test_a_thousand_schedules_due_in_one_second_all_start_within_two(tmp_path: Path):
    total = 1000
    clock = FakeClock(START)
    done = threading.Semaphore(0)
    with open_house(tmp_path, clock) as house:
        for number in range(total):
            house.run(add_schedule, f"s{number}", "1 0 * * *", done.release, time_zone="UTC")
        house.start()
        began = time.process_time()  # a busy machine gives us less of it, and no more is needed
        clock.advance(60, wait=False)
        for _ in range(total):
            assert done.acquire(timeout=30)
        assert time.process_time() - began < 2
    assert house.reports == []


def test_it_follows_the_real_clock(tmp_path: Path):
    done = threading.Event()

    class Nearly(Clock):
        """The real time, a moment before midnight."""

        def __init__(self) -> None:
            midnight = datetime.combine(super().now(), datetime.min.time(), UTC)
            self._ahead = midnight + timedelta(days=1, seconds=-0.1) - super().now()

        def now(self) -> datetime:
            return super().now() + self._ahead

    with open_house(tmp_path, Nearly()) as house:
        house.run(add_schedule, "s", "@daily", done.set, time_zone="UTC")
        house.start()
        assert done.wait(30)
