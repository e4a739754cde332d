"""Where several processes have the same timers and schedules, one of them runs them."""

from __future__ import annotations

from pode_py.background.primary import Primary
from pode_py.background.schedules.functions import add_schedule, get_schedule, invoke_schedule
from pode_py.background.timers.functions import add_timer, get_timer, invoke_timer
from pode_py.testing.clock import FakeClock
from tests.background.house import Calls, House


def test_it_is_ours_until_a_check_says_no():
    primary = Primary()
    assert primary.is_here()
    primary.ask(lambda: False)
    assert not primary.is_here()


def test_a_timer_that_is_due_elsewhere_goes_on_to_its_next_time(
    house: House, clock: FakeClock, calls: Calls
):
    house.run(add_timer, "t", 10, calls, limit=2)
    house.primary.ask(lambda: False)
    house.start()
    clock.advance(35)
    assert calls.count == 0
    house.primary.ask(lambda: True)
    clock.advance(4)
    assert calls.count == 0
    clock.advance(100)
    (timer,) = house.run(get_timer)
    assert (calls.count, timer.count, timer.completed) == (2, 2, True)
    assert house.reports == []


def test_a_schedule_that_is_due_elsewhere_goes_on_to_its_next_time(
    house: House, clock: FakeClock, calls: Calls
):
    house.run(add_schedule, "s", "* * * * *", calls, limit=2)
    house.primary.ask(lambda: False)
    house.start()
    clock.advance(150)
    assert calls.count == 0
    house.primary.ask(lambda: True)
    clock.advance(20)
    assert calls.count == 0
    clock.advance(300)
    (schedule,) = house.run(get_schedule)
    assert (calls.count, schedule.count, schedule.completed) == (2, 2, True)


def test_the_start_runs_nothing_elsewhere(house: House, clock: FakeClock, calls: Calls):
    house.run(add_timer, "t", 3600, calls, on_start=True)
    house.run(add_schedule, "s", "@yearly", calls, on_start=True)
    house.primary.ask(lambda: False)
    house.start()
    clock.advance(1)
    assert calls.count == 0


def test_what_is_for_every_process_runs_without_the_duty(
    house: House, clock: FakeClock, calls: Calls
):
    house.run(add_timer, "t", 60, calls, on_start=True, every_process=True)
    house.run(add_schedule, "s", "@yearly", calls, on_start=True, every_process=True)
    house.primary.ask(lambda: False)
    house.start()
    clock.advance(60)
    assert calls.count == 3


def test_what_is_invoked_runs_here(house: House, clock: FakeClock, calls: Calls):
    house.run(add_timer, "t", 3600, calls)
    house.run(add_schedule, "s", "@yearly", calls)
    house.primary.ask(lambda: False)
    house.start()
    house.run(invoke_timer, "t")
    house.run(invoke_schedule, "s")
    clock.advance(0)
    assert calls.count == 2


def test_a_clock_set_back_does_not_run_again_what_ran_elsewhere(
    house: House, clock: FakeClock, calls: Calls
):
    house.run(add_schedule, "daily", "0 12 * * *", calls)
    house.primary.ask(lambda: False)
    house.start()
    clock.advance(12 * 3600 + 60)
    house.primary.ask(lambda: True)
    clock.jump(wall=-3600)
    clock.advance(3 * 3600)
    assert calls.count == 0
