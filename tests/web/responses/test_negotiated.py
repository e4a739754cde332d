"""Answers in the format and the language that a client likes best. On both engines."""

from __future__ import annotations

import asyncio
import sys

import pytest

from pode_py import add_route, get_preferred_language, set_header, write_negotiated_response
from tests.web.conftest import Web

ROWS = [{"name": "Ann <b>", "age": 31}]


def test_a_value_is_answered_in_each_format_from_plain_and_async_handlers(live_server):
    def set_up() -> None:
        add_route("get", "/plain", lambda: write_negotiated_response(ROWS))

        @add_route("get", "/async")
        async def later() -> None:
            await asyncio.sleep(0)
            write_negotiated_response(ROWS)

    live = live_server(set_up)
    for path in ("/plain", "/async"):
        for accept, begins in {
            "application/json": '[{"name":"Ann <b>"',
            "application/xml": '<?xml version="1.0"',
            "application/yaml": "- name: Ann <b>\n",
            "text/csv": '"name","age"\n',
            "text/html": "<!DOCTYPE html>",
            "text/plain": '[\n  {\n    "name"',
        }.items():
            answer = live.get(path, headers={"Accept": accept})
            assert answer.headers["content-type"] == f"{accept}; charset=utf-8"
            assert answer.text.startswith(begins)
            assert answer.headers["vary"] == "Accept"
        refused = live.get(path, headers={"Accept": "image/png"})
        assert (refused.status_code, refused.headers["vary"]) == (406, "Accept")


def test_a_text_is_a_value_in_every_format(web: Web):
    add_route("get", "/", lambda: write_negotiated_response("<b>"))

    def text(accept: str) -> str:
        return web.get("/", headers={"Accept": accept}).text

    assert text("application/json") == '"<b>"'
    assert "<td>&lt;b&gt;</td>" in text("text/html")
    assert "<Object>&lt;b&gt;</Object>" in text("application/xml")
    assert text("text/plain") == "<b>"


def test_without_pyyaml_there_is_no_yaml_to_choose(web: Web, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    add_route("get", "/", lambda: write_negotiated_response({"a": 1}))
    assert web.get("/", headers={"Accept": "application/yaml"}).status == 406
    answer = web.get("/", headers={"Accept": "application/yaml, text/csv;q=0.1"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"


def test_the_root_is_that_of_the_xml(web: Web):
    add_route("get", "/", lambda: write_negotiated_response({"user": ROWS}, root="users"))
    assert "<users>" in web.get("/", headers={"Accept": "application/xml"}).text


def test_a_language_is_chosen_and_said_to_be(web: Web):
    @add_route("get", "/")
    def greet() -> str:
        set_header("Vary", "Accept")
        greetings = {"en": "Hello", "de": "Hallo"}
        assert get_preferred_language("en") == "en"
        return greetings[get_preferred_language(greetings)]

    answer = web.get("/", headers={"Accept-Language": "de-AT, en;q=0.5"})
    assert answer.text == "Hallo"
    assert answer.headers["vary"] == "Accept, Accept-Language"
    assert web.get("/").text == "Hello"


def test_no_languages_at_all_are_an_error(web: Web):
    add_route("get", "/", lambda: get_preferred_language([]))
    assert web.get("/").status == 500
    assert '["en", "de"]' in str(web.logs.errors[0])
