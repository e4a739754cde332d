"""Durations, numbers and words: what is taken, and what an error says of the rest."""

from __future__ import annotations

import math
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pode_py.core.arguments import LONGEST, filled, one_of, seconds, whole_number


@pytest.mark.parametrize(
    ("value", "number"),
    [(0, 0.0), (2, 2.0), (0.5, 0.5), (timedelta(minutes=1), 60.0), (LONGEST, float(LONGEST))],
)
def test_a_duration_is_a_number_of_seconds_or_a_timedelta(value: Any, number: float):
    assert seconds("grace", value) == number


@pytest.mark.parametrize(
    "value", [LONGEST + 1, 1e12, 1e308, math.inf, 10**400, timedelta.max, timedelta(days=36_501)]
)
def test_a_duration_has_a_ceiling(value: Any):
    with pytest.raises(ValueError, match=r"^grace=.+ must be at most \d+ seconds, a hundred years"):
        seconds("grace", value)


def test_a_duration_that_means_never_says_how_that_is_written():
    with pytest.raises(ValueError, match=r"timeout=inf .* timeout=-1 means no end\.$"):
        seconds("timeout", math.inf, never="-1")


@pytest.mark.parametrize("value", [-1, -0.001, -math.inf, -(10**400), timedelta(seconds=-1)])
def test_a_duration_has_a_floor(value: Any):
    with pytest.raises(ValueError, match=r"^grace=.+ must be at least 0 seconds\.$"):
        seconds("grace", value)


def test_no_duration_is_nan():
    with pytest.raises(ValueError, match="grace=nan is no number of seconds"):
        seconds("grace", math.nan)


@pytest.mark.parametrize("value", [True, None, "long", b"5", [5]])
def test_other_types_are_no_duration(value: Any):
    says = f"grace takes seconds as a number or a timedelta, not {re.escape(repr(value))}.$"
    with pytest.raises(TypeError, match=says):
        seconds("grace", value)


@pytest.mark.parametrize("check", [seconds, whole_number])
def test_a_number_in_quotes_is_shown_without(check: Any):
    with pytest.raises(TypeError, match=r"grace takes .+, not '5'\. Write 5, without quotes\.$"):
        check("grace", "5")


def test_a_number_of_thousands_of_digits_is_not_printed():
    with pytest.raises(ValueError, match=r"^limit=<int of \d+ bits> must be from 0 to 9\.$"):
        whole_number("limit", 10**6000, maximum=9)


def test_a_misspelt_choice_names_the_nearest_and_all():
    says = r"method='GTE' is not known. Did you mean 'get'\? Use one of: 'get', 'post'\.$"
    with pytest.raises(ValueError, match=says):
        one_of("method", "GTE", ("get", "post"))


@pytest.mark.parametrize(
    ("value", "instead"), [(b"tick", r"Write 'tick', without the b"), (Path("a"), "Write 'a'")]
)
def test_what_is_nearly_text_says_how_to_write_it(value: Any, instead: str):
    with pytest.raises(TypeError, match=rf"name takes a str, not .+\. {instead}\.$"):
        filled("name", value)
