"""What handlers know of a request, and that they pay only for what they read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pode_py.core.errors import PodeError
from pode_py.web.event import WebEvent, web_event
from pode_py.web.routing.functions import add_route
from tests.web.conftest import Web


def event_of(web: Web, target: str = "/", **options: Any) -> WebEvent:
    """The event of a request to `target`."""
    events: list[WebEvent] = []

    def keep(web_event: WebEvent) -> None:
        events.append(web_event)

    add_route("*", "/*", keep, if_exists="overwrite")
    web.send(options.pop("method", "GET"), target, **options)
    return events[0]


def test_the_plain_fields_say_what_was_asked(web: Web):
    event = event_of(web, "/Some/path?x=1", method="POST")
    assert (event.path, event.method) == ("/Some/path", "post")
    assert event.request.http_method == "POST"
    assert event.response.status_code == 200
    assert event.route is not None
    assert event.streamed is True


def test_the_query_has_single_values_and_lists(web: Web):
    event = event_of(web, "/?a=1&b=x+y%26&a=2&empty")
    assert event.query == {"a": ["1", "2"], "b": "x y&", "empty": ""}


def test_a_query_name_that_was_not_sent_is_400_and_named(web: Web):
    add_route("get", "/q", lambda: web_event.query["page"])
    answer = web.get("/q")
    assert answer.status == 400
    assert "page" in answer.text


def test_get_gives_none_for_what_was_not_sent(web: Web):
    event = event_of(web)
    assert event.query.get("x") is None
    assert event.cookies.get("x") is None
    assert event.data.get("x") is None
    assert event.parameters.get("x") is None


def test_a_semicolon_separates_nothing(web: Web):
    assert event_of(web, "/?a=1;b=2").query == {"a": "1;b=2"}


def test_a_thousand_names_are_enough(web: Web):
    add_route("get", "/q", lambda: str(len(web_event.query)))
    assert web.get("/q?" + "&".join(f"n{n}=1" for n in range(1000))).text == "1000"
    assert web.get("/q?" + "&".join(f"n{n}=1" for n in range(1001))).status == 400


def test_cookies_are_read_from_their_headers(web: Web):
    event = event_of(web, headers=[("Cookie", 'a=1; b="x"'), ("Cookie", "c=3")])
    assert event.cookies == {"a": "1", "b": "x", "c": "3"}


def test_the_other_fields_begin_as_in_pode(web: Web):
    event = event_of(web, headers={"Range": "bytes=0-4", "Accept-Encoding": "br, gzip;q=0.5"})
    assert event.ranges == [(0, 4)]
    assert event.accept_encoding == "gzip"
    assert event.transfer_encoding is None
    assert event.files == {}
    assert event.pending_cookies == {}
    assert event.metadata == {}
    assert event.auth.user is None
    assert [event.session, event.sse, event.signal, event.static_content] == [None] * 4
    assert event.error_type is None
    assert event.content_type == ""
    assert len(event.context_id) == 36
    assert datetime.now(UTC) - event.timestamp < timedelta(seconds=5)
    with event.lockable:
        pass


def test_a_field_is_made_once(web: Web):
    event = event_of(web, "/?a=1")
    assert event.query is event.query
    assert event.context_id == event.context_id


def test_bytes_above_127_in_a_query_are_utf_8_and_else_latin_1(web: Web):
    assert event_of(web, "/?stadt=Köln&x=%C3%B6").query == {"stadt": "Köln", "x": "ö"}
    event = event_of(web)
    event.request.query_string = "stadt=K\xf6ln"
    assert event.query == {"stadt": "Köln"}


def test_the_request_log_has_the_text_that_was_sent(web: Web):
    web.logs.wants_requests = True
    add_route("get", "/q", lambda: "x")
    agent = "Köln 🙂".encode().decode("latin-1")
    web.get("/q?stadt=Köln", headers={"User-Agent": agent, "Referer": "K\xf6ln"})
    (record,) = web.logs.requests
    assert record.target == "/q?stadt=Köln"
    assert (record.user_agent, record.referrer) == ("Köln 🙂", "Köln")
    assert record.headers["user-agent"] == "Köln 🙂"


def test_the_endpoint_is_where_the_request_came_in(web: Web):
    endpoint = event_of(web, host="Example.com:8080").endpoint
    assert (endpoint.protocol, endpoint.address, endpoint.name) == ("http", "example.com:8080", "")


def test_fields_may_be_set_and_added(web: Web):
    event: Any = event_of(web)
    event.session = {"views": 1}
    event.agent = "curl"
    assert (event.session["views"], event.agent) == (1, "curl")


def test_a_field_that_does_not_exist_is_an_attribute_error(web: Web):
    event: Any = event_of(web)
    with pytest.raises(AttributeError, match="no attribute 'qerry'"):
        _ = event.qerry


def test_web_event_outside_of_a_request_says_what_is_wrong():
    with pytest.raises(PodeError, match="web_event only exists while a request is handled"):
        _ = web_event.path


def test_setting_a_field_through_the_ambient_name_reaches_the_event(web: Web):
    def handler(web_event: WebEvent) -> None:
        ambient_set()
        assert web_event.metadata == {"a": 1}

    def ambient_set() -> None:
        web_event.metadata = {"a": 1}

    add_route("get", "/", handler)
    assert web.get("/").status == 200
