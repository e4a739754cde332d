"""Forwarded fields, conditions and charsets: what is read, and that nothing is too odd for it."""

from __future__ import annotations

import doctest
from datetime import UTC, datetime, timedelta
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pode_py.core.errors import StatusError
from pode_py.http import charsets, conditions
from pode_py.http.charsets import charset_of, codec_of, field_text, text_of
from pode_py.http.conditions import allows_range, outcome
from pode_py.http.forwarded import MAX_HOPS, forwarded, x_forwarded
from pode_py.http.headers import RequestHeaders

NOW = datetime(2027, 3, 14, 12, tzinfo=UTC)
TEXT = st.text(st.sampled_from('",;=\\[]:/ abfor1.W*') | st.characters(max_codepoint=255))


def headers(**fields: str) -> RequestHeaders:
    return RequestHeaders(
        [(name.replace("_", "-").encode(), value.encode()) for name, value in fields.items()]
    )


@pytest.mark.parametrize("module", [charsets, conditions])
def test_the_examples_are_right(module: ModuleType):
    assert doctest.testmod(module).failed == 0


def test_the_standard_field_is_read_with_its_quotes():
    chain = forwarded(
        headers(forwarded='For="[2001:db8::1]:47";Proto=https;host="a,b.example" , for=_hidden')
    )
    assert chain.addresses == ("2001:db8::1", None)
    assert chain.schemes == ("https", "")
    assert chain.hosts == ("a,b.example", "")


def test_several_fields_are_one_list():
    fields = [(b"forwarded", b"for=192.0.2.1"), (b"forwarded", b"for=192.0.2.2;host=a.example")]
    chain = forwarded(RequestHeaders(fields))
    assert chain.addresses == ("192.0.2.1", "192.0.2.2")
    assert chain.hosts == ("", "a.example")


def test_of_a_long_list_the_end_is_read():
    chain = x_forwarded(headers(x_forwarded_for="192.0.2.1," * 200 + "192.0.2.2"))
    assert len(chain.addresses) == MAX_HOPS
    assert chain.addresses[-1] == "192.0.2.2"


@pytest.mark.parametrize(
    "of_the_client",
    [
        'for="a',
        'for="a\\',
        'for="a\\"',
        'for=1.1.1.1, for="b',
        'for="a, for="b, for="c',
        '"' * 9999,
    ],
)
@pytest.mark.parametrize(
    "of_the_proxy", ['for="[2001:db8::7]"', "for=192.0.2.7", 'for="192.0.2.7:1"']
)
def test_no_quote_of_the_client_swallows_the_element_of_a_proxy(
    of_the_client: str, of_the_proxy: str
):
    alone = forwarded(headers(forwarded=of_the_proxy)).addresses
    both = forwarded(headers(forwarded=f"{of_the_client}, {of_the_proxy}")).addresses
    assert both[-1:] == alone
    assert alone[0] is not None


@given(TEXT)
def test_any_text_is_read(text: str):
    names = ("x_forwarded_for", "x_forwarded_proto", "x_forwarded_host", "x_forwarded_prefix")
    chain = x_forwarded(headers(**dict.fromkeys(names, text)))
    for host in chain.hosts + forwarded(headers(forwarded=text)).hosts:
        assert not set(host) & set('/\\ @"<>')
    for prefix in chain.prefixes:
        assert prefix == "" or (prefix[0] == "/" and prefix[:2] not in ("//", "/\\"))
    fields = headers(**dict.fromkeys(("if_match", "if_none_match", "if_range"), text))
    assert outcome(fields, '"a"', NOW) in (None, 304, 412)
    allows_range(fields, '"a"', NOW, NOW)
    charset_of(f"text/plain;{text}; charset={text}")
    assert all(item.strip() for item in headers(x=text).get_list("x"))


@given(st.binary())
def test_any_bytes_of_a_field_are_text(data: bytes):
    assert isinstance(field_text(data), str)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, None),
        ({"if_match": '"a"'}, None),
        ({"if_match": '"b"'}, 412),
        ({"if_match": 'W/"a"'}, 412),
        ({"if_match": "garbage"}, 412),
        ({"if_match": '"a"', "if_none_match": '"a"'}, 304),
        ({"if_match": '"b"', "if_none_match": '"a"'}, 412),
        ({"if_none_match": 'W/"a"'}, 304),
        ({"if_none_match": '"b"', "if_modified_since": "Sun, 14 Mar 2027 12:00:00 GMT"}, None),
        ({"if_unmodified_since": "Sun, 14 Mar 2027 11:59:59 GMT"}, 412),
        ({"if_unmodified_since": "Sun, 14 Mar 2027 12:00:00 GMT"}, None),
    ],
)
def test_conditions_are_met_in_the_order_of_the_standard(fields: dict[str, str], status: int):
    assert outcome(headers(**fields), '"a"', NOW) == status


def test_a_date_allows_a_range_a_second_after_the_change():
    fields = headers(if_range="Sun, 14 Mar 2027 12:00:00 GMT")
    assert not allows_range(fields, '"a"', NOW, NOW + timedelta(seconds=0.9))
    assert allows_range(fields, '"a"', NOW, NOW + timedelta(seconds=1))
    assert allows_range(headers(if_range='"a"'), '"a"', NOW, NOW)


@pytest.mark.parametrize("charset", sorted(charsets.CODECS))
def test_every_charset_on_the_list_is_one_that_python_knows(charset: str):
    codec = codec_of(charset)
    assert "a1".encode(codec).decode(codec) == "a1"


def test_no_charset_is_utf_8_and_an_unknown_one_is_415():
    assert codec_of(None) == "utf-8"
    with pytest.raises(StatusError, match="Send it as UTF-8") as error:
        codec_of("punycode")
    assert error.value.status == 415


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@given(text=st.text(st.characters(exclude_characters="\ufeff", exclude_categories=["Cs"])))
def test_the_mark_of_a_file_says_how_it_was_written(encoding: str, text: str):
    # A text in UTF-16 that begins with NUL looks like one in UTF-32.
    if text.startswith("\0"):
        return
    assert text_of(text.encode(encoding)) == text
