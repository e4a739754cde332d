"""CSV of clients, read; and CSV of any rows, written."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pode_py.core.errors import StatusError
from pode_py.web.bodies import csvs
from pode_py.web.bodies.csvs import parse_csv, to_csv


def test_rows_are_dicts_by_the_names_of_the_first_line():
    rows = parse_csv('name,size\r\n"a, b",1\r\n\r\n"two\nlines","say ""hi"""\r\n')
    assert rows == [{"name": "a, b", "size": "1"}, {"name": "two\nlines", "size": 'say "hi"'}]


def test_the_first_line_alone_and_nothing_at_all_are_no_rows():
    assert parse_csv("a,b\n") == parse_csv("\n") == parse_csv("") == []


def test_a_short_row_has_empty_cells():
    assert parse_csv("a,b,c\n1\n") == [{"a": "1", "b": "", "c": ""}]


@pytest.mark.parametrize(
    "text",
    ["a\n1,2\n", "a,a\n1,2\n", 'a\n"b', 'a\n"b"c\n', "a\n" + "x" * 200_000, "a\n" + "," * 100_000],
)
def test_rows_that_do_not_fit_and_quotes_that_do_not_end_are_400(text: str):
    with pytest.raises(StatusError) as caught:
        parse_csv(text)
    assert caught.value.status == 400


def test_short_rows_below_a_long_first_line_cannot_grow_without_end():
    names = ",".join(map(str, range(50_000)))
    with pytest.raises(StatusError, match="too many rows that lack cells"):
        parse_csv(names + "\n" + "x\n" * 100_000)


def test_more_rows_than_memory_should_hold_are_413(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(csvs, "MOST_ROWS", 3)
    assert len(parse_csv("a\n" + "x\n" * 3)) == 3
    with pytest.raises(StatusError) as caught:
        parse_csv("a\n" + "x\n" * 4)
    assert caught.value.status == 413


def read(text: str) -> list[dict[str, str]]:
    """What the standard library's reader makes of it."""
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


_CELLS = st.none() | st.text() | st.integers() | st.booleans()
_NAMES = st.lists(st.text(), min_size=1, max_size=5, unique=True)


@given(st.data(), _NAMES)
def test_rows_come_back_through_the_standard_librarys_reader(data: st.DataObject, names: list[str]):
    row = st.fixed_dictionaries(dict.fromkeys(names, _CELLS))
    rows = data.draw(st.lists(row, min_size=1, max_size=5))
    text = to_csv(rows)
    assert read(text) == [{name: _text(one[name]) for name in names} for one in rows]
    assert parse_csv(text) == read(text)


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def test_a_lone_empty_cell_is_still_a_row():
    assert len(read(to_csv([{"a": None}, {"a": None}]))) == 2


class Colour(Enum):
    RED = "red"


@dataclass
class Row:
    day: date
    colour: Colour


class Thing:
    def __init__(self) -> None:
        self.id = UUID(int=1)
        self._hidden = 1


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ({"a": 1, "b": True, "c": 1.5}, ['"a","b","c"', '"1","True","1.5"']),
        (Row(date(2027, 3, 14), Colour.RED), ['"day","colour"', '"2027-03-14","red"']),
        ([Thing()], ['"id"', '"00000000-0000-0000-0000-000000000001"']),
        ([{"a": 1}, {"b": 2}], ['"a","b"', '"1",', ',"2"']),
        ({"a": [1, {"b": "x"}]}, ['"a"', '"[1,{""b"":""x""}]"']),
        (["a", None], ['"value"', '"a"', '""']),
        ([], []),
    ],
)
def test_values_become_rows(value: Any, lines: Iterable[str]):
    assert to_csv(value) == "\n".join(lines)


def test_what_has_no_text_says_what_to_give():
    with pytest.raises(TypeError, match=r"object can't be made CSV\. Give a dict"):
        to_csv([object()])
    with pytest.raises(TypeError, match="function can't be made CSV"):
        to_csv(test_values_become_rows)
