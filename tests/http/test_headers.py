"""Headers of requests and responses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pode_py.core.errors import StatusError
from pode_py.http.headers import RequestHeaders, ResponseHeaders, SharedFields, checked_field

DANGEROUS = "\r\n\0\x01\x0b\x0c\x1b\x7f"


@pytest.mark.parametrize("bad", [*DANGEROUS, "\r\nX: y", "Ā", "\u2028", "\ud800"])
@pytest.mark.parametrize("place", ["{}", "{}a", "a{}", "a{}b"])
@pytest.mark.parametrize("how", ["set", "add", "create", "default"])
def test_no_dangerous_character_gets_into_a_value(bad, place, how):
    value = place.format(bad)
    headers = ResponseHeaders()
    with pytest.raises(ValueError, match="can't be sent"):
        _put(headers, how, "X-Name", value)
    assert headers.fields() == []


@pytest.mark.parametrize("bad", [*DANGEROUS, " ", "\t", ":", "\r\nX: y", "ä", "(", "/", '"'])
@pytest.mark.parametrize("place", ["{}", "{}a", "a{}", "a{}b"])
@pytest.mark.parametrize("how", ["set", "add", "create", "default"])
def test_no_dangerous_character_gets_into_a_name(bad, place, how):
    headers = ResponseHeaders()
    with pytest.raises(ValueError, match="is not a header name"):
        _put(headers, how, place.format(bad), "value")
    assert headers.fields() == []


@pytest.mark.parametrize("name", ["", None, 5, b"X-Name"])
def test_a_name_is_text(name):
    with pytest.raises(ValueError, match="is not a header name"):
        checked_field(name, "value")


def _put(headers, how, name, value):
    if how == "set":
        headers[name] = value
    elif how == "add":
        headers.add(name, value)
    elif how == "default":
        headers.setdefault(name, value)
    else:
        ResponseHeaders([(name, value)])


@given(st.text())
def test_a_value_is_sent_as_it_is_or_not_at_all(text):
    try:
        _, value = checked_field("X-Name", text)
    except ValueError:
        return
    line = f"X-Name: {value}\r\n".encode("latin-1")
    assert line.count(b"\r") == line.count(b"\n") == 1
    assert value == text.strip(" \t")


def test_values_are_made_text():
    assert checked_field("X", 5) == ("X", "5")


def test_setting_replaces_and_adding_keeps():
    headers = ResponseHeaders([("A", "1"), ("B", "2")])
    headers.add("a", "3")
    assert headers["A"] == "1, 3"
    assert headers.get_all("a") == ["1", "3"]
    headers["a"] = "4"
    assert headers.fields() == [("B", "2"), ("a", "4")]
    del headers["A"]
    assert list(headers) == ["B"]
    assert "a" not in headers
    with pytest.raises(KeyError):
        del headers["a"]


def test_names_of_requests_ignore_case():
    headers = RequestHeaders([(b"accept", b"a"), (b"x-y", b"\xe4"), (b"accept", b"b")])
    assert headers["ACCEPT"] == "a, b"
    assert headers.get_all("Accept") == ["a", "b"]
    assert headers["X-Y"] == "ä"
    assert "x-Y" in headers
    assert "ä" not in headers
    assert 5 not in headers
    assert headers.get("none", "default") == "default"
    assert list(headers) == ["accept", "x-y"]


def test_a_header_that_the_client_did_not_send_is_400():
    with pytest.raises(StatusError) as caught:
        RequestHeaders([])["X-Needed"]
    assert caught.value.status == 400


SHARED = SharedFields([("X-A", "1"), ("Vary", "Origin")])


def shared() -> ResponseHeaders:
    headers = ResponseHeaders()
    headers.share(SHARED)
    return headers


def test_shared_fields_are_read_like_others():
    headers = shared()
    headers["Content-Type"] = "text/plain"
    assert headers["x-a"] == "1"
    assert "VARY" in headers
    assert list(headers.items()) == [
        ("X-A", "1"),
        ("Vary", "Origin"),
        ("Content-Type", "text/plain"),
    ]
    assert len(headers) == 3


def test_shared_fields_can_be_replaced_added_to_and_deleted_in_one_response_alone():
    headers = shared()
    headers["x-a"] = "2"
    headers.add("Vary", "Accept")
    assert headers.fields() == [("Vary", "Origin"), ("x-a", "2"), ("Vary", "Accept")]
    del headers["vary"]
    assert headers.fields() == [("x-a", "2")]
    assert shared().fields() == [("X-A", "1"), ("Vary", "Origin")]


def test_what_is_set_before_stays_when_fields_are_shared():
    headers = ResponseHeaders([("x-a", "mine")])
    headers.share(SHARED)
    headers.set_first(("Vary", "Accept"))
    assert headers.fields() == [("x-a", "mine"), ("Vary", "Origin")]


def test_a_field_that_is_shared_is_not_set_a_second_time():
    headers = shared()
    headers.set_first(("X-A", "2"))
    assert headers.get_all("X-A") == ["1"]


def test_equal_fields_have_equal_kinds():
    first, second = shared(), shared()
    assert first.kind() == second.kind()
    first["X-B"] = "1"
    assert first.kind() != second.kind()
