"""CSV, XML and YAML over real sockets, on both engines: answers, and the bodies of requests."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass

import pytest

from pode_py import (
    PodeError,
    add_body_parser,
    add_route,
    web_event,
    write_csv_response,
    write_xml_response,
    write_yaml_response,
)
from tests.web.conftest import Web

ROWS = [{"name": "Rick", "age": 10}, {"name": "Don", "age": 20}]


@dataclass
class User:
    name: str
    age: int


def test_data_is_answered_from_plain_and_async_handlers(live_server, tmp_path):
    (tmp_path / "people.csv").write_text("name\nAnn\n")

    def set_up() -> None:
        add_route("get", "/csv", lambda: write_csv_response([User("Rick", 10), User("Don", 20)]))
        add_route("get", "/file", lambda: write_csv_response(path="people.csv"))
        add_route("get", "/gone", lambda: write_csv_response(path="gone.csv"))
        add_route("get", "/text", lambda: write_xml_response("<a/>", content_type="text/xml"))

        @add_route("get", "/xml")
        async def xml() -> None:
            await asyncio.sleep(0)
            write_xml_response({"user": ROWS}, root="users", status_code=203)

        @add_route("get", "/yaml")
        async def yaml() -> None:
            await asyncio.sleep(0)
            write_yaml_response(ROWS)

    live = live_server(set_up, root_path=tmp_path)
    csv = live.get("/csv")
    assert csv.text == '"name","age"\n"Rick","10"\n"Don","20"'
    assert csv.headers["content-type"] == "text/csv; charset=utf-8"
    assert live.get("/file").text == "name\nAnn\n"
    assert live.get("/gone").status_code == 404
    text = live.get("/text")
    assert (text.text, text.headers["content-type"]) == ("<a/>", "text/xml; charset=utf-8")
    xml = live.get("/xml")
    assert xml.status_code == 203
    assert xml.headers["content-type"] == "application/xml; charset=utf-8"
    assert "<users>\n  <user>\n    <name>Rick</name>\n    <age>10</age>" in xml.text
    yaml = live.get("/yaml")
    assert yaml.text == "- name: Rick\n  age: 10\n- name: Don\n  age: 20"
    assert yaml.headers["content-type"] == "application/yaml; charset=utf-8"


def test_bodies_are_read_by_plain_and_async_handlers(live_server):
    def set_up() -> None:
        add_body_parser("application/yaml", "yaml")
        add_body_parser("text/x-table", "CSV")
        add_route("post", "/plain", lambda: {"data": web_event.data})

        @add_route("post", "/async")
        async def later() -> object:
            await asyncio.sleep(0)
            return {"data": web_event.data}

    live = live_server(set_up)
    for path in ("/plain", "/async"):

        def data(body: str, kind: str, path: str = path) -> object:
            answer = live.request("POST", path, data=body.encode(), headers={"Content-Type": kind})
            return answer.json()["data"] if answer.status_code == 200 else answer.status_code

        assert data("<user><name>rick</name></user>", "text/xml") == {
            "user": {"name": "rick"},
            "name": "rick",
        }
        assert data("<feed><t>1</t></feed>", "application/atom+xml")["t"] == "1"
        assert data("a,b\n1\n", "text/csv") == [{"a": "1", "b": ""}]
        assert data("a;b\nc;d\n", "text/x-table") == [{"a;b": "c;d"}]
        assert data("a: [1, x]\n", "application/yaml") == {"a": [1, "x"]}
        assert data("a: [1, x]\n", "text/yaml") == "a: [1, x]\n"
        assert data("day: 2027-03-14", "application/yaml") == {"day": "2027-03-14"}
        assert data("<a", "application/xml") == 400
        assert data("a: &x 1\nb: *x", "application/yaml") == 400
        assert data("a\n1,2", "text/csv") == 400


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("<a>ü</a>".encode("latin-1"), "text/xml; charset=iso-8859-1"),
        ("<?xml version='1.0' encoding='latin1'?><a>ü</a>".encode("latin-1"), "text/xml"),
        ("<?xml version='1.0' encoding='latin1'?><a>ü</a>".encode(), "text/xml; charset=utf-8"),
        ("\ufeff<a>ü</a>".encode(), "text/xml; charset=iso-8859-1"),
        ("<a>ü</a>".encode("utf-16"), "text/xml"),
    ],
)
def test_the_charset_of_xml_is_found_where_it_is_said(web: Web, body: bytes, kind: str):
    add_route("post", "/", lambda: web_event.data["a"])
    assert web.post("/", body, kind).text == "ü"


def test_a_field_that_the_body_lacks_is_400(web: Web):
    add_route("post", "/", lambda: web_event.data["name"])
    answer = web.post("/", b"<user/>", "application/xml")
    assert (answer.status, web.logs.errors) == (400, [])
    assert web.post("/", b"a\n1\n", "text/csv").status == 400


def test_a_format_that_is_none_says_which_there_are(web: Web):
    with pytest.raises(ValueError, match="'json', 'form', 'xml', 'csv', 'text', 'yaml'"):
        add_body_parser("text/x", "jsn")  # type: ignore[arg-type]


def test_yaml_without_its_package_says_what_to_install(web: Web, monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(PodeError, match="pode-py\\[yaml\\]"):
        add_body_parser("application/yaml", "yaml")
    add_route("get", "/", lambda: write_yaml_response({"a": 1}))
    assert web.get("/").status == 500
    [error] = web.logs.errors
    assert 'pip install "pode-py[yaml]"' in str(error)
