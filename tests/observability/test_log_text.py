"""Safe text: whatever goes in, a as_record is one record."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from pode_py.observability.logs.text import as_record, bare, quoted, text_of

ANY_TEXT = st.text(st.characters(codec=None))


@given(ANY_TEXT)
def test_a_record_begins_at_the_first_column_and_goes_on_indented(text):
    first, *rest = as_record(text).split("\n")
    assert all(line.startswith("    ") for line in rest)
    assert first.splitlines() in ([first], [])


@given(ANY_TEXT)
def test_a_record_holds_no_control_but_line_ends_and_tabs(text):
    controls = {c for c in as_record(text) if unicodedata.category(c) in {"Cc", "Zl", "Zp"}}
    assert controls <= {"\n", "\t"}


@given(ANY_TEXT)
def test_a_quoted_value_is_one_line_whose_quotes_are_escaped(text):
    value = quoted(text)
    assert len(value.splitlines()) == 1
    plain = value.replace("\\\\", "").replace('\\"', "")
    assert '"' not in plain
    assert not plain.endswith("\\")


@given(ANY_TEXT)
def test_a_bare_value_holds_no_white_space(text):
    assert len(bare(text).split()) == 1


def test_plain_text_stays_as_it_is():
    text = "GET /größe?q=日本 🎉"
    assert as_record(text) == quoted(text) == text


def test_what_is_not_text_becomes_json_or_at_least_readable():
    circle: list[object] = []
    circle.append(circle)
    assert text_of({"a": [1, None]}) == '{"a":[1,null]}'
    assert text_of(b"bytes \xff") == "bytes \\xff"
    assert text_of({"x": 1j}) == '{"x":"1j"}'
    assert text_of({(1, 2): "x"}) == "{(1, 2): 'x'}"
    assert text_of(circle) == "[[...]]"
    assert text_of(float("nan")) == "NaN"
