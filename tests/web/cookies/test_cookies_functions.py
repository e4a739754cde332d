"""Pode's functions about cookies."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from pode_py import (
    PodeError,
    add_route,
    get_cookie,
    get_cookie_secret,
    get_cookie_value,
    remove_cookie,
    set_cookie,
    set_cookie_secret,
    update_cookie_expiry,
    web_event,
)
from pode_py import test_cookie as has_cookie
from pode_py import test_cookie_signed as has_signed_cookie
from pode_py.core.signing import sign
from pode_py.testing import Client, FakeClock
from pode_py.web.cookies.secrets import CookieSecrets
from tests.web.conftest import MemoryExchange, Web

LONG = "a secret of thirty-two letters or more"
FLAGS = "Path=/; HttpOnly; SameSite=Lax"


def run(web: Web, handler: Callable[[], object], **options: Any) -> MemoryExchange:
    """The answer of a route with this handler."""
    add_route("get", "/", handler, if_exists="overwrite")
    return web.get("/", **options)


def line(web: Web, handler: Callable[[], object], **options: Any) -> str:
    """Its Set-Cookie lines."""
    answer = run(web, handler, **options)
    assert answer.status == 200, web.logs.errors
    return answer.headers.get("set-cookie", "")


def asked(web: Web, handler: Callable[[], object], cookie: str, **options: Any) -> str:
    """What it answers a client that sends this."""
    headers = {"Cookie": cookie, **options.pop("headers", {})}
    return run(web, handler, headers=headers, **options).text


def failure(web: Web, handler: Callable[[], object], **options: Any) -> BaseException:
    """What it raises."""
    assert run(web, handler, **options).status == 500
    return web.logs.errors[-1]


def test_a_cookie_is_http_only_and_lax(web: Web):
    assert line(web, lambda: set_cookie("views", 2)) == f"views=2; {FLAGS}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "True"),
        (1.5, "1.5"),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, 3, tzinfo=UTC), "2026-01-02T03:00:00+00:00"),
        ("x;y z", "x%3By%20z"),
        ("100%", "100%25"),
        ("\ud800", "?"),
    ],
)
def test_values_are_text(web: Web, value: Any, text: str):
    assert line(web, lambda: set_cookie("v", value)) == f"v={text}; {FLAGS}"


def test_what_set_cookie_returned_in_a_lambda_is_no_body(web: Web):
    answer = run(web, lambda: set_cookie("v", 1, secret=LONG))
    assert (answer.status, answer.text) == (200, "")
    assert run(web, lambda: set_cookie("v", 1).value).text == "1"


def test_what_is_set_is_returned_and_pending(web: Web):
    def handler() -> list[object]:
        cookie = set_cookie("views", 2)
        return [
            cookie.name,
            cookie.value,
            cookie.signed,
            web_event.pending_cookies["views"] is cookie,
        ]

    assert run(web, handler).text == '["views","2",false,true]'


def test_a_name_that_is_set_again_replaces_its_line(web: Web):
    def handler() -> None:
        set_cookie("a", 1)
        set_cookie("b", 2)
        set_cookie("a", 3)
        set_cookie("ab", 4)

    assert line(web, handler) == f"a=3; {FLAGS}, b=2; {FLAGS}, ab=4; {FLAGS}"


def test_flags_of_one_s_own(web: Web):
    def handler() -> None:
        set_cookie(
            "a",
            1,
            readable=True,
            same_site="none",
            secure=True,
            path="/app",
            domain="a.org",
            partitioned=True,
        )

    assert line(web, handler) == (
        "a=1; Path=/app; Domain=a.org; Secure; SameSite=None; Partitioned"
    )


def test_discard_ends_a_cookie_at_once(web: Web):
    assert line(web, lambda: set_cookie("a", 1, discard=True)) == (f"a=1; Max-Age=0; {FLAGS}")


@pytest.mark.parametrize(
    "options",
    [
        {"http_only": True, "readable": True},
        {"duration": 1, "expiry_date": datetime(2030, 1, 1)},
        {"duration": -1},
        {"same_site": "never"},
        {"same_site": "none"},
        {"partitioned": True},
        {"strict": True},
        {"secret": ""},
        {"secret": []},
    ],
)
def test_what_contradicts_itself_is_refused(web: Web, options: dict[str, Any]):
    assert isinstance(failure(web, lambda: set_cookie("a", 1, **options)), ValueError)


def test_a_refused_cookie_leaves_no_line(web: Web):
    def handler() -> str:
        for name, value in (("a b", "1"), ("__Host-a", "1"), ("a", "x" * 5000)):
            with pytest.raises(ValueError, match="cookie"):
                set_cookie(name, value)
        return f"{web_event.pending_cookies}"

    answer = run(web, handler)
    assert (answer.text, answer.headers.get("set-cookie")) == ("{}", None)


def test_ends_are_whole_seconds():
    clock = FakeClock()
    now = clock.now()

    def server() -> None:
        @add_route("get", "/")
        def home() -> None:
            set_cookie("a", 1, duration=59.2)
            set_cookie("b", 1, duration=timedelta(minutes=2))
            set_cookie("c", 1, expiry_date=now + timedelta(hours=1))
            naive = (now + timedelta(hours=1)).replace(tzinfo=None)
            set_cookie("d", 1, expiry_date=naive)
            east = (now + timedelta(hours=1)).astimezone(timezone(timedelta(hours=9)))
            set_cookie("e", 1, expiry_date=east)
            set_cookie("f", 1, expiry_date=now - timedelta(days=1))

    with Client(server, clock=clock) as client:
        lines = client.get("/").headers.get_all("Set-Cookie")
    ages = [line.split("; ")[1] for line in lines]
    assert ages == [f"Max-Age={age}" for age in (60, 120, 3600, 3600, 3600, 0)]
    ends = [line.split("; ")[2] for line in lines]
    assert ends[2] == ends[3] == ends[4]
    minute = (now + timedelta(seconds=60)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert ends[0] == f"Expires={minute}"


def test_cookies_of_the_request_are_read(web: Web):
    def handler() -> list[object]:
        cookie = get_cookie("a")
        return [
            cookie and [cookie.name, cookie.value, cookie.signed],
            get_cookie_value("a"),
            has_cookie("a"),
            get_cookie("none"),
            get_cookie_value("none"),
            has_cookie("none"),
        ]

    rest = "null,null,false]"
    assert asked(web, handler, "a=x%20y; a=2") == f'[["a","x y",false],"x y",true,{rest}'
    assert asked(web, handler, "$x=1; =3; a b=1; a=7") == f'[["a","7",false],"7",true,{rest}'
    assert asked(web, handler, 'a=""') == f"[null,null,false,{rest}"
    assert asked(web, handler, "a=%20") == f"[null,null,false,{rest}"
    assert asked(web, handler, "a=s:1.x") == f'[["a","s:1.x",true],"s:1.x",true,{rest}'


def test_a_cookie_that_a_handler_has_set_in_the_event_is_found(web: Web):
    def handler() -> list[object]:
        web_event.cookies = {"a": sign("7", "k"), "b": 5}  # type: ignore[assignment]
        return [get_cookie_value("a", secret="k"), has_cookie("b")]

    assert asked(web, handler, "a=1; b=2") == '["7",false]'


def test_signatures_are_pode_s(web: Web):
    def handler() -> None:
        set_cookie("Views", 2, secret="hunter2")

    signature = "/tLWQFq8iOJCpD/XlTPn5ec3Be3LyPdF0EQSlrgcEz8="
    assert line(web, handler) == f"Views=s:2.{signature}; {FLAGS}"

    def strictly() -> None:
        set_cookie("Views", 2, secret="hunter2", strict=True)

    curl = {"User-Agent": "curl/8.5.0"}
    signature = "V/2+nOO2GUTZAc+hVfvi6J2h4fjC3iQ7Ptee+1+YAto="
    assert line(web, strictly, headers=curl) == f"Views=s:2.{signature}; {FLAGS}"


def test_a_wrong_signature_is_no_cookie(web: Web):
    def handler() -> list[object]:
        return [
            get_cookie("v", secret="k"),
            get_cookie_value("v", secret="k"),
            has_signed_cookie("v", secret="k"),
        ]

    right = sign("2", "k")
    for wrong in ("2", "s:2.bad", sign("2", "other"), right.swapcase(), right[:-1], "s:2."):
        assert asked(web, handler, f"v={wrong}") == "[null,null,false]"
    assert asked(web, lambda: get_cookie_value("v", secret="k"), f"v={right}") == "2"


def test_a_signature_is_checked_over_the_raw_text_and_then_the_decoded_one(web: Web):
    def handler() -> str | None:
        return get_cookie_value("v", secret="k")

    assert asked(web, handler, f"v={sign('a%20b', 'k')}") == "a%20b"
    assert asked(web, handler, f"v={sign('a b', 'k').replace(' ', '%20')}") == "a b"


def test_strict_binds_a_cookie_to_user_agent_and_address(web: Web):
    signed = sign("7", "s;curl;10.0.0.1")

    def handler() -> list[object]:
        return [
            get_cookie_value("v", secret="s", strict=True),
            has_signed_cookie("v", secret="s", strict=True),
        ]

    def ask(agent: str, address: str) -> str:
        return asked(web, handler, f"v={signed}", headers={"User-Agent": agent}, address=address)

    assert ask("curl", "10.0.0.1") == ask("curl", "::ffff:10.0.0.1") == '["7",true]'
    assert ask("curl", "10.0.0.2") == ask("wget", "10.0.0.1") == "[null,false]"


def test_of_several_secrets_the_first_signs_and_all_verify(web: Web):
    def handler() -> str | None:
        set_cookie("new", 1, secret=["new", "old"])
        return get_cookie_value("v", secret=["new", "old"])

    answer = run(web, handler, headers={"Cookie": f"v={sign('7', 'old')}"})
    assert answer.text == "7"
    assert answer.headers["set-cookie"].startswith(f"new={sign('1', 'new')};")
    assert asked(web, handler, f"v={sign('8', 'new')}") == "8"
    assert asked(web, handler, f"v={sign('8', 'older')}") == ""


@pytest.mark.parametrize("secret", ["", " ", [], [""], 7, ["a", 7]])
def test_a_secret_that_is_none_is_refused_and_never_means_unsigned(web: Web, secret: Any):
    for function in (get_cookie, get_cookie_value, has_signed_cookie):
        error = failure(web, lambda function=function: function("v", secret=secret))
        assert isinstance(error, (ValueError, TypeError))


def test_strict_reading_needs_the_secret_too(web: Web):
    for function in (get_cookie, get_cookie_value):
        error = failure(web, lambda function=function: function("v", strict=True))
        assert isinstance(error, ValueError)


def test_a_test_of_the_signature_needs_the_secret(web: Web):
    error = failure(web, lambda: has_signed_cookie("v"))
    assert isinstance(error, ValueError)
    assert "get_cookie_secret" in str(error)


def test_a_cookie_that_was_sent_is_removed(web: Web):
    def handler() -> None:
        remove_cookie("v")
        remove_cookie("none")

    assert line(web, handler, headers={"Cookie": "v=7"}) == f"v=; Max-Age=0; {FLAGS}"
    assert line(web, handler, headers={"Cookie": "v="}) == f"v=; Max-Age=0; {FLAGS}"
    assert line(web, handler) == ""


def test_a_cookie_that_was_set_is_removed_with_its_flags(web: Web):
    def handler() -> None:
        set_cookie("v", 7, path="/app", readable=True, same_site="strict", duration=60)
        remove_cookie("v")

    assert line(web, handler) == "v=; Max-Age=0; Path=/app; SameSite=Strict"


def test_a_cookie_with_a_prefix_is_removed_as_browsers_demand(web: Web):
    sent = {"Cookie": "__Host-v=7"}
    assert line(web, lambda: remove_cookie("__Host-v"), headers=sent) == (
        "__Host-v=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax"
    )


def test_the_end_of_a_cookie_is_moved(web: Web):
    def handler() -> None:
        update_cookie_expiry("v", duration=60)

    found = line(web, handler, headers={"Cookie": "v=a%20b"})
    assert found.startswith("v=a%20b; Max-Age=60; Expires=")
    assert found.endswith(FLAGS)


def test_the_end_of_a_cookie_that_was_set_is_moved_and_the_rest_stays(web: Web):
    def handler() -> None:
        set_cookie("v", 7, path="/app", secure=True)
        update_cookie_expiry("v", expiry_date=datetime(2000, 1, 1))

    assert line(web, handler) == (
        "v=7; Max-Age=0; Expires=Sat, 01 Jan 2000 00:00:00 GMT; Path=/app; Secure; HttpOnly; "
        "SameSite=Lax"
    )


def test_a_duration_of_zero_moves_nothing(web: Web):
    def handler() -> str:
        return update_cookie_expiry("v").value

    answer = run(web, handler, headers={"Cookie": "v=7"})
    assert (answer.text, answer.headers.get("set-cookie")) == ("7", None)


def test_a_cookie_that_is_not_there_can_t_be_updated(web: Web):
    def removed() -> None:
        set_cookie("v", 1)
        remove_cookie("v")
        update_cookie_expiry("v", duration=60)

    def absent() -> None:
        update_cookie_expiry("v", duration=60)

    for handler, cookie in ((absent, "a=1"), (absent, "v="), (removed, "a=1")):
        error = failure(web, handler, headers={"Cookie": cookie})
        assert isinstance(error, PodeError)
        assert 'test_cookie("v")' in str(error)


def test_secrets_are_kept_by_name(web: Web):
    set_cookie_secret("web", LONG)
    set_cookie_secret(value=[LONG + "2", LONG], global_=True)
    assert get_cookie_secret("web") == LONG
    assert get_cookie_secret(global_=True) == get_cookie_secret("global") == (LONG + "2", LONG)


def test_a_secret_that_is_not_there_names_those_that_are(web: Web):
    set_cookie_secret("web", LONG)
    with pytest.raises(PodeError, match=r"'wep'.*Did you mean 'web'.*Known: 'web'"):
        get_cookie_secret("wep")
    with pytest.raises(PodeError, match="global_=True"):
        get_cookie_secret(global_=True)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        (None, {"value": LONG}),
        ("web", {"value": LONG, "global_": True}),
        ("web", {}),
        ("web", {"value": ""}),
        ("web", {"value": []}),
        ("", {"value": LONG}),
    ],
)
def test_a_secret_needs_a_name_and_a_value(web: Web, name: Any, options: dict[str, Any]):
    with pytest.raises(ValueError):  # noqa: PT011 - each has words of its own
        set_cookie_secret(name, **options)


def test_a_short_secret_is_warned_of_and_never_shown(monkeypatch):
    monkeypatch.delenv("PODE_ENVIRONMENT", raising=False)
    warned: list[str] = []
    secrets = CookieSecrets(lambda what, where: warned.append(f"{where}: {what}"))
    secrets.set("web", "ü" * 15)
    secrets.set("global", [LONG, "hunter2"])
    secrets.set("long", "ü" * 16)
    assert [text.partition(" has ")[0] for text in warned] == [
        "set_cookie_secret: The cookie secret 'web'",
        "set_cookie_secret: The global cookie secret",
    ]
    assert not [text for text in warned if "hunter2" in text]


def test_a_short_secret_is_refused_in_production(web: Web, monkeypatch):
    monkeypatch.setenv("PODE_ENVIRONMENT", "Production")
    with pytest.raises(PodeError, match="production") as caught:
        set_cookie_secret("web", "hunter2")
    assert "hunter2" not in str(caught.value)
    with pytest.raises(PodeError, match="no cookie secret"):
        get_cookie_secret("web")
    set_cookie_secret("web", LONG)


@pytest.mark.parametrize(
    "given", [("web", b"hunter2"), (["hunter2"], "web"), ("web", {"hunter2": 1})]
)
def test_a_wrong_call_never_shows_the_secret(web: Web, given: Any):
    with pytest.raises(TypeError) as caught:
        set_cookie_secret(*given)
    assert "hunter2" not in str(caught.value)


def test_cookies_need_a_request(web: Web):
    for function in (get_cookie, set_cookie, has_cookie, remove_cookie):
        with pytest.raises(PodeError, match="while a request is handled"):
            function("a")
