"""Where a server listens, and for which endpoint a request came in."""

from __future__ import annotations

from typing import Any

import pytest

from pode_py.core.errors import PodeError
from pode_py.web.endpoints.endpoint import Binding, Endpoint
from pode_py.web.endpoints.endpoints import Endpoints
from pode_py.web.endpoints.functions import add_endpoint, get_endpoint
from pode_py.web.event import web_event
from pode_py.web.routing.functions import add_route
from tests.web.conftest import Web


def made(*args: Any, **options: Any) -> Endpoint:
    """The endpoint that add_endpoint makes."""
    endpoint = add_endpoint(*args, pass_thru=True, **options)
    assert endpoint is not None
    return endpoint


def test_the_smallest_endpoint_listens_on_loopback_at_8080(web: Web):
    endpoint = made()
    assert (endpoint.addresses, endpoint.port) == (("127.0.0.1",), 8080)
    assert endpoint.url == "http://localhost:8080/"
    assert endpoint.name


def test_https_has_its_own_port_and_settings(web: Web):
    endpoint = made(protocol="Https", certificate="a.pem", certificate_key="a.key")
    assert (endpoint.port, endpoint.is_secure) == (8443, True)
    assert endpoint.tls is not None
    assert endpoint.tls.certificate_key == "a.key"


@pytest.mark.parametrize(
    ("address", "addresses", "host"),
    [
        ("*", ("0.0.0.0", "::"), "localhost"),
        ("all", ("0.0.0.0", "::"), "localhost"),
        ("LOCALHOST", ("127.0.0.1",), "localhost"),
        ("0.0.0.0", ("0.0.0.0",), "localhost"),
        ("10.1.2.3", ("10.1.2.3",), "10.1.2.3"),
        ("[::1]", ("::1",), "[::1]"),
        ("127.0.0.2", ("127.0.0.2",), "127.0.0.2"),
        ("fd00::1", ("fd00::1",), "[fd00::1]"),
    ],
)
def test_addresses_are_understood(web: Web, address: str, addresses: tuple[str, ...], host: str):
    endpoint = made(address, 80)
    assert endpoint.addresses == addresses
    assert endpoint.url == f"http://{host}:80/"


def test_dual_mode_is_both_loopback_addresses(web: Web):
    assert made(dual_mode=True).addresses == ("127.0.0.1", "::1")


def test_a_host_name_as_address_bounds_the_endpoint_to_it(web: Web):
    endpoint = made("Pode.Example.com")
    assert (endpoint.hostname, endpoint.address) == ("pode.example.com", "127.0.0.1")
    assert endpoint.url == "http://pode.example.com:8080/"


def test_a_host_name_may_be_looked_up(web: Web):
    with pytest.raises(PodeError, match="can't be found"):
        add_endpoint(hostname="nowhere.invalid", lookup_hostname=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"protocol": "gopher"}, "'http'"),
        ({"port": 70000}, "from 0 to 65535"),
        ({"port": -1}, "from 0 to 65535"),
        ({"address": "300.1.1.1/x"}, "is no address"),
        ({"hostname": "not a host"}, "not a host name"),
        ({"redirect_to": "x"}, "needs a name"),
        ({"certificate": "a.pem"}, "need protocol='https'"),
        ({"allow_client_certificate": True}, "need protocol='https'"),
        ({"protocol": "https"}, "certificate='file.pem' or self_signed"),
        ({"protocol": "https", "certificate": "a", "self_signed": True}, "self_signed"),
        ({"protocol": "https", "self_signed": True, "ssl_protocol": "tls11"}, "'tls12'"),
        ({"protocol": "https", "self_signed": True, "certificate_key": "a"}, "needs certificate"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(web: Web, options: Any, message: str):
    with pytest.raises(ValueError, match=message):
        add_endpoint(**options)


@pytest.mark.parametrize("protocol", ["ws", "wss", "smtp", "tcps"])
def test_protocols_that_come_later_say_so(web: Web, protocol: Any):
    with pytest.raises(PodeError, match="can't be served yet"):
        add_endpoint(protocol=protocol)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ({"name": "a"}, {"name": "A", "port": 1}, "'A' already exists"),
        ({}, {}, "on 127.0.0.1 port 8080 already exists"),
        ({"default": True}, {"default": True, "port": 1}, "default already"),
        ({"hostname": "a.org"}, {"hostname": "b.org", "protocol": "https", "port": 8080,
                                 "self_signed": True}, "same protocol"),
    ],
)  # fmt: skip
def test_endpoints_that_contradict_each_other_are_refused(
    web: Web, first: Any, second: Any, message: str
):
    add_endpoint(**first)
    with pytest.raises(PodeError, match=message):
        add_endpoint(**second)


def test_get_endpoint_selects_by_every_property(web: Web):
    one = made(name="one", description="first")
    two = made("*", 9000, name="two")
    three = made("example.com", protocol="https", self_signed=True, name="three")
    assert get_endpoint() == [one, two, three]
    assert get_endpoint("ONE") == [one]
    assert get_endpoint(["one", "two"]) == [one, two]
    assert get_endpoint(address="*") == [two]
    assert get_endpoint(address="localhost") == [one, three]
    assert get_endpoint(address="Example.com") == [three]
    assert get_endpoint(port=9000) == [two]
    assert get_endpoint(protocol="https") == [three]
    assert get_endpoint(hostname="example.com") == [three]
    assert get_endpoint(port=1) == []


def test_endpoints_that_differ_in_their_host_name_share_a_listener(web: Web):
    plain, named, other = made(), made("a.org"), made(port=9000)
    assert web.room(Endpoints).bindings() == [
        Binding(("127.0.0.1",), 8080, (plain, named)),
        Binding(("127.0.0.1",), 9000, (other,)),
    ]


def test_the_default_is_the_marked_one_or_the_first(web: Web):
    endpoints = web.room(Endpoints)
    assert endpoints.default() is None
    first = made()
    assert endpoints.default() is first
    second = made(port=9000, default=True)
    assert endpoints.default() is second


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("a.org:8080", "a"),
        ("A.ORG", "a"),
        ("x.b.org", "b"),
        ("b.org", "any"),
        ("localhost:8080", "any"),
    ],
)
def test_a_request_belongs_to_the_endpoint_of_its_host(web: Web, host: str, name: str):
    made(name="any")
    made("a.org", name="a")
    made("*.b.org", name="b")
    (binding,) = web.room(Endpoints).bindings()
    add_route("get", "/", lambda: web_event.endpoint.name)
    assert web.get("/", host=host, endpoint=binding).text == name


def test_a_host_that_is_not_served_is_400(web: Web):
    endpoint = made("a.org")
    add_route("get", "/", lambda: "x")
    assert web.get("/", host="evil.org", endpoint=endpoint).status == 400
    assert web.get("/", host="a.org", endpoint=endpoint).status == 200


def test_an_endpoint_may_redirect_to_another(web: Web):
    made(name="secure", port=8443, protocol="https", self_signed=True)
    plain = made(name="plain", redirect_to="Secure")
    add_route("get", "/a", lambda: "x")
    answer = web.get("/a?b=1", host="example.com:8080", endpoint=plain)
    assert answer.status == 302
    assert answer.headers["location"] == "https://example.com:8443/a?b=1"
    assert web.send("POST", "/a", endpoint=plain).status == 307


def test_a_redirect_names_the_host_of_its_target_if_it_has_one(web: Web):
    made("a.org", 443, "https", self_signed=True, name="secure")
    plain = made(name="plain", redirect_to="secure")
    assert web.get("/x", endpoint=plain).headers["location"] == "https://a.org/x"


def test_a_redirect_to_an_endpoint_that_does_not_exist_is_refused(web: Web):
    with pytest.raises(PodeError, match="Endpoint 'gone' does not exist"):
        add_endpoint(name="plain", redirect_to="gone")
