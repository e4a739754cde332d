"""Masking: what is always hidden, what patterns hide, and that hostile text costs little."""

from __future__ import annotations

import time

import pytest

from pode_py.observability.logs.functions import add_log_type, protect_log_item, write_log
from pode_py.observability.logs.masking import Masking
from pode_py.observability.logs.methods.functions import new_log_file_method


def test_a_match_is_replaced_by_the_mask():
    masking = Masking.of([r"Password=\w+"])
    assert masking.protect("Username, password=Hunter2, Email") == "Username, ********, Email"


@pytest.mark.parametrize("group", ["(?<keep_before>", "(?P<keep_before>"])
def test_what_is_to_be_kept_before_is_kept(group):
    masking = Masking.of([rf"{group}Password=)\w+"])
    assert masking.protect("Password=Hunter2, Email") == "Password=********, Email"


def test_what_is_to_be_kept_after_is_kept():
    masking = Masking.of([r"\w+(?<keep_after>@example\.org)"])
    assert masking.protect("to ada@example.org") == "to ********@example.org"


def test_look_behinds_are_no_groups():
    assert Masking.of([r"(?<=key:)\w+"]).protect("key:abc") == "key:********"


def test_the_mask_may_be_chosen():
    masking = Masking.of([r"a\d"], "--MASKED--")
    assert masking.protect("a1 b2 a3 ?token=x") == "--MASKED-- b2 --MASKED-- ?token=--MASKED--"


def test_a_mask_is_no_pattern():
    assert Masking.of(["secret"], r"\1 \g<0>").protect("a secret") == r"a \1 \g<0>"


def test_a_bad_pattern_is_told():
    with pytest.raises(ValueError, match="is not a regular expression"):
        Masking.of(["("])


def test_the_servers_patterns_hold_for_its_methods_and_for_protect_log_item(server):
    server.logs.masking = Masking.of([r"(?<keep_before>card )\d+"])
    add_log_type(new_log_file_method("app"), "main", raw=True)
    write_log("card 4711", "main")
    assert server.lines("app") == ["card ********"]
    assert protect_log_item("card 4711") == "card ********"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("/a?ticket=x&b=1", "/a?ticket=********&b=1"),
        ("/a?b=1&client_secret=x y", "/a?b=1&client_secret=******** y"),
        ("/a?REFRESH_TOKEN=x", "/a?REFRESH_TOKEN=********"),
        ("Authorization: Basic YWRhOmx1dg==", "Authorization: Basic ********"),
        ("{'authorization': 'token', 'a': 'b'}", "{'authorization': '********', 'a': 'b'}"),
        ("Set-Cookie: sid=1; Path=/", "Set-Cookie: ********"),
        ("id s:abc." + "k" * 43 + "= sent", "id s:abc.******** sent"),
    ],
)
def test_well_known_secrets_are_always_hidden(text, masked):
    assert Masking().protect(text) == masked


SECRET_NAMES = [
    *("code", "state", "session_state", "sig", "X-Amz-Signature", "auth", "pass", "otp", "totp"),
    *("key", "api-key", "apiKey", "subscription-key", "sid", "connect.sid", "PHPSESSID", "pin"),
    *(
        "authCode",
        "device_code",
        "SAMLResponse",
        "client_assertion",
        "code_verifier",
        "oauth_state",
    ),
    *("token[]", "token[0]", "token%5B%5D", "tok%65n", "user[password]", "user%5Bpassword%5D"),
]


@pytest.mark.parametrize("name", SECRET_NAMES)
@pytest.mark.parametrize("before", ["/a?", "/a?b=1&", "https://host/a#", "/a?b=1;", "/a;"])
def test_the_value_of_a_secret_name_is_hidden_in_a_url(before, name):
    target = f"{before}{name}=SECRET%20+x&se=2026"
    assert Masking().url(target) == f"{before}{name}=********&se=2026"
    assert Masking().protect(target) == f"{before}{name}=********&se=2026"


@pytest.mark.parametrize(
    ("target", "masked"),
    [
        ("/in?next=%2Fa%3Ftoken%3DSECRET&b=1", "/in?next=********&b=1"),
        ("/in?next=/a?token=SECRET&b=1", "/in?next=/a?token=********&b=1"),
        ("/in?u=%2Fa%3Fu%3D%252Fb%253Fkey%253DSECRET", "/in?u=********"),
        ("/in?token=SECRET;more&b=1", "/in?token=********&b=1"),
        ("https://ada:SECRET@host/page?b=1", "https://ada:********@host/page?b=1"),
        ("https://host/page#access_token=SECRET", "https://host/page#access_token=********"),
    ],
)
def test_a_secret_is_hidden_wherever_it_stands_in_a_url(target, masked):
    assert Masking().url(target) == masked


@pytest.mark.parametrize(
    "target",
    [
        "/a?next=%2Fb%3Fpage%3D2&se=2026&sort=name",
        "/a?sort_key=name&zip_code=8000&status_code=404&country_code=de&primary_key=id&keys=1",
        "/a?monkey=1&estate=2&design=3&compass=4&author=ada&inside=5&spin=6&state_count=7",
        "/key=value/code",
        "https://host:8080/a@b",
        "/a?token=",
    ],
)
def test_other_names_keep_their_values(target):
    assert Masking().url(target) == target
    assert Masking().protect(target) == target


def test_a_password_that_is_masked_already_stays_as_it_is():
    assert Masking().protect("redis://me:***@localhost") == "redis://me:***@localhost"


def test_the_password_of_a_url_is_hidden_in_any_text():
    text = "Error 111 connecting to redis://:hunter2@localhost:6379/0."
    assert Masking().protect(text) == "Error 111 connecting to redis://:********@localhost:6379/0."


@pytest.mark.parametrize(
    "text",
    [
        "/a?max_tokens=5&ticket_count=2&page=3",
        "https://example.org/passwords?sort=name",
        "the authorization failed",
        "time: 12.5 s: 3.1415",
    ],
)
def test_harmless_text_stays(text):
    assert Masking().protect(text) == text
    assert Masking().url(text) == text


@pytest.mark.parametrize(
    "piece",
    [
        "?token",
        "&a",
        "&token=",
        "?a=%3d",
        "://a:",
        "&[]=%253d",
        "s:.",
        "." + "a" * 42,
        "." + "a" * 43 + "=",
        "cookie: '",
    ],
)
def test_hostile_text_costs_linear_time(piece):
    def cost(size):
        text = (piece * size)[:size]
        began = time.thread_time()
        Masking().protect(text)
        Masking().url(text)
        return time.thread_time() - began

    small = min(cost(8_000) for _ in range(3))
    large = min(cost(64_000) for _ in range(3))
    assert large < 1
    assert large < max(small, 0.0005) * 8 * 4
