"""Pode's schedule functions: their three ways of taking a handler, and what they refuse."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pode_py.background.schedules.functions import (
    add_schedule,
    edit_schedule,
    get_schedule,
    get_schedule_next_trigger,
    get_schedule_process,
    invoke_schedule,
    remove_schedule,
    set_schedule_concurrency,
    test_schedule,
    use_schedules,
)
from pode_py.core.errors import PodeError, StartError
from pode_py.core.registration import WaitingRegistrations
from pode_py.testing.clock import FakeClock
from tests.background.house import Calls, House


def test_as_a_decorator_it_returns_the_function(house: House, clock: FakeClock):
    seen: list[int] = []

    def tick() -> None:
        seen.append(1)

    assert house.run(lambda: add_schedule("s", "@minutely")(tick)) is tick
    house.room(WaitingRegistrations).check()
    house.start()
    clock.advance(60)
    assert seen == [1]


def test_a_forgotten_decorator_is_named(house: House):
    house.run(add_schedule, "lonely", "@hourly")
    with pytest.raises(StartError, match=r'add_schedule\("lonely", .*\) at .* has no handler'):
        house.room(WaitingRegistrations).check()


def test_a_wrong_expression_is_refused_where_the_decorator_gets_its_function(house: House):
    decorator = house.run(add_schedule, "s", "61 * * * *")
    with pytest.raises(ValueError, match="minute: 61"):
        house.run(decorator, print)


def test_a_file_gives_the_handler(house: House, clock: FakeClock, tmp_path: Path):
    (tmp_path / "job.py").write_text("def handler(value):\n    value.append('run')\n")
    seen: list[str] = []
    house.run(add_schedule, "s", "* * * * *", file_path="job.py", argument_list={"value": seen})
    house.start()
    clock.advance(60)
    assert seen == ["run"]


def test_a_folder_adds_its_schedules(house: House, tmp_path: Path):
    source = (
        "from pode_py.background.schedules.functions import add_schedule\n"
        "add_schedule({!r}, '@daily', print)\n"
    )
    (tmp_path / "schedules").mkdir()
    (tmp_path / "schedules" / "one.py").write_text(source.format("one"))
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "two.py").write_text(source.format("two"))
    house.run(use_schedules)
    house.run(use_schedules, "more")
    assert [schedule.name for schedule in house.run(get_schedule)] == ["one", "two"]


def test_a_folder_that_is_not_there_is_named(house: House):
    with pytest.raises(PodeError, match="schedules does not exist"):
        house.run(use_schedules)


def test_names_ignore_case_and_are_kept_as_written(house: House, calls: Calls):
    house.run(add_schedule, "Clean Up", "@daily", calls)
    assert house.run(test_schedule, "clean up")
    assert [one.name for one in house.run(get_schedule, "CLEAN UP")] == ["Clean Up"]
    with pytest.raises(PodeError, match="Schedule 'CLEAN up' already exists"):
        house.run(add_schedule, "CLEAN up", "@daily", calls)


def test_get_filters_by_names(house: House, calls: Calls):
    for name in "abc":
        house.run(add_schedule, name, "@daily", calls)
    assert [one.name for one in house.run(get_schedule)] == ["a", "b", "c"]
    assert [one.name for one in house.run(get_schedule, ["a", "c", "x"])] == ["a", "c"]


def test_get_filters_by_the_time_of_the_next_triggers(house: House, calls: Calls):
    house.run(add_schedule, "hourly", "@hourly", calls, time_zone="UTC")
    house.run(add_schedule, "June", "0 0 1 6 *", calls, time_zone="UTC")
    until = datetime(2027, 3, 1)
    house.run(add_schedule, "until March", "@daily", calls, time_zone="UTC", end_time=until)

    def names(**times: datetime) -> list[str]:
        return [one.name for one in house.run(get_schedule, **times)]

    assert names(end_time=datetime(2027, 1, 2)) == ["hourly", "until March"]
    assert names(start_time=datetime(2027, 3, 2)) == ["hourly", "June"]
    assert names(start_time=datetime(2027, 6, 1), end_time=datetime(2027, 6, 1)) == [
        "hourly",
        "June",
    ]
    assert names(end_time=datetime(2027, 1, 1, 0, 30, tzinfo=UTC)) == []


def test_the_next_trigger_after_a_time(house: House, calls: Calls):
    house.run(add_schedule, "s", "0 12 * * *", calls, time_zone="Europe/Berlin")
    found = house.run(get_schedule_next_trigger, "s")
    assert found.isoformat() == "2027-01-01T12:00:00+01:00"
    found = house.run(get_schedule_next_trigger, "s", datetime(2027, 7, 1, 12))
    assert found.isoformat() == "2027-07-02T12:00:00+02:00"


def test_the_next_trigger_lies_between_start_and_end(house: House, calls: Calls):
    start, end = datetime(2027, 2, 1), datetime(2027, 2, 10)
    options = {"time_zone": "UTC", "start_time": start, "end_time": end}
    house.run(add_schedule, "s", "0 12 * * *", calls, **options)
    assert house.run(get_schedule_next_trigger, "s") == datetime(2027, 2, 1, 12, tzinfo=UTC)
    assert house.run(get_schedule_next_trigger, "s", datetime(2027, 2, 9, 12)) is None
    with pytest.raises(PodeError, match=r"starts at 2027-02-01 00:00:00\+00:00"):
        house.run(get_schedule_next_trigger, "s", datetime(2027, 1, 1))
    with pytest.raises(PodeError, match="ends at 2027-02-10"):
        house.run(get_schedule_next_trigger, "s", datetime(2027, 3, 1))


def test_removing_what_is_not_there_is_no_error(house: House):
    house.run(remove_schedule, "x")
    assert not house.run(test_schedule, "x")


@pytest.mark.parametrize(
    ("arguments", "named", "error", "message"),
    [
        (("", "@daily", print), {}, ValueError, "name must not be empty"),
        (("s", [], print), {}, ValueError, "needs at least one cron expression"),
        (("s", "* * *", print), {}, ValueError, "needs five fields"),
        (("s", ["@daily", "wrong"], print), {}, ValueError, "cron 'wrong'"),
        (("s", 5, print), {}, TypeError, "cron takes a str"),
        (("s", "@daily", print), {"limit": -1}, ValueError, "limit=-1 must be at least 0"),
        (("s", "@daily", print), {"timeout": -2}, ValueError, "timeout=-2 must be"),
        (("s", "@daily", print), {"timeout_from": "end"}, ValueError, "'create', 'start'"),
        (("s", "@daily", print), {"time_zone": "Mars"}, ValueError, "time_zone='Mars'"),
        (("s", "@daily", print), {"start_time": "now"}, TypeError, "start_time takes a datetime"),
        (("s", "@daily", print), {"end_time": datetime(2026, 1, 1)}, ValueError, "in the future"),
        (
            ("s", "@daily", print),
            {"start_time": datetime(2027, 3, 1), "end_time": datetime(2027, 2, 1)},
            ValueError,
            "end_time must come after start_time",
        ),
        (("s", "@daily", "print"), {}, TypeError, "handler takes a function"),
        (("s", "@daily", print), {"file_path": "x.py"}, ValueError, "not both"),
        (("s", "@daily"), {"file_path": "none.py"}, PodeError, "none.py does not exist"),
    ],
)
def test_wrong_arguments_are_refused_with_a_sentence(
    house: House, arguments: tuple[Any, ...], named: dict[str, Any], error: type, message: str
):
    with pytest.raises(error, match=message):
        house.run(add_schedule, *arguments, **named)
    assert house.run(get_schedule) == []


def test_concurrency_must_be_at_least_one(house: House):
    with pytest.raises(ValueError, match="maximum=0 must be from 1 to"):
        house.run(set_schedule_concurrency, 0)


def test_an_unknown_state_is_refused(house: House):
    with pytest.raises(ValueError, match="state='done' is not known"):
        house.run(get_schedule_process, state="done")


@pytest.mark.parametrize("function", [edit_schedule, invoke_schedule, get_schedule_next_trigger])
def test_what_is_not_there_is_named(house: House, function: Any):
    with pytest.raises(PodeError, match=r"Schedule 'x' does not exist\. There are: none"):
        house.run(function, "x")
