"""JSON text of Python values."""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pode_py.core.jsons import to_json


class Colour(Enum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


@dataclass
class Inner:
    when: date


@dataclass
class Outer:
    inner: Inner
    tags: set[str]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": 1, "b": [True, None, 1.5]}, '{"a":1,"b":[true,null,1.5]}'),
        ("ä\u2028", '"ä\u2028"'),
        (datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC), '"2030-01-02T03:04:05Z"'),
        (date(2030, 1, 2), '"2030-01-02"'),
        (time(3, 4), '"03:04:00"'),
        (timedelta(minutes=1.5), "90.0"),
        (Decimal("1.10"), "1.1"),
        (Decimal("12345678901234567890"), "12345678901234567890"),
        (UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        (Colour.RED, '"red"'),
        (Level.HIGH, "3"),
        (PurePosixPath("/a/b"), '"/a/b"'),
        ({"x"}, '["x"]'),
        (frozenset({1}), "[1]"),
        ("ä".encode(), '"ä"'),
        (bytearray(b"x"), '"x"'),
        (memoryview(b"x"), '"x"'),
        ((1, 2), "[1,2]"),
        (Outer(Inner(date(2030, 1, 2)), {"a"}), '{"inner":{"when":"2030-01-02"},"tags":["a"]}'),
        (MappingProxyType({"a": 1}), '{"a":1}'),
        (OrderedDict(b=1, a=2), '{"b":1,"a":2}'),
    ],
)
def test_values_have_one_compact_text(value: Any, text: str):
    assert to_json(value) == text


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (1, "1"),
        (True, "true"),
        (None, "null"),
        (date(2030, 1, 2), "2030-01-02"),
        (UUID(int=1), str(UUID(int=1))),
        (Colour.RED, "red"),
        (b"x", "x"),
        (PurePosixPath("/a"), "/a"),
    ],
)
def test_keys_are_made_text(key: Any, text: str):
    assert json.loads(to_json({key: [{key: {1}}]})) == {text: [{text: [1]}]}


@pytest.mark.parametrize(
    "value",
    [object(), [object()], {"a": len}, {(1, 2): 1}, Inner, b"\xff", 1j, {"a": {object(): 1}}],
)
def test_what_can_t_be_said_is_a_type_error_that_names_it(value: Any):
    with pytest.raises(TypeError, match="can't be"):
        to_json(value)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"a": [1, {"b": object()}]}, "It stands at ['a'][1]['b']."),
        ({"a": float("nan")}, "It stands at ['a']."),
        ({1: [Inner(object())]}, "It stands at [1][0]['when']."),
        ({"a": {("x", 1): 2}}, "The key ('x', 1) can't be one in JSON. Use a str."),
        ([{date(2030, 1, 2): object()}], "It stands at [0][datetime.date(2030, 1, 2)]."),
    ],
)
def test_an_error_says_where_in_the_value_it_stands(value: Any, says: str):
    with pytest.raises((TypeError, ValueError)) as raised:
        to_json(value)
    assert says in str(raised.value)


@pytest.mark.parametrize(
    "value", [float("nan"), [float("inf")], Decimal("NaN"), {"a": -float("inf")}]
)
def test_nan_and_infinity_are_value_errors(value: Any):
    with pytest.raises(ValueError, match="no JSON text"):
        to_json(value)


def test_a_value_that_contains_itself_is_a_value_error():
    value: list[Any] = []
    value.append(value)
    with pytest.raises(ValueError, match="no JSON text"):
        to_json(value)


def test_a_value_that_is_too_deep_is_a_value_error():
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(ValueError, match="nested too deeply"):
        to_json(value)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_what_json_has_comes_back_as_it_was(value: Any):
    text = to_json(value)
    text.encode("utf-8")
    assert json.loads(text) == value


def test_half_of_a_surrogate_pair_is_escaped():
    assert to_json("\ud800é") == '"\\ud800\\u00e9"'
