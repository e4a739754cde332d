"""Which origins a policy allows, and what is refused when it is set."""

from __future__ import annotations

import pytest

from pode_py.security.headers.cors import AccessPolicy

PLAIN = {
    "methods": (),
    "headers": (),
    "duration": 60,
    "credentials": False,
    "with_options": False,
    "auto_methods": False,
    "more_headers": (),
    "expose": None,
    "route": None,
}


def policy(origin, **options):
    return AccessPolicy.of(origin, **{**PLAIN, **options})


@pytest.mark.parametrize(
    ("allowed", "origin", "fits"),
    [
        ("https://a.example", "https://a.example", True),
        ("HTTPS://A.example:443", "https://a.example", True),
        ("https://a.example", "http://a.example", False),
        ("https://a.example", "https://a.example:8443", False),
        ("https://a.example", "https://a.example.evil", False),
        ("https://a.example", "null", False),
        ("null", "null", True),
        ("https://*.example.com", "https://a.example.com", True),
        ("https://*.example.com", "https://a.b.example.com", True),
        ("https://*.example.com", "https://example.com", False),
        ("https://*.example.com", "https://evil-example.com", False),
        ("https://*.example.com", "https://a.example.com.evil", False),
        ("https://*.example.com", "https://a.example.com:8443", False),
        ("https://*.example.com", "https://evil/.example.com", False),
        ("https://*.example.com", "https://a.exampleXcom", False),
        ("http://localhost:3000", "http://localhost:3000", True),
        ("http://[::1]:3000", "http://[::1]:3000", True),
        ("*", "https://anything.example", True),
    ],
)
def test_an_origin_fits_exactly_or_below_a_star(allowed, origin, fits):
    assert policy(allowed).allows(origin) is fits


@pytest.mark.parametrize(
    "origin",
    ["", [], "a.example", "https://a.example/", "https://a.example/x", "https://*", "https://a.*"],
)
def test_what_is_no_origin_is_refused(origin):
    with pytest.raises(ValueError, match="origin"):
        policy(origin)


def test_the_message_says_which_origin_was_meant():
    with pytest.raises(ValueError, match=r'Write "https://a\.example";'):
        policy("https://a.example/app?x=1")


@pytest.mark.parametrize(
    "options",
    [
        {"origin": "*", "credentials": True},
        {"methods": "*", "credentials": True},
        {"headers": "*", "credentials": True},
        {"expose": "*", "credentials": True},
        {"methods": "*", "auto_methods": True},
        {"headers": "*", "more_headers": ("content-type",)},
        {"duration": 0},
        {"origin": ["*", "https://a.example"]},
        {"headers": "a b"},
    ],
)
def test_what_browsers_refuse_is_refused_here(options):
    with pytest.raises(ValueError, match=r"\w"):
        policy(**{"origin": "https://a.example", **options})


def test_the_fields_for_an_origin():
    made = policy(
        "https://a.example", methods=["put"], headers="x-a", credentials=True, expose="X-Total"
    )
    assert made.answer("https://a.example", ["GET"]) == [
        ("Access-Control-Allow-Origin", "https://a.example"),
        ("Vary", "Origin"),
        ("Access-Control-Allow-Methods", "PUT, GET"),
        ("Access-Control-Allow-Headers", "x-a"),
        ("Access-Control-Expose-Headers", "X-Total"),
        ("Access-Control-Max-Age", "60"),
        ("Access-Control-Allow-Credentials", "true"),
    ]
    assert made.answer("https://b.example", []) == [("Vary", "Origin")]
    assert made.answer(None, []) == [("Vary", "Origin")]
