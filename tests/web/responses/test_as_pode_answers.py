"""What clients of a ported script would notice: types, dates, files that are missing."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest

from pode_py import (
    PodeError,
    add_body_parser,
    add_endpoint,
    add_route,
    add_route_group,
    convert_to_sse_connection,
    enable_log_error_type,
    new_log_custom_method,
    send_sse_event,
    web_event,
    write_html_response,
    write_json_response,
    write_text_response,
)
from pode_py.core.errors import StatusError
from pode_py.testing import LiveServer
from tests.web.conftest import Web


@pytest.fixture
def logged() -> list[Any]:
    return []


@pytest.fixture
def serve(
    live_server: Callable[..., LiveServer], tmp_path: Path, logged: list[Any]
) -> Callable[[Callable[[], object]], LiveServer]:
    """Serve what is added. Its errors and warnings are in `logged`."""

    def start(add: Callable[[], object]) -> LiveServer:
        def set_up() -> None:
            add_endpoint(port=0)
            enable_log_error_type(new_log_custom_method(logged.append), levels="*")
            add()

        return live_server(set_up, root_path=tmp_path)

    return start


def wait_for(logged: list[Any], text: str) -> str:
    """The line that has this text, once it is written."""
    until = time.monotonic() + 30
    while True:
        for line in map(str, logged):
            if text in line:
                return line
        assert time.monotonic() < until, logged
        time.sleep(0.01)


def test_a_file_that_is_missing_is_404_and_the_log_says_which(serve, logged):
    def add() -> None:
        add_route("get", "/json", lambda: write_json_response(path="lost.json"))
        add_route("get", "/html", lambda: write_html_response(path="pages"))

    live = serve(add)
    (live.server.options.root / "pages").mkdir()
    for path in ("/json", "/html"):
        answer = live.get(path)
        assert answer.status_code == 404
        assert "lost.json" not in answer.text
    wait_for(logged, "lost.json")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_files_are_sent_in_utf_8_however_they_were_written(serve, tmp_path, encoding):
    (tmp_path / "data.json").write_text('{"a":"é"}', encoding)
    live = serve(lambda: add_route("get", "/", lambda: write_json_response(path="data.json")))
    assert live.get("/").body == '{"a":"é"}'.encode()


def test_a_file_that_is_no_text_is_500_and_says_so(serve, logged, tmp_path):
    (tmp_path / "data.json").write_bytes(b"\xe9")
    live = serve(lambda: add_route("get", "/", lambda: write_json_response(path="data.json")))
    assert live.get("/").status_code == 500
    assert "Save it as UTF-8" in wait_for(logged, "data.json")


def test_times_in_utc_end_in_z_in_json_and_in_events(serve):
    at = datetime(2026, 3, 14, 12, 30, tzinfo=UTC)

    def add() -> None:
        add_route("get", "/", lambda: {"at": at, at: "key"})

        @add_route("get", "/events")
        def events() -> None:
            convert_to_sse_connection("Events")
            send_sse_event({"at": at}, from_event=True)

    live = serve(add)
    assert live.get("/").text == '{"at":"2026-03-14T12:30:00Z","2026-03-14T12:30:00Z":"key"}'
    with live.sse("/events") as events:
        assert events.next("message").data == '{"at":"2026-03-14T12:30:00Z"}'


def test_a_text_to_be_kept_says_until_when(serve):
    live = serve(
        lambda: add_route("get", "/", lambda: write_text_response("x", cache=True, max_age=60))
    )
    answer = live.get("/")
    assert answer.headers["Cache-Control"] == "max-age=60, must-revalidate"
    kept = parsedate_to_datetime(answer.headers["Expires"]) - datetime.now(UTC)
    assert kept.total_seconds() <= 60


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        ("text/plain", "text/plain; charset=utf-8"),
        ("text/plain; charset=latin-1", "text/plain; charset=latin-1"),
        ("application/json", "application/json; charset=utf-8"),
        ("image/png", "image/png"),
    ],
)
def test_bytes_have_the_charset_of_their_type_if_they_are_text(web: Web, kind: str, sent: str):
    add_route("get", "/", lambda: write_text_response(bytes=b"\xff", content_type=kind))
    answer = web.get("/")
    assert (answer.body, answer.headers["content-type"]) == (b"\xff", sent)


def test_a_body_parser_that_raises_is_400_and_logged_with_its_traceback(serve, logged):
    def add() -> None:
        @add_body_parser("text/odd")
        def parse(content: str) -> object:
            return {"number": int(content)}

        @add_body_parser("text/refused")
        def refuse(content: str) -> object:
            raise StatusError(413, "Too much of it.")

        add_route("post", "/", lambda: web_event.data)

    live = serve(add)
    kind = {"Content-Type": "text/odd"}
    assert live.request("POST", "/", data=b"5", headers=kind).json() == {"number": 5}
    answer = live.request("POST", "/", data=b"x", headers=kind)
    assert answer.status_code == 400
    assert "not the text/odd it should be" in answer.text
    assert "Traceback" in wait_for(logged, "invalid literal for int()")
    refused = live.request("POST", "/", data=b"x", headers={"Content-Type": "text/refused"})
    assert refused.status_code == 413


def test_a_transfer_encoding_is_refused_in_words_until_there_is_one(web: Web):
    with pytest.raises(PodeError, match="transfer_encoding='gzip' is planned, not there yet"):
        add_route("post", "/", lambda: None, transfer_encoding="gzip")
    with pytest.raises(PodeError, match="planned, not there yet"):
        add_route_group("/", transfer_encoding="deflate")
