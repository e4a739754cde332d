"""Fields, forms, cookies, ranges, weighted lists and content types."""

from __future__ import annotations

import doctest
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import ModuleType
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pode_py.core.errors import StatusError
from pode_py.http import accept, cookies, fields, forms, mime, ranges
from pode_py.http.accept import best_of, parse_accept
from pode_py.http.cookies import Cookie, parse_cookies
from pode_py.http.fields import Fields
from pode_py.http.forms import parse_pairs
from pode_py.http.ranges import parse_ranges, resolve_range


@pytest.mark.parametrize("module", [accept, cookies, fields, forms, mime, ranges])
def test_the_examples_are_right(module: ModuleType):
    assert doctest.testmod(module).failed == 0


def test_a_missing_field_is_a_400_that_names_it():
    with pytest.raises(StatusError, match="query parameter 'page'") as caught:
        Fields("query parameter")["page"]
    assert caught.value.status == 400


def test_a_missing_field_is_none_with_get_and_not_in_them():
    values = Fields("field", {"a": 1})
    assert values.get("b") is None
    assert "b" not in values
    assert values == {"a": 1}


@given(st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.just("x"))))
def test_pairs_come_back_as_they_were_encoded(pairs: list[tuple[str, str]]):
    kept = [(name, value) for name, value in pairs if name]
    assert parse_pairs(urlencode(kept)) == kept


@given(st.text())
def test_any_text_is_pairs(text: str):
    parse_pairs(text.encode("utf-8", "replace").decode("latin-1"))


@given(st.text(st.characters(max_codepoint=255)))
def test_any_cookie_field_is_read(text: str):
    assert all(isinstance(value, str) for value in parse_cookies([text]).values())


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("a=1; a=2", {"a": "1"}),
        ("a=b=c", {"a": "b=c"}),
        ('a="x', {"a": '"x'}),
        ('a="', {"a": '"'}),
        ("=x; ;;y", {}),
        ("__proto__=1; a = 2 ", {"__proto__": "1", "a": "2"}),
        ("a=1;b=2", {"a": "1", "b": "2"}),
    ],
)
def test_odd_cookies_are_harmless(header: str, found: dict[str, str]):
    assert parse_cookies([header]) == found


def test_no_more_than_two_hundred_cookies_are_looked_at():
    header = ";".join(f"c{number}=1" for number in range(1000))
    assert len(parse_cookies([header])) == 200


def test_a_cookie_is_written_with_its_attributes():
    cookie = Cookie(
        "__Secure-id",
        "7",
        expires=datetime(2030, 1, 2, tzinfo=UTC),
        domain="a.org",
        secure=True,
        http_only=False,
        same_site="none",
    )
    assert cookie.header() == (
        "__Secure-id=7; Expires=Wed, 02 Jan 2030 00:00:00 GMT; Path=/; Domain=a.org; Secure; "
        "SameSite=None"
    )


@pytest.mark.parametrize("text", ["/a\r\nb", "/a\nb", "/a\rb", "/a\0b", "/a;b", "/ö", "/a\x7fb"])
def test_a_cookie_never_breaks_its_line(text: str):
    bad: list[dict[str, Any]] = [
        {"name": text, "value": "x"},
        {"name": "a", "value": "x", "path": text},
        {"name": "a", "value": "x", "domain": text},
    ]
    for options in bad:
        with pytest.raises(ValueError, match="cookie"):
            Cookie(**options).header()


def test_a_cookie_for_all_sites_must_be_secure():
    with pytest.raises(ValueError, match="secure=True"):
        Cookie("a", "x", same_site="none").header()


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("bytes=0-0", [(0, 0)]),
        ("bytes= 1-2 , 3-", [(1, 2), (3, None)]),
        ("bytes=-", None),
        ("bytes=2-1", None),
        ("bytes=1-2,,", None),
        ("bytes=--1", None),
        ("bytes=" + "9" * 30 + "-", None),
        ("", None),
        (None, None),
        ("bytes=" + ",".join(["0-1"] * 16), [(0, 1)] * 16),
        ("bytes=" + ",".join(["0-1"] * 17), None),
    ],
)
def test_ranges_are_right_or_ignored(header: str | None, found: object):
    assert parse_ranges(header) == found


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 40))
def test_a_range_is_always_within_the_size(first: int, last: int, size: int):
    for asked in ((first, first + last), (first, None), (None, last)):
        found = resolve_range(asked, size)
        if found is not None:
            assert found[1] > 0
            assert 0 <= found[0] < found[0] + found[1] <= size


@pytest.mark.parametrize(
    ("header", "best"),
    [
        ("gzip", "gzip"),
        ("br, gzip;q=0.1", "gzip"),
        ("deflate, gzip", "gzip"),
        ("deflate;q=1.000, gzip;q=0.999", "deflate"),
        ("gzip;q=0", None),
        ("gzip;q=nan", None),
        ("gzip;q=5", None),
        ("*", None),
        ("", None),
        (None, None),
    ],
)
def test_the_best_offer_is_one_that_the_client_names(header: str | None, best: str | None):
    assert best_of(header, ("gzip", "deflate")) == best


@pytest.mark.parametrize("parse", [parse_accept, parse_ranges, lambda text: parse_cookies([text])])
@pytest.mark.parametrize("piece", [",", ";", "=", "a,", "a;q=0.5,", "-", "bytes=0-1,", '"'])
def test_parsers_take_time_in_proportion(parse: Callable[[str], object], piece: str):
    text = "bytes=" + piece * (64 * 1024 // len(piece))
    started = time.process_time()
    for _ in range(5):
        parse(text)
    assert time.process_time() - started < 0.5
