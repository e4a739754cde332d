"""Cookies over real sockets, on both engines."""

from __future__ import annotations

import asyncio
from http.cookies import SimpleCookie
from queue import Queue
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pode_py import (
    PodeError,
    StatusError,
    add_endpoint,
    add_endware,
    add_middleware,
    add_route,
    convert_to_sse_connection,
    get_cookie_value,
    get_server_default_secret,
    move_response_url,
    remove_cookie,
    send_sse_event,
    set_cookie,
    set_trusted_proxies,
    web_event,
)
from pode_py import test_cookie as has_cookie
from pode_py.testing import Client, fetch
from tests.server.program import DEADLINE

SECRET = "a secret of thirty-two letters or more"
FLAGS = "Path=/; HttpOnly; SameSite=Lax"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=120)


def lines(answer) -> list[str]:
    return answer.headers.get_all("Set-Cookie")


def pair(line: str) -> str:
    """What a browser sends back."""
    return line.partition(";")[0]


def test_cookies_come_from_plain_async_and_yielding_handlers(live_server):
    def set_up() -> None:
        @add_route("get", "/plain")
        def plain() -> None:
            set_cookie("kind", "plain")
            set_cookie("more", web_event.cookies.get("me"))

        @add_route("get", "/async")
        async def later() -> str:
            await asyncio.sleep(0)
            set_cookie("kind", "async")
            await asyncio.sleep(0)
            set_cookie("more", get_cookie_value("me"))
            return "ok"

        @add_route("get", "/pieces")
        def pieces():
            set_cookie("kind", "pieces")
            set_cookie("more", get_cookie_value("me"))
            yield "a"
            yield "b"

    live = live_server(set_up)
    for kind in ("plain", "async", "pieces"):
        answer = live.get(f"/{kind}", headers={"Cookie": "me=Ann"})
        assert lines(answer) == [f"kind={kind}; {FLAGS}", f"more=Ann; {FLAGS}"]


def test_any_text_comes_back_over_the_wire_plain_and_signed(live_server):
    def set_up() -> None:
        @add_route("post", "/set")
        def put() -> None:
            set_cookie("plain", web_event.data["text"])
            set_cookie("signed", web_event.data["text"], secret=SECRET, strict=True)

        @add_route("get", "/get")
        def read() -> dict[str, object]:
            return {
                "plain": web_event.cookies["plain"],
                "signed": get_cookie_value("signed", secret=SECRET, strict=True),
            }

    live = live_server(set_up)

    @settings(max_examples=40)
    @given(TEXT)
    def check(text: str) -> None:
        found = lines(live.request("POST", "/set", json={"text": text}))
        sent = "; ".join(map(pair, found))
        answer = live.get("/get", headers={"Cookie": sent}).json()
        # An empty text is blank only where it is not signed.
        assert answer["plain"] == text
        assert answer["signed"] == text

    check()


def test_cookies_stand_on_error_pages_and_redirects(live_server):
    def set_up() -> None:
        @add_middleware("count")
        def count() -> None:
            set_cookie("seen", 1)

        @add_route("get", "/status")
        def status() -> None:
            raise StatusError(404)

        @add_route("get", "/fault")
        def fault() -> None:
            set_cookie("more", 2)
            raise KeyError("x")

        @add_route("get", "/moved")
        def moved() -> None:
            move_response_url("/status")

    live = live_server(set_up)
    assert [live.get(path).status_code for path in ("/status", "/fault", "/moved")] == [
        404,
        500,
        302,
    ]
    assert lines(live.get("/status")) == lines(live.get("/moved")) == [f"seen=1; {FLAGS}"]
    assert lines(live.get("/fault")) == [f"seen=1; {FLAGS}", f"more=2; {FLAGS}"]


def test_endware_may_still_set_a_cookie(live_server):
    def set_up() -> None:
        add_route("get", "/", lambda: "ok")
        add_endware(lambda: set_cookie("last", 1))

    assert lines(live_server(set_up).get("/")) == [f"last=1; {FLAGS}"]


def test_cookies_stand_on_the_head_of_an_event_stream(live_server):
    late: Queue[BaseException] = Queue()

    def open_stream() -> None:
        set_cookie("stream", "a b", secret=SECRET)
        remove_cookie("old")
        convert_to_sse_connection("Events")
        try:
            set_cookie("late", 1)
        except PodeError as error:
            late.put(error)

    def set_up() -> None:
        add_route("get", "/plain", open_stream)

        @add_route("get", "/async")
        async def later() -> None:
            await asyncio.sleep(0)
            open_stream()
            await send_sse_event("hello", from_event=True)

    live = live_server(set_up)
    for path in ("/plain", "/async"):
        with live.sse(path, headers={"Cookie": "old=1"}) as stream:
            stream.next("pode.open")
            first, second = lines(stream)
            assert first.startswith("stream=s:a%20b.")
            assert second == f"old=; Max-Age=0; {FLAGS}"
            assert "before convert_to_sse_connection" in str(late.get(timeout=DEADLINE))


def test_a_cookie_after_the_first_piece_is_an_error_and_not_silence(live_server):
    late: list[BaseException] = []

    def set_up() -> None:
        @add_route("get", "/")
        def pieces():
            yield "a"
            try:
                set_cookie("late", 1)
            except PodeError as error:
                late.append(error)
            yield "b"

    answer = live_server(set_up).get("/")
    assert (answer.text, lines(answer), len(late)) == ("ab", [], 1)


def test_a_client_with_https_gets_secure_cookies(live_server):
    def set_up() -> None:
        add_endpoint(protocol="https", self_signed=True)

        @add_route("get", "/")
        def home() -> None:
            set_cookie("__Host-id", 7)
            remove_cookie("old")

    answer = live_server(set_up).get("/", headers={"Cookie": "old=1"})
    assert lines(answer) == [
        "__Host-id=7; Path=/; Secure; HttpOnly; SameSite=Lax",
        "old=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax",
    ]


def test_so_does_one_behind_a_trusted_proxy(live_server):
    def set_up() -> None:
        set_trusted_proxies("127.0.0.1")
        add_route("get", "/", lambda: set_cookie("id", 7))

    answer = live_server(set_up).get("/", headers={"X-Forwarded-Proto": "https"})
    assert lines(answer) == ["id=7; Path=/; Secure; HttpOnly; SameSite=Lax"]


@pytest.mark.parametrize(
    "field",
    ["=x", "$a=x", ";;;", "a", "a b=1", '"', "a=\x80", "=;=;=", "v", "%=%", "v=" + "x" * 4096],
)
def test_odd_cookies_harm_nobody(live_server, field: str):
    def set_up() -> None:
        add_route("get", "/", lambda: [has_cookie("a"), dict(web_event.cookies)])

    assert live_server(set_up).get("/", headers={"Cookie": field}).status_code == 200


def test_two_hundred_cookies_of_a_client_are_read(live_server):
    def set_up() -> None:
        add_route("get", "/", lambda: str(len(web_event.cookies)))

    many = "; ".join(f"c{number}=1" for number in range(300))
    assert live_server(set_up).get("/", headers={"Cookie": many}).text == "200"


def test_python_s_own_parser_reads_what_is_set(live_server):
    def set_up() -> None:
        @add_route("get", "/")
        def home() -> None:
            set_cookie("v", 'a; "b", ü', duration=60, same_site="strict")

    [line] = lines(live_server(set_up).get("/"))
    morsel = SimpleCookie(line)["v"]
    assert morsel.value == quote('a; "b", ü')
    assert (morsel["max-age"], morsel["path"], morsel["samesite"]) == ("60", "/", "Strict")
    assert morsel["httponly"]


def test_middleware_in_the_place_of_our_parsing_decides_what_was_sent(live_server):
    def set_up() -> None:
        @add_middleware("__pode_mw_cookie_parsing__")
        def parse() -> None:
            web_event.cookies = {"v": "mine"}  # type: ignore[assignment]

        add_route("get", "/", lambda: get_cookie_value("v"))

    assert live_server(set_up).get("/", headers={"Cookie": "v=theirs"}).text == "mine"


def test_the_default_secret_differs_by_purpose(live_server):
    live = live_server(lambda: None)
    secrets = [live.call(get_server_default_secret, purpose=one) for one in ("cookies", "sse")]
    plain = live.call(get_server_default_secret)
    assert len({*secrets, plain}) == 3
    assert all(len(secret) >= 32 for secret in secrets)
    assert live.call(get_server_default_secret, purpose="cookies") == secrets[0]
    with pytest.raises(ValueError, match="purpose"):
        live.call(get_server_default_secret, purpose="")


def test_what_was_signed_before_a_restart_is_void_after_it(live_server):
    def set_up() -> None:
        @add_route("get", "/")
        def home() -> str | None:
            secret = get_server_default_secret(purpose="cookies")
            set_cookie("v", 1, secret=secret)
            return get_cookie_value("v", secret=secret) or "none"

    first, second = live_server(set_up), live_server(set_up)
    cookie = pair(lines(first.get("/"))[0])
    assert first.get("/", headers={"Cookie": cookie}).text == "1"
    assert second.get("/", headers={"Cookie": cookie}).text == "none"


def test_a_test_client_sends_cookies_back():
    def server() -> None:
        add_route("get", "/set", lambda: set_cookie("v", "a; ü", secret=SECRET))
        add_route("get", "/get", lambda: get_cookie_value("v", secret=SECRET) or "none")
        add_route("get", "/remove", lambda: remove_cookie("v"))

    with Client(server) as client:
        client.get("/set")
        assert client.get("/get").text == "a; ü"
        client.get("/remove")
        assert client.get("/get").text == "none"


def test_a_cookie_needs_its_own_endpoint_s_scheme(live_server):
    def set_up() -> None:
        add_endpoint(protocol="http", name="plain")
        add_endpoint(protocol="https", self_signed=True, name="safe")
        add_route("get", "/", lambda: set_cookie("id", 7))

    live = live_server(set_up)
    found = {url.partition(":")[0]: lines(fetch(url + "/")) for url in live.urls}
    assert found == {
        "http": [f"id=7; {FLAGS}"],
        "https": ["id=7; Path=/; Secure; HttpOnly; SameSite=Lax"],
    }
