"""XML of clients, read; and XML of any value, written."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pode_py.core.errors import StatusError
from pode_py.web.bodies.xmls import parse_xml, to_xml


def test_the_root_is_there_by_its_name_and_its_children_by_theirs():
    made = parse_xml('<user id="7"><name>rick</name><tag>a</tag><tag>b</tag><empty/></user>')
    user = {"id": "7", "name": "rick", "tag": ["a", "b"], "empty": ""}
    assert made == {**user, "user": user}


def test_a_root_of_text_alone_is_that_text():
    assert parse_xml("<username>rick</username>") == {"username": "rick"}


def test_a_child_of_the_roots_name_stands_below_the_root():
    assert parse_xml("<a><a>x</a></a>") == {"a": {"a": "x"}}


def test_a_child_beats_an_attribute_of_its_name():
    assert parse_xml('<a><b c="1"><c>2</c></b></a>')["b"] == {"c": "2"}


def test_text_next_to_others_has_a_name_of_its_own():
    assert parse_xml('<a><b lang="en">hi</b></a>')["b"] == {"lang": "en", "#text": "hi"}
    assert parse_xml("<a>\n one <b/> two </a>")["#text"] == "one  two"


def test_white_space_alone_is_no_text():
    assert parse_xml("<a>\n  <b> \n </b>\n</a>") == {"a": {"b": ""}, "b": ""}


def test_cdata_and_references_are_text():
    assert parse_xml("<a><![CDATA[<b>]]>&amp;&#252;</a>") == {"a": "<b>&ü"}


def test_names_lose_their_prefixes_and_declarations_are_no_attributes():
    made = parse_xml('<a:b xmlns:a="urn:x y" xmlns="z" c="1" xml:lang="en"><a:d>e</a:d></a:b>')
    assert made["b"] == {"c": "1", "lang": "en", "d": "e"}


def test_a_declared_encoding_holds_for_bytes():
    text = '<?xml version="1.0" encoding="iso-8859-1"?><a>ü</a>'
    assert parse_xml(text.encode("latin-1")) == {"a": "ü"}
    assert parse_xml(text) == {"a": "ü"}
    assert parse_xml("<a>ü</a>".encode("utf-16")) == {"a": "ü"}


@pytest.mark.parametrize(
    "body",
    [
        "",
        "  ",
        "<a>",
        "<a></b>",
        "<a/><b/>",
        "text",
        "<a b='1' b='2'/>",
        "<p:a/>",
        "<a>&unknown;</a>",
        "<a>&#0;</a>",
        b"<a>\xff</a>",
        b"<?xml version='1.0' encoding='utf-7'?><a/>",
        b"<?xml version='1.0' encoding='zlib'?><a/>",
        b"<?xml version='1.0' encoding='no-such'?><a/>",
        "<a>" * 129 + "</a>" * 129,
        "<a>" * 500_000,
    ],
)
def test_what_is_no_xml_or_too_deep_is_400(body: Any):
    with pytest.raises(StatusError) as caught:
        parse_xml(body)
    assert caught.value.status == 400


def test_128_levels_are_fine():
    parse_xml("<a>" * 128 + "</a>" * 128)


_LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    "document_type",
    [
        "<!DOCTYPE a>",
        f'<!DOCTYPE a [<!ENTITY l0 "lol">{_LAUGHS}]>',
        '<!DOCTYPE a [<!ENTITY l9 SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd">',
        '<!DOCTYPE a [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>',
    ],
)
def test_a_document_type_is_refused_before_it_means_anything(document_type: str):
    with pytest.raises(StatusError, match="document type"):
        parse_xml(f"{document_type}<a>&l9;</a>")


def test_many_attributes_take_no_more_time_each_than_few():
    def seconds(count: int) -> float:
        body = "<a " + " ".join(f"n{one}='v'" for one in range(count)) + "/>"
        best = min(_timed(body) for _ in range(3))
        return best / count

    assert seconds(100_000) < 20 * seconds(2_000)


def _timed(body: str) -> float:
    start = time.thread_time()
    parse_xml(body)
    return time.thread_time() - start


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(_VALUES)
def test_xml_of_any_value_is_well_formed(value: Any):
    for root in (None, "root"):
        ElementTree.fromstring(to_xml(value, root).encode())


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")))
def test_text_comes_back_as_it_was(text: str):
    read = ElementTree.fromstring(to_xml({"x": text}, "root").encode())
    assert (read[0].text or "") == text


@given(st.dictionaries(st.from_regex(r"[a-z][a-z0-9.]{0,5}", fullmatch=True), st.text("ab<&]>")))
def test_what_is_written_below_a_root_is_read_again(value: dict[str, str]):
    # A child that is called as its root can't be told from it.
    kept = {name: text for name, text in value.items() if name != "root"}
    made = parse_xml(to_xml(kept, "root"))
    assert made["root"] == (kept or "")


def test_a_list_repeats_its_element_and_booleans_are_those_of_xml():
    text = to_xml({"tag": ["a", "b"], "ok": True, "none": None, "first name": 1}, "root")
    assert text.splitlines()[1:] == [
        "<root>",
        "  <tag>a</tag>",
        "  <tag>b</tag>",
        "  <ok>true</ok>",
        "  <none />",
        "  <first_name>1</first_name>",
        "</root>",
    ]


@pytest.mark.parametrize("root", ["", "a b", "1a", "<a>", "a\n", "x:y"])
def test_a_root_that_is_no_name_is_refused(root: str):
    with pytest.raises(ValueError, match=r"Write root='users'"):
        to_xml({}, root)


def test_a_value_that_contains_itself_is_refused():
    value: list[Any] = []
    value.append(value)
    with pytest.raises(ValueError, match="more than 128 levels"):
        to_xml(value)


def test_no_file_is_read_for_a_body(tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    body = f'<!DOCTYPE a [<!ENTITY e SYSTEM "{secret.as_uri()}">]><a>&e;</a>'
    with pytest.raises(StatusError) as caught:
        parse_xml(body)
    assert "secret" not in str(caught.value)
