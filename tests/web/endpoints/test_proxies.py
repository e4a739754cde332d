"""Proxies in front: who is believed, what is taken from them, and which hosts are answered."""

from __future__ import annotations

import doctest
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pode_py import (
    add_endpoint,
    add_route,
    convert_to_sse_connection,
    get_header,
    get_sse_connection,
    move_response_url,
    set_allowed_hosts,
    set_header,
    set_sse_limits,
    set_trusted_proxies,
    web_event,
)
from pode_py.http import forwarded as parsers
from pode_py.testing import ClientResponse, LiveServer, fetch
from pode_py.web.endpoints.proxies import trust_in
from tests.web.conftest import Web

Headers = Sequence[tuple[str, str]]


def seen() -> dict[str, Any]:
    request = web_event.request
    return {
        "address": request.client_address,
        "scheme": request.client_scheme,
        "host": request.host,
        "prefix": request.prefix,
        "url": request.url,
        "peer": request.remote_address,
        "endpoint": web_event.endpoint.address,
    }


@pytest.fixture
def ask(live_server: Callable[..., LiveServer]) -> Callable[..., ClientResponse]:
    """Send a request with these fields to a server that trusts these proxies."""

    def send(
        headers: Headers, *proxies: str, path: str = "/x", hosts: Sequence[str] = (), **options: Any
    ) -> ClientResponse:
        def set_up() -> None:
            add_endpoint(port=0)
            if proxies:
                set_trusted_proxies(*proxies, **options)
            if hosts:
                set_allowed_hosts(*hosts)
            add_route("get", "/x", seen)
            add_route("get", "/away", lambda: move_response_url("/login"))
            add_route("get", "/made", lambda: ("made", 201, {"Location": "/users/7"}))
            add_route("get", "/set", lambda: set_header("Location", "/users/7"))
            add_route("get", "/out", lambda: ("", 302, {"Location": "https://example.com/x"}))
            add_route("get", "/tls", lambda: move_response_url(protocol="https", port=443))

        return live_server(set_up).get(path, headers=[("Host", "inner:8080"), *headers])

    return send


ALL: Headers = [
    ("X-Forwarded-For", "203.0.113.7"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Host", "shop.example.com"),
    ("X-Forwarded-Prefix", "/app"),
    ("Forwarded", "for=203.0.113.9;proto=https;host=other.example.com"),
]


def test_without_trust_nothing_is_believed(ask):
    answer = ask(ALL).json()
    assert answer == {
        "address": "127.0.0.1",
        "scheme": "http",
        "host": "inner:8080",
        "prefix": "",
        "url": "http://inner:8080/x",
        "peer": "127.0.0.1",
        "endpoint": "inner:8080",
    }


def test_a_peer_that_is_not_a_trusted_proxy_is_not_believed(ask):
    assert ask(ALL, "10.0.0.0/8", "::1").json()["url"] == "http://inner:8080/x"


def test_a_trusted_proxy_says_whom_a_request_came_from(ask):
    assert ask(ALL, "127.0.0.1").json() == {
        "address": "203.0.113.7",
        "scheme": "https",
        "host": "shop.example.com",
        "prefix": "/app",
        "url": "https://shop.example.com/app/x",
        "peer": "127.0.0.1",
        "endpoint": "shop.example.com",
    }


def test_the_standard_field_is_read_instead_if_that_is_what_the_proxy_sets(ask):
    answer = ask(ALL, "localhost", forwarded=True).json()
    assert answer["address"] == "203.0.113.9"
    assert answer["url"] == "https://other.example.com/x"


def test_the_client_is_the_first_from_the_end_that_is_no_proxy(ask):
    fields = [
        ("X-Forwarded-For", "6.6.6.6, 203.0.113.7"),
        ("X-Forwarded-For", "10.0.0.2,10.0.0.1"),
    ]
    assert ask(fields, "127.0.0.0/8", "10.0.0.0/8").json()["address"] == "203.0.113.7"


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("203.0.113.7:4711", "203.0.113.7"),
        ("[2001:DB8::1]:4711", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("10.0.0.9, 10.0.0.1", "10.0.0.9"),
        ("203.0.113.7, unknown", "127.0.0.1"),
        ("203.0.113.7, unknown, 10.0.0.1", "10.0.0.1"),
        ("<script>", "127.0.0.1"),
        ("", "127.0.0.1"),
        (",".join(["6.6.6.6"] * 1000), "6.6.6.6"),
    ],
)
def test_addresses_are_read_as_proxies_write_them(ask, value: str, address: str):
    fields = [("X-Forwarded-For", value)]
    assert ask(fields, "127.0.0.1", "10.0.0.0/8").json()["address"] == address


def test_of_a_list_only_what_trusted_proxies_added_counts(ask):
    spoofed = [
        ("X-Forwarded-For", "6.6.6.6, 203.0.113.7"),
        ("X-Forwarded-Proto", "https, http"),
        ("X-Forwarded-Host", "evil.example, shop.example.com"),
        ("X-Forwarded-Prefix", "/evil, /app"),
    ]
    assert ask(spoofed, "127.0.0.1").json()["url"] == "http://shop.example.com/app/x"


@pytest.mark.parametrize(
    "prefix", ["//evil.example", "/\\evil.example", "app", "/a b", "/../x", "/a//b", "/a\tb"]
)
def test_a_prefix_that_could_lead_elsewhere_is_not_taken(ask, prefix: str):
    answer = ask([("X-Forwarded-Prefix", prefix)], "127.0.0.1", path="/away")
    assert answer.headers["Location"] == "/login"


def test_a_location_that_is_a_path_alone_keeps_the_prefix(ask):
    fields = [("X-Forwarded-Prefix", "/app/")]
    assert ask(fields, "127.0.0.1", path="/away").headers["Location"] == "/app/login"


@pytest.mark.parametrize(
    ("path", "location"),
    [("/made", "/app/users/7"), ("/set", "/app/users/7"), ("/out", "https://example.com/x")],
)
def test_a_location_that_a_handler_sets_keeps_the_prefix_as_well(ask, path: str, location: str):
    answer = ask([("X-Forwarded-Prefix", "/app")], "127.0.0.1", path=path)
    assert answer.headers["Location"] == location


def test_a_redirect_to_another_port_keeps_the_prefix_and_the_host(ask):
    assert ask(ALL, "127.0.0.1", path="/tls").headers["Location"] == (
        "https://shop.example.com/app/tls"
    )


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("example.com", 200),
        ("EXAMPLE.com:8080", 200),
        ("example.com.", 200),
        ("a.b.example.org", 200),
        ("example.org", 400),
        ("evilexample.org", 400),
        ("[::1]:80", 200),
        ("127.0.0.1", 400),
        ("evil.example", 400),
    ],
)
def test_other_hosts_than_the_allowed_ones_are_400(ask, host: str, status: int):
    allowed = ["Example.com", "*.example.org", "::1"]
    answer = ask([("X-Forwarded-Host", host)], "127.0.0.1", hosts=allowed)
    assert answer.status_code == status


def test_the_host_of_the_request_itself_is_checked_without_a_proxy(live_server):
    def set_up() -> None:
        add_endpoint(port=0)
        set_allowed_hosts("example.com")
        add_route("get", "/", lambda: "here")

    live = live_server(set_up)
    evil = [("Host", "evil.example"), ("X-Forwarded-Host", "example.com")]
    assert live.get("/", headers=[("Host", "example.com")]).text == "here"
    assert live.get("/", headers=evil).status_code == 400
    assert live.get("/nowhere", headers=evil).status_code == 400


def test_an_endpoint_that_redirects_to_https_ends_at_a_proxy_that_has_done_it(live_server):
    def set_up() -> None:
        add_endpoint(port=0, protocol="https", name="secure", self_signed=True)
        add_endpoint(port=0, name="plain", redirect_to="secure")
        add_route("get", "/", lambda: "here")
        set_trusted_proxies("localhost")

    plain = live_server(set_up).urls[1] + "/"
    assert fetch(plain).status_code == 302
    assert fetch(plain, headers={"X-Forwarded-Proto": "https"}).text == "here"


def test_strict_signatures_are_bound_to_the_client_behind_the_proxy(live_server):
    def set_up() -> None:
        add_endpoint(port=0)
        set_trusted_proxies("localhost")
        add_route("get", "/sign", lambda: set_header("X-Seat", "7", secret="s", strict=True))
        add_route("get", "/seat", lambda: {"seat": get_header("X-Seat", secret="s", strict=True)})

    live = live_server(set_up)
    one, two = ("X-Forwarded-For", "203.0.113.1"), ("X-Forwarded-For", "203.0.113.2")
    seat = ("X-Seat", live.get("/sign", headers=[one]).headers["X-Seat"])
    assert live.get("/seat", headers=[one, seat]).json() == {"seat": "7"}
    assert live.get("/seat", headers=[two, seat]).json() == {"seat": None}


def test_limits_by_address_count_the_clients_behind_the_proxy(live_server):
    def set_up() -> None:
        add_endpoint(port=0)
        set_trusted_proxies("localhost")
        set_sse_limits(per_address=1)
        add_route("get", "/events", lambda: convert_to_sse_connection("Events"))

    live = live_server(set_up)
    one, two = {"X-Forwarded-For": "203.0.113.1"}, {"X-Forwarded-For": "203.0.113.2"}
    events = {"Accept": "text/event-stream"}
    with live.sse("/events", headers=one), live.sse("/events", headers=two):
        assert live.get("/events", headers={**events, **one}).status_code == 503
        (first, second) = live.call(get_sse_connection, "Events")
        assert {first.remote_address, second.remote_address} == {"203.0.113.1", "203.0.113.2"}


def test_logs_name_the_client_and_what_it_asked_for(web: Web):
    web.logs.wants_requests = True
    set_trusted_proxies("127.0.0.1")
    add_route("get", "/x", lambda: "x")
    web.get("/x?a=1", headers=ALL)
    (record,) = web.logs.requests
    assert (record.remote_address, record.scheme) == ("203.0.113.7", "https")
    assert (record.host, record.target) == ("shop.example.com", "/app/x?a=1")


@pytest.mark.parametrize("proxy", ["proxy.example.com", "10.0.0.0/33", "*", ""])
def test_what_is_no_proxy_says_what_to_write(web: Web, proxy: str):
    with pytest.raises(ValueError, match=r"Write an IP address, a network such as '10\.0\.0\.0/8'"):
        set_trusted_proxies(proxy)


@pytest.mark.parametrize("host", ["https://example.com", "example.com:80", "", "*", "a b"])
def test_what_is_no_host_says_what_to_write(web: Web, host: str):
    with pytest.raises(ValueError, match="without scheme and port"):
        set_allowed_hosts(host)


def test_allowing_no_host_at_all_is_an_error(web: Web):
    with pytest.raises(ValueError, match="needs a host"):
        set_allowed_hosts()


def test_peers_of_a_unix_socket_have_no_address_and_a_word():
    assert trust_in(("unix",)).covers("")
    assert not trust_in(("0.0.0.0/0", "::/0")).covers("")


def test_the_examples_of_the_parsers_are_right():
    assert doctest.testmod(parsers).failed == 0
