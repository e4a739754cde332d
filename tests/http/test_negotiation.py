"""Which of several representations a client prefers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pode_py.http.negotiation import preferred_language, preferred_type

OFFERS = ("application/json", "application/xml", "text/csv", "text/html")


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        (None, "application/json"),
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/*", "text/csv"),
        ("text/html, */*;q=0.1", "text/html"),
        ("text/csv, application/json", "application/json"),
        ("text/csv;q=0.9, application/json;q=0.8", "text/csv"),
        ("APPLICATION/XML; charset=utf-8", "application/xml"),
        ("*/*, application/json;q=0", "application/xml"),
        ("text/*;q=0.3, text/html;q=0.7, */*;q=0.5", "text/html"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
        ("image/png", None),
        ("*/*;q=0", None),
        ("application/json;q=nonsense", None),
    ],
)
def test_the_most_specific_range_decides_the_weight(header: str | None, chosen: str | None):
    assert preferred_type(header, OFFERS) == chosen


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        (None, "en"),
        ("*", "en"),
        ("de", "de"),
        ("DE-at, en;q=0.5", "de"),
        ("pt", "pt-BR"),
        ("pt-PT", "pt-BR"),
        ("fr, de;q=0.2, en;q=0.1", "de"),
        ("en;q=0, *", "de"),
        ("fr", "en"),
    ],
)
def test_languages_fall_back_to_wider_ones_and_then_to_the_first(header: str | None, chosen: str):
    assert preferred_language(header, ("en", "de", "pt-BR")) == chosen


@given(st.text(max_size=60))
def test_any_header_gets_an_offer_or_none(header: str):
    assert preferred_type(header, OFFERS) in (*OFFERS, None)
    assert preferred_language(header, ("en", "de")) in ("en", "de")
