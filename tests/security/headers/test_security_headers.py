"""What responses carry, over real sockets."""

from __future__ import annotations

import re
import threading

import pytest

from pode_py import *
from pode_py.testing import Client

A, B = "https://a.example", "https://b.example"
PREFLIGHT = {"Origin": A, "Access-Control-Request-Method": "PUT"}


def with_policy(**options):
    set_security_access_control(A, methods=["get", "put"], credentials=True, **options)


def routes():
    add_endpoint(port=0)
    add_route("get", "/text", lambda: write_text_response("ok"))
    add_route("get", "/page", lambda: write_html_response("<p>ok"))
    add_route("get", "/json", lambda: {"a": 1})
    add_route("get", "/fails", lambda: 1 / 0)

    @add_route("get", "/busy")
    def busy():
        raise StatusError(429)

    @add_route("get", "/no")
    def no():
        raise StatusError(403)


def test_pages_are_protected_without_being_asked_and_nothing_else_is(live_server):
    live = live_server(routes)
    page = live.get("/page").headers
    assert page["X-Content-Type-Options"] == "nosniff"
    assert page["X-Frame-Options"] == "DENY"
    assert page["Referrer-Policy"] == "same-origin"
    assert page["Cross-Origin-Opener-Policy"] == "same-origin"
    for path in ("/text", "/json"):
        assert "X-Frame-Options" not in live.get(path).headers


def test_error_pages_are_protected(live_server):
    live = live_server(routes)
    answer = live.get("/nowhere", headers={"Accept": "text/html"})
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers.get_all("X-Content-Type-Options") == ["nosniff"]


def test_a_handler_overrides_what_pages_get(live_server):
    def setup():
        routes()

        @add_route("get", "/own")
        def own():
            set_header("x-frame-options", "SAMEORIGIN")
            write_html_response("<p>framed")

    live = live_server(setup)
    assert live.get("/own").headers.get_all("X-Frame-Options") == ["SAMEORIGIN"]


def test_removing_takes_away_what_pages_get(live_server):
    def setup():
        routes()
        remove_security_frame_options()
        remove_security_cross_origin()

    headers = live_server(setup).get("/page").headers
    assert "X-Frame-Options" not in headers
    assert "Cross-Origin-Opener-Policy" not in headers
    assert headers["Referrer-Policy"] == "same-origin"


def test_a_change_while_the_server_runs_reaches_the_next_response(live_server):
    live = live_server(routes)
    assert live.get("/page").headers["X-Frame-Options"] == "DENY"
    live.call(set_security_frame_options, "sameorigin")
    assert live.get("/page").headers.get_all("X-Frame-Options") == ["SAMEORIGIN"]
    assert live.get("/text").headers["X-Frame-Options"] == "SAMEORIGIN"
    live.call(remove_security)
    assert "X-Frame-Options" not in live.get("/page").headers
    assert "X-Content-Type-Options" not in live.get("/page").headers


def test_the_server_can_be_hidden_and_shown(live_server):
    live = live_server(routes)
    assert live.get("/text").headers["Server"] == "Pode"
    live.call(hide_security_server)
    assert "Server" not in live.get("/text").headers
    live.call(show_security_server)
    assert live.get("/text").headers["Server"] == "Pode"


@pytest.mark.parametrize(
    ("path", "status"), [("/no", 403), ("/none", 404), ("/busy", 429), ("/fails", 500)]
)
def test_errors_carry_the_headers(live_server, path, status):
    def setup():
        routes()
        set_security("strict")
        with_policy()

    answer = live_server(setup).get(path, headers={"Origin": A})
    assert answer.status_code == status
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Access-Control-Allow-Origin"] == A
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"


def test_a_body_that_is_refused_is_readable_for_the_page_that_sent_it(live_server):
    def setup():
        routes()
        add_route("post", "/text", lambda: "ok")
        with_policy()

    live = live_server(setup, request_body_size=10)
    answer = live.request("POST", "/text", data="x" * 11, headers={"Origin": A})
    assert answer.status_code == 413
    assert answer.headers["Access-Control-Allow-Origin"] == A


def test_what_is_set_stays_set_on_405_and_options(live_server):
    def setup():
        routes()
        with_policy()

    live = live_server(setup)
    answer = live.request("DELETE", "/text", headers={"Origin": A})
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (405, A)


def test_a_preflight_needs_no_route_and_runs_no_middleware(live_server):
    seen = []

    def setup():
        routes()
        with_policy(headers=["x-a"])
        add_middleware("all", lambda: seen.append("ran"))
        add_route("options", "/text", lambda: seen.append("route"))

    live = live_server(setup)
    for path in ("/text", "/not/there"):
        answer = live.request(
            "OPTIONS", path, headers={**PREFLIGHT, "Access-Control-Request-Headers": "x-a"}
        )
        assert (answer.status_code, answer.body) == (204, b"")
        assert answer.headers["Access-Control-Allow-Origin"] == A
        assert answer.headers["Access-Control-Allow-Methods"] == "GET, PUT"
        assert answer.headers["Access-Control-Allow-Headers"] == "x-a"
        assert answer.headers["Access-Control-Max-Age"] == "7200"
        assert answer.headers["Vary"] == "Origin"
    assert seen == []


def test_a_preflight_of_another_origin_is_refused_and_allows_nothing(live_server):
    def setup():
        routes()
        with_policy()

    answer = live_server(setup).request("OPTIONS", "/text", headers={**PREFLIGHT, "Origin": B})
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    assert answer.headers["Vary"] == "Origin"


def test_other_options_go_to_the_route(live_server):
    def setup():
        routes()
        with_policy()
        add_route("options", "/text", lambda: "mine")

    live = live_server(setup)
    assert live.request("OPTIONS", "/text", headers={"Origin": A}).text == "mine"


def test_the_methods_of_the_path_can_be_allowed_automatically(live_server):
    def setup():
        routes()
        add_route("delete", "/text", lambda: "gone")
        set_security_access_control("*", auto_methods=True, auto_headers=True)

    live = live_server(setup)
    answer = live.request("OPTIONS", "/text", headers=PREFLIGHT)
    assert answer.headers["Access-Control-Allow-Methods"] == "DELETE, GET, HEAD"
    assert answer.headers["Access-Control-Allow-Headers"] == "content-type"
    assert "Vary" not in answer.headers


def test_each_route_can_have_a_policy_of_its_own(live_server):
    def setup():
        routes()
        set_security_access_control(B)
        set_security_access_control("*", route="/te*")

    live = live_server(setup)
    headers = {"Origin": B}
    assert live.get("/text", headers=headers).headers["Access-Control-Allow-Origin"] == "*"
    assert live.get("/json", headers=headers).headers["Access-Control-Allow-Origin"] == B


def test_vary_names_the_origin_whatever_the_handler_sets(live_server):
    def setup():
        routes()
        with_policy()

        @add_route("get", "/language")
        def language():
            set_header("Vary", "Accept-Language")
            return "hello"

    answer = live_server(setup).get("/language")
    assert answer.headers["Vary"] == "Accept-Language, Origin"


def test_without_a_policy_a_preflight_is_logged_once_for_each_origin():
    lines = []

    def setup():
        routes()
        keep = new_log_custom_method(lambda item: lines.append(str(item)))
        enable_log_error_type(keep, levels=["warning"])

    with Client(setup) as client:
        for _ in range(2):
            answer = client.request("OPTIONS", "/text", headers=PREFLIGHT)
            assert answer.status_code == 204
            assert "Access-Control-Allow-Origin" not in answer.headers
    said = [line for line in lines if "set_security_access_control" in line]
    assert len(said) == 1
    assert A in said[0]


def test_an_event_stream_carries_the_headers_and_a_policy_beats_all_origins(live_server):
    def setup():
        add_endpoint(port=0)
        set_security("simple")
        with_policy(route="/closed")

        @add_route("get", "/closed")
        def closed():
            convert_to_sse_connection("Closed", allow_all_origins=True)

        @add_route("get", "/open")
        def opened():
            convert_to_sse_connection("Open", allow_all_origins=True)

    live = live_server(setup)
    with live.sse("/closed", headers={"Origin": A}) as stream:
        assert stream.headers["Access-Control-Allow-Origin"] == A
        assert stream.headers["X-Frame-Options"] == "SAMEORIGIN"
        assert stream.headers["Vary"] == "Origin"
    with live.sse("/closed", headers={"Origin": B}) as stream:
        assert "Access-Control-Allow-Origin" not in stream.headers
    with live.sse("/open", headers={"Origin": B}) as stream:
        assert stream.headers["Access-Control-Allow-Origin"] == "*"


def test_strict_transport_security_is_sent_on_https_only(live_server):
    def setup():
        add_endpoint(port=0)
        add_endpoint(port=0, protocol="https", self_signed=True, name="tls")
        set_security_strict_transport_security(60, include_sub_domains=True, preload=True)
        add_route("get", "/", lambda: "ok")

    live = live_server(setup)
    assert "Strict-Transport-Security" not in live.get("/").headers
    with Client(live) as client:
        answer = client.request("GET", "/", endpoint_name="tls")
    wanted = "max-age=60; includeSubDomains; preload"
    assert answer.headers["Strict-Transport-Security"] == wanted


def test_each_response_has_a_nonce_of_its_own_and_views_know_it(live_server, tmp_path):
    (tmp_path / "views").mkdir()
    (tmp_path / "views" / "page.html").write_text('<script nonce="{{ csp_nonce() }}">1</script>')

    def setup():
        add_endpoint(port=0)
        set_security_content_security_policy(default="none", scripts=["self", "nonce"])
        add_route("get", "/view", lambda: write_view_response("page"))
        add_route("get", "/own", lambda: write_text_response(get_security_nonce()))

    live = live_server(setup, root_path=tmp_path)
    nonces = set()
    for _ in range(2):
        for path in ("/view", "/own"):
            answer = live.get(path)
            policy = answer.headers["Content-Security-Policy"]
            found = re.fullmatch(
                r"default-src 'none'; script-src 'self' 'nonce-([\w-]{22})'", policy
            )
            assert found is not None
            assert found[1] in answer.text
            nonces.add(found[1])
    assert len(nonces) == 4


def test_a_policy_without_a_nonce_says_so_to_who_asks_for_one(live_server):
    errors = []

    def setup():
        add_endpoint(port=0)

        @add_route("get", "/")
        def ask():
            try:
                return f"<{get_security_nonce()}>"
            except PodeError as error:
                errors.append(str(error))
                return "none"

    live = live_server(setup)
    assert live.get("/").text == "<>"
    live.call(lambda: set_security_content_security_policy(default="self"))
    assert live.get("/").text == "none"
    assert 'scripts=["self", "nonce"]' in errors[0]


def test_a_user_s_step_stands_in_the_place_of_the_headers(live_server):
    def setup():
        routes()
        set_security("simple")
        add_middleware("__pode_mw_security__", lambda: set_header("X-Mine", "1"))

    headers = live_server(setup).get("/text").headers
    assert headers["X-Mine"] == "1"
    assert "X-Frame-Options" not in headers


def test_an_added_header_replaces_and_appends_once(live_server):
    def setup():
        routes()
        add_security_header("X-Own", "a")
        add_security_header("x-own", "b", append=True)
        add_security_header("X-Own", "B", append=True)
        add_security_header("X-Blank", "  ")

    headers = live_server(setup).get("/text").headers
    assert headers.get_all("X-Own") == ["a, b"]
    assert "X-Blank" not in headers


def test_what_breaks_a_header_is_refused_and_sends_nothing(live_server):
    live = live_server(routes)
    for call in (
        lambda: add_security_header("X-Own", "a\r\nX-Evil: 1"),
        lambda: set_security_frame_options("nobody"),
        lambda: set_security_strict_transport_security(0),
        set_security_content_security_policy,
        lambda: set_security_content_security_policy(default="self; script-src *"),
        set_security_permissions_policy,
    ):
        with pytest.raises(ValueError, match=r"\w"):
            live.call(call)
    assert "X-Own" not in live.get("/text").headers


def test_many_threads_change_the_headers_and_no_response_has_half_of_them(live_server):
    live = live_server(routes)
    stop = threading.Event()

    def change():
        while not stop.is_set():
            live.call(set_security, "strict")
            live.call(remove_security)

    changer = threading.Thread(target=change)
    changer.start()
    try:
        for _ in range(200):
            headers = live.get("/text").headers
            both = ("X-Frame-Options" in headers, "Referrer-Policy" in headers)
            assert both in ((True, True), (False, False))
    finally:
        stop.set()
        changer.join()
    assert "X-Frame-Options" not in live.get("/page").headers


def test_what_was_removed_by_its_name_does_not_come_back_with_an_addition(live_server):
    def setup():
        routes()
        set_security_content_security_policy(default="none", report_only=True)
        remove_security_header("content-security-policy-report-only")
        add_security_content_security_policy(image="self")
        set_security_permissions_policy(camera="none")
        remove_security_header("Permissions-Policy")
        add_security_permissions_policy(usb="none")

    headers = live_server(setup).get("/text").headers
    assert headers["Content-Security-Policy"] == "img-src 'self'"
    assert "Content-Security-Policy-Report-Only" not in headers
    assert headers["Permissions-Policy"] == "usb=()"
