"""Set-Cookie lines, and the cookies that come back."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pode_py.core.signing import sign, unsign
from pode_py.http.cookies import LONGEST_COOKIE, Cookie, CookieFields, decoded, parse_cookies
from pode_py.http.headers import ResponseHeaders

# RFC 6265, 4.1.1: cookie-octet.
OCTETS = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*\Z")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


def travelled(value: str) -> str:
    """The raw text that a browser sends back."""
    pair = Cookie("n", value).header().split("; ")[0]
    return parse_cookies([f"other=1; {pair}; last=2"])["n"]


@given(TEXT)
def test_any_text_comes_back_as_it_was_set(text: str):
    raw = travelled(text)
    assert OCTETS.match(raw)
    assert CookieFields({"n": raw})["n"] == text


@given(TEXT, st.text(min_size=1).filter(lambda secret: secret.isprintable()))
def test_any_signed_text_comes_back_with_its_signature(text: str, secret: str):
    assert unsign(decoded(travelled(sign(text, secret))), secret) == text


@given(st.text())
def test_anything_can_be_decoded(text: str):
    assert isinstance(CookieFields(parse_cookies([text])), dict)


def test_values_are_encoded_but_for_the_octets_of_a_cookie():
    plain = "!#$&'()*+-./09:<=>?@AZ[]^_`az{|}~"
    assert travelled(plain) == plain
    assert travelled('%;, "\\\tö') == "%25%3B%2C%20%22%5C%09%C3%B6"


@pytest.mark.parametrize(
    ("raw", "text"),
    [("a%20b", "a b"), ("a%2520b", "a%20b"), ("%", "%"), ("%zz", "%zz"), ("a+b", "a+b")],
)
def test_values_are_decoded_once(raw: str, text: str):
    assert decoded(raw) == text


def test_octets_that_are_no_utf_8_are_replaced():
    assert decoded("%ff") == "\ufffd"


@pytest.mark.parametrize(
    ("cookie", "what"),
    [
        (Cookie("__Host-id", "7"), "secure=True"),
        (Cookie("__Secure-id", "7"), "secure=True"),
        (Cookie("__host-id", "7"), "secure=True"),
        (Cookie("id", "7", partitioned=True), "partitioned"),
        (Cookie("id", "7", same_site="none"), "same_site"),
        (Cookie("__Host-id", "7", secure=True, path="/app"), "path='/'"),
        (Cookie("__HOST-id", "7", secure=True, domain="a.org"), "no domain"),
        (Cookie("id", "7", path="app"), "Path"),
        (Cookie("id", "7", path=""), "Path"),
        (Cookie("id", "7", path=5), "Path"),  # type: ignore[arg-type]
        (Cookie("id", "7", domain=5), "Domain"),  # type: ignore[arg-type]
    ],
)
def test_what_browsers_refuse_is_refused_here(cookie: Cookie, what: str):
    with pytest.raises(ValueError, match=what):
        cookie.header()


def test_names_with_a_prefix_are_fine_by_their_rules():
    assert Cookie("__Host-id", "7", secure=True).header() == (
        "__Host-id=7; Path=/; Secure; HttpOnly; SameSite=Lax"
    )
    whole: dict[str, Any] = {"domain": "a.org", "path": "/app", "partitioned": True}
    assert Cookie("__Secure-id", "7", secure=True, **whole).header() == (
        "__Secure-id=7; Path=/app; Domain=a.org; Secure; HttpOnly; SameSite=Lax; Partitioned"
    )


def test_a_cookie_has_at_most_4096_octets():
    rest = len(Cookie("n", "").header())
    longest = Cookie("n", "x" * (LONGEST_COOKIE - rest)).header()
    assert len(longest) == LONGEST_COOKIE
    with pytest.raises(ValueError, match="4097 octets"):
        Cookie("n", "x" * (LONGEST_COOKIE - rest + 1)).header()
    with pytest.raises(ValueError, match="octets"):
        Cookie("n", "ö" * 1000).header()


def test_a_line_is_replaced_where_it_stands():
    headers = ResponseHeaders([("Set-Cookie", "a=1"), ("X-A", "a=1"), ("set-cookie", "b=2")])
    headers.set_line("Set-Cookie", "a=", "a=3")
    headers.set_line("Set-Cookie", "c=", "c=4")
    assert headers.fields() == [
        ("Set-Cookie", "a=3"),
        ("X-A", "a=1"),
        ("set-cookie", "b=2"),
        ("Set-Cookie", "c=4"),
    ]
