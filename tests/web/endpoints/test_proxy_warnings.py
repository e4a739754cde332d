"""What is said of hosts that are refused, and of proxies that are not believed."""

from __future__ import annotations

from typing import Any

import pytest

from pode_py import add_route, set_allowed_hosts, set_trusted_proxies, web_event
from tests.web.conftest import Web


@pytest.fixture
def asked(live_server: Any, capfd: pytest.CaptureFixture[str]):
    """What is on standard error after requests with these fields."""

    def ask(*requests: dict[str, str], set_up: Any = None) -> str:
        def server() -> None:
            add_route("get", "/", lambda: web_event.request.url)
            if set_up is not None:
                set_up()

        live = live_server(server)
        for headers in requests:
            live.get("/", headers=headers)
        live.stop()
        return capfd.readouterr().err

    return ask


def test_a_host_that_is_refused_is_named_once_a_minute(asked: Any):
    other = {"Host": "Shop.example.com:8080"}
    text = asked(other, other, set_up=lambda: set_allowed_hosts("example.com", "[::1]"))
    assert text.count("got 400") == 1
    assert "A request for the host 'shop.example.com' got 400" in text
    assert 'write set_allowed_hosts("example.com", "[::1]", "shop.example.com").' in text


def test_a_host_that_is_allowed_is_not_named(asked: Any):
    text = asked({"Host": "EXAMPLE.com:80"}, set_up=lambda: set_allowed_hosts("example.com"))
    assert "got 400" not in text


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("X-Forwarded-Prefix", "shop", "Write it as '/shop'."),
        ("X-Forwarded-Proto", "ftp", "a scheme is http or https"),
        ("X-Forwarded-Host", "a b", "a host is a name"),
    ],
)
def test_what_a_trusted_proxy_sends_in_vain_is_named(
    asked: Any, field: str, value: str, words: str
):
    text = asked({field: value}, {field: value}, set_up=lambda: set_trusted_proxies("127.0.0.1"))
    assert text.count("which is ignored") == 1
    assert f"The proxy 127.0.0.1 sends {field.lower()}: {value!r}" in text
    assert words in text


@pytest.mark.parametrize("value", ["/", "", "/shop/", "/a, /b"])
def test_a_prefix_that_can_be_used_or_is_none_is_not_named(asked: Any, value: str):
    headers = {"X-Forwarded-Prefix": value, "X-Forwarded-Proto": "https"}
    assert "ignored" not in asked(headers, set_up=lambda: set_trusted_proxies("localhost"))


def test_a_proxy_near_by_that_nobody_trusts_is_named_once(asked: Any):
    headers = {"X-Forwarded-For": "203.0.113.7"}
    text = asked({}, headers, headers)
    assert text.count("no proxy is trusted") == 1
    assert "write set_trusted_proxies('127.0.0.1')" in text


@pytest.mark.parametrize("trusted", [(), ("10.0.0.1",)])
def test_who_has_named_proxies_is_not_asked_for_more(asked: Any, trusted: tuple[str, ...]):
    text = asked({"X-Forwarded-For": "1.2.3.4"}, set_up=lambda: set_trusted_proxies(*trusted))
    assert "no proxy is trusted" not in text


def test_a_client_far_away_is_no_proxy(web: Web):
    web.rooms.proxies.watch()
    web.get("/", headers={"X-Forwarded-For": "1.2.3.4"}, address="8.8.8.8")
    assert web.rooms.places.before_route != ()


def test_nobody_stands_before_requests_after_the_first_hundred(web: Web):
    web.rooms.proxies.watch()
    for _ in range(100):
        assert web.rooms.places.before_route != ()
        web.get("/")
    assert web.rooms.places.before_route == ()


def test_proxies_may_be_named_while_the_first_requests_are_looked_at(web: Web):
    add_route("get", "/", lambda: web_event.request.client_address)
    web.rooms.proxies.watch()
    set_trusted_proxies("127.0.0.1")
    assert web.get("/", headers={"X-Forwarded-For": "203.0.113.7"}).text == "203.0.113.7"
