"""Methods are case-sensitive (RFC 9110, 9.1)."""

from __future__ import annotations

import pytest

from pode_py import add_endware, add_route
from pode_py.testing.conversation import converse


def ask(live, line: bytes):
    found = converse(live.port, line + b" HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
    return found.responses[0]


@pytest.mark.parametrize("method", [b"post", b"Post", b"pOST"])
def test_another_case_is_another_method_which_nobody_serves(live_server, method):
    ran = []
    live = live_server(lambda: add_route("post", "/x", lambda: ran.append(1)))
    answer = ask(live, method + b" /x")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "OPTIONS, POST")
    assert ask(live, b"POST /x").status_code == 200
    assert ran == [1]


@pytest.mark.parametrize("method", [b"get", b"head"])
def test_a_file_is_not_served_for_it_either(live_server, tmp_path, method):
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / "a.txt").write_text("a")
    live = live_server(lambda: None, root_path=tmp_path)
    assert ask(live, b"GET /a.txt").status_code == 200
    assert ask(live, method + b" /a.txt").status_code == 405


def test_options_in_lower_case_is_no_question(live_server):
    live = live_server(lambda: add_route("get", "/x", lambda: "x"))
    assert ask(live, b"OPTIONS /x").status_code == 204
    assert ask(live, b"options /x").status_code == 405


def test_the_event_does_not_take_it_for_the_other(live_server):
    seen = []

    def set_up():
        add_route("*", "/x", lambda: "x")
        add_endware(lambda web_event: seen.append(web_event.method))

    live = live_server(set_up)
    for method in (b"POST", b"post", b"BREW"):
        assert ask(live, method + b" /x").status_code == 200
    assert seen[0] == "post"
    assert seen[1] != "post"
    assert seen[2] == "brew"


@pytest.mark.parametrize("method", ["post", "POST", "Post"])
def test_a_route_may_be_added_in_any_case(live_server, method):
    live = live_server(lambda: add_route(method, "/x", lambda: "x"))
    assert ask(live, b"POST /x").status_code == 200
