"""YAML of clients, read safely; and YAML of any value, written."""

from __future__ import annotations

import sys
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pode_py.core.errors import PodeError, StatusError
from pode_py.web.bodies.yamls import parse_yaml, to_yaml


def test_yaml_is_read():
    assert parse_yaml("a: 1\nb: [x, y]\nday: 2027-03-14\n") == {
        "a": 1,
        "b": ["x", "y"],
        "day": date(2027, 3, 14),
    }
    assert parse_yaml("") is None


_BOMB = "a: &a [x, x]\n" + "".join(
    f"{after}: &{after} [{f'*{before}, ' * 9}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        _BOMB,
        "a: &x 1\nb: *x",
        "a: &x [*x]",
        "a: 1\na: 2",
        "a: [1",
        "a: b: c",
        "a: 1\n---\nb: 2",
        "? {a: 1}\n: 2",
        "!!python/object/apply:os.system ['false']",
        "!!python/name:os.system",
        "!own 1",
        "[" * 129 + "]" * 129,
        "[" * 500_000,
        "{a: " * 100_000,
        "- " * 200_000,
        "? " * 200_000,
        "1:" * 300_000 + "1",
        "9" * 5000,
        "day: 2027-99-99",
        "a: \x00",
    ],
)
def test_what_is_no_yaml_or_dear_or_ambiguous_is_400(text: str):
    with pytest.raises(StatusError) as caught:
        parse_yaml(text)
    assert caught.value.status == 400


def test_more_than_a_mebibyte_is_413():
    with pytest.raises(StatusError) as caught:
        parse_yaml("#" * (1024 * 1024 + 1))
    assert caught.value.status == 413


def test_128_levels_are_fine():
    parse_yaml("[" * 128 + "]" * 128)


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=15,
)


@given(_VALUES)
def test_what_is_written_is_read_again(value: Any):
    assert yaml.safe_load(to_yaml(value)) == value


def test_values_become_what_they_become_in_json():
    shared = {"x": Decimal("1.5")}
    assert to_yaml([shared, shared]) == "- x: 1.5\n- x: 1.5"
    assert to_yaml({"t": "one\ntwo", "day": date(2027, 3, 14)}) == (
        "t: |-\n  one\n  two\nday: '2027-03-14'"
    )
    assert (to_yaml([]), to_yaml({}), to_yaml(5)) == ("[]", "{}", "5")


def test_without_the_package_the_error_names_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    for call in (lambda: to_yaml({}), lambda: parse_yaml("a: 1")):
        with pytest.raises(PodeError, match=r"pip install \"pode-py\[yaml\]\""):
            call()
