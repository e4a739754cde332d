"""Pode's timer functions: their three ways of taking a handler, and what they refuse."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pode_py.background.timers.functions import (
    add_timer,
    edit_timer,
    get_timer,
    remove_timer,
    test_timer,
    use_timers,
)
from pode_py.core.errors import PodeError, StartError
from pode_py.core.registration import WaitingRegistrations
from pode_py.testing.clock import FakeClock
from tests.background.house import Calls, House


def test_as_a_decorator_it_returns_the_function(house: House, clock: FakeClock):
    seen: list[int] = []

    def tick() -> None:
        seen.append(1)

    assert house.run(lambda: add_timer("t", 1)(tick)) is tick
    house.room(WaitingRegistrations).check()
    house.start()
    clock.advance(1)
    assert seen == [1]


def test_a_forgotten_decorator_is_named(house: House):
    house.run(add_timer, "lonely", 1)
    with pytest.raises(StartError, match=r'add_timer\("lonely", 1\) at .* has no handler'):
        house.room(WaitingRegistrations).check()


def test_a_file_gives_the_handler(house: House, clock: FakeClock, tmp_path: Path):
    (tmp_path / "job.py").write_text("seen = []\ndef handler(value):\n    value.append('run')\n")
    seen: list[str] = []
    house.run(add_timer, "t", 1, file_path="job.py", argument_list=[seen])
    house.start()
    clock.advance(1)
    assert seen == ["run"]


def test_a_folder_adds_its_timers(house: House, tmp_path: Path):
    source = (
        "from pode_py.background.timers.functions import add_timer\nadd_timer({!r}, 5, print)\n"
    )
    (tmp_path / "timers").mkdir()
    (tmp_path / "timers" / "one.py").write_text(source.format("one"))
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "two.py").write_text(source.format("two"))
    house.run(use_timers)
    house.run(use_timers, "more")
    assert [timer.name for timer in house.run(get_timer)] == ["one", "two"]


def test_a_folder_that_is_not_there_is_named(house: House):
    with pytest.raises(PodeError, match="timers does not exist"):
        house.run(use_timers)


def test_arguments_fill_the_parameters_by_position_and_by_name(house: House, clock: FakeClock):
    seen: list[Any] = []

    def handler(first: Any = None, second: Any = None) -> None:
        seen.append((first, second))

    house.run(add_timer, "by position", 1, handler, argument_list=[1, 2])
    house.run(add_timer, "by name", 2, handler, argument_list={"second": 4})
    house.start()
    clock.advance(2)
    assert sorted(seen, key=str) == sorted([(1, 2), (1, 2), (None, 4)], key=str)


def test_names_ignore_case_and_are_kept_as_written(house: House, calls: Calls):
    house.run(add_timer, "Clean Up", 1, calls)
    assert house.run(test_timer, "clean up")
    assert [timer.name for timer in house.run(get_timer, "CLEAN UP")] == ["Clean Up"]
    with pytest.raises(PodeError, match="Timer 'CLEAN up' already exists"):
        house.run(add_timer, "CLEAN up", 1, calls)


def test_get_filters_by_one_name_or_several(house: House, calls: Calls):
    for name in "abc":
        house.run(add_timer, name, 1, calls)
    assert [timer.name for timer in house.run(get_timer)] == ["a", "b", "c"]
    assert [timer.name for timer in house.run(get_timer, "b")] == ["b"]
    assert [timer.name for timer in house.run(get_timer, ["a", "c", "x"])] == ["a", "c"]


def test_removing_what_is_not_there_is_no_error(house: House):
    house.run(remove_timer, "x")
    assert not house.run(test_timer, "x")


def test_an_interval_may_be_a_timedelta(house: House, calls: Calls):
    house.run(add_timer, "t", timedelta(minutes=2), calls)
    assert house.run(get_timer)[0].interval == 120


@pytest.mark.parametrize(
    ("arguments", "named", "error", "message"),
    [
        (("", 1, print), {}, ValueError, "name must not be empty"),
        ((5, 1, print), {}, TypeError, "name takes a str"),
        (("t", 0, print), {}, ValueError, "interval=0 must be at least 0.001"),
        (("t", -1, print), {}, ValueError, "interval=-1 must be at least"),
        (("t", float("nan"), print), {}, ValueError, "interval"),
        (("t", "10", print), {}, TypeError, "interval takes seconds"),
        (("t", 1, print), {"limit": -1}, ValueError, "limit=-1 must be at least 0"),
        (("t", 1, print), {"limit": 1.5}, TypeError, "limit takes a whole number"),
        (("t", 1, print), {"skip": -1}, ValueError, "skip=-1 must be from 0 to"),
        (("t", 1, "print"), {}, TypeError, "handler takes a function"),
        (("t", 1, print), {"file_path": "x.py"}, ValueError, "not both"),
        (("t", 1), {"file_path": "none.py"}, PodeError, "none.py does not exist"),
    ],
)
def test_wrong_arguments_are_refused_with_a_sentence(
    house: House, arguments: tuple[Any, ...], named: dict[str, Any], error: type, message: str
):
    with pytest.raises(error, match=message):
        house.run(add_timer, *arguments, **named)
    assert house.run(get_timer) == []


def test_editing_what_is_not_there_is_refused(house: House):
    with pytest.raises(PodeError, match="Timer 'x' does not exist"):
        house.run(edit_timer, "x", 5)


def test_a_wrong_new_interval_changes_nothing(house: House, calls: Calls):
    house.run(add_timer, "t", 5, calls)
    with pytest.raises(ValueError, match="interval=0"):
        house.run(edit_timer, "t", 0)
    assert house.run(get_timer)[0].interval == 5
