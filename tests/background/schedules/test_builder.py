"""new_cron builds the expressions that Pode's New-PodeCron builds."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pode_py.background.schedules.cron import parse_cron
from pode_py.background.schedules.cron_fields import MONTHS, WEEKDAYS
from pode_py.background.schedules.functions import new_cron


@pytest.mark.parametrize(
    ("expression", "arguments"),
    [
        ("* * * * *", {}),
        ("* * * * *", {"every": "minute"}),
        ("0 * * * *", {"every": "hour"}),
        ("0 0 * * *", {"every": "day"}),
        ("0 0 * * *", {"every": "date"}),
        ("0 0 1 * *", {"every": "month"}),
        ("0 0 1 1,4,7,10 *", {"every": "quarter"}),
        ("0 0 1 1 *", {"every": "year"}),
        ("0 1 * * 2,5", {"every": "day", "day": ["tuesday", "friday"], "hour": 1}),
        ("0 0 15 * *", {"every": "month", "date": 15}),
        ("0 0 2/2 * *", {"every": "date", "interval": 2, "date": 2}),
        ("0 0 */2 * *", {"every": "date", "interval": 2}),
        ("0 0 1 6 *", {"every": "year", "month": "june"}),
        ("0 1/1 * * *", {"every": "hour", "hour": 1, "interval": 1}),
        ("*/15 1,2,3,4,5 * * *", {"every": "minute", "hour": [1, 2, 3, 4, 5], "interval": 15}),
        ("10/15 * * * *", {"every": "minute", "minute": 10, "interval": 15}),
        ("0 * * * 1", {"every": "hour", "day": "monday"}),
        ("15 5 * * *", {"every": "day", "hour": 5, "minute": 15}),
        ("0,30 * * * *", {"every": "hour", "minute": [0, 30]}),
        ("0 0 * * 1/2", {"every": "day", "day": "monday", "interval": 2}),
        ("0 0 * * 1", {"every": "month", "day": "monday"}),
        ("0 0 1 */3 *", {"every": "month", "interval": 3}),
        ("0 0 1 2/3 *", {"every": "month", "interval": 3, "month": "february"}),
        ("0 0 15 1,4,7,10 *", {"every": "quarter", "date": 15}),
        ("0,10,20,30,40,50 * * * 2", {"day": "tuesday", "minute": [0, 10, 20, 30, 40, 50]}),
        ("* * * * 2", {"day": "tuesday"}),
        ("5 0 * * 2", {"day": "Tuesday", "hour": 0, "minute": 5}),
        ("0 0 * 1,12 0", {"month": ["JANUARY", "December"], "day": "Sunday", "every": "DAY"}),
    ],
)
def test_it_builds_what_pode_builds(expression: str, arguments: dict[str, Any]):
    assert new_cron(**arguments) == expression


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"interval": 5}, "An interval needs every="),
        ({"every": "none", "interval": 5}, "An interval needs every="),
        ({"every": "quarter", "interval": 2}, "every='quarter' takes no interval"),
        ({"every": "year", "interval": 2}, "every='year' takes no interval"),
        ({"every": "hour", "hour": [1, 2], "interval": 2}, "With an interval, hour takes one"),
        ({"every": "hour", "interval": -1}, "interval=-1 must be at least 0"),
        ({"every": "week"}, "every='week' is not known. Use one of: 'minute', 'hour'"),
        ({"minute": 60}, "minute=60 must be from 0 to 59"),
        ({"hour": [3, 24]}, "hour=24 must be from 0 to 23"),
        ({"date": 0}, "date=0 must be from 1 to 31"),
        ({"month": "jan"}, "month='jan' is not known. Did you mean 'january'"),
        ({"day": ["monday", "mon"]}, "day='mon' is not known"),
    ],
)
def test_what_is_out_of_bounds_is_refused(arguments: dict[str, Any], problem: str):
    with pytest.raises(ValueError, match=problem):
        new_cron(**arguments)


def some(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values | st.lists(values, min_size=1, max_size=3)


@given(
    minute=some(st.integers(0, 59)),
    hour=some(st.integers(0, 23)),
    date=some(st.integers(1, 28)),
    month=some(st.sampled_from(MONTHS)),
    day=some(st.sampled_from(WEEKDAYS)),
    every=st.sampled_from(["none", "minute", "hour", "day", "date", "month", "quarter", "year"]),
    interval=st.integers(0, 40),
)
def test_whatever_it_builds_is_a_valid_expression(every: str, interval: int, **parts: Any):
    try:
        expression = new_cron(every=every, interval=interval, **parts)  # type: ignore[arg-type]
    except ValueError as error:
        assert "nterval" in str(error)  # noqa: PT017 - most examples raise nothing
        return
    parse_cron(expression, random.Random(0).randint)
