"""The pages of the samples, as a person meets them."""

from __future__ import annotations

import contextlib
import json
import time

import pytest

from tests.browser.chromium import Browser
from tests.samples.running import RunningSample

DESKTOP, PHONE = (1280, 800), (390, 844)


@pytest.fixture
def visit(browser):
    """Start a sample and open its page. The page must not complain at the end."""
    with contextlib.ExitStack() as stack:

        def start(name: str) -> RunningSample:
            sample = stack.enter_context(RunningSample(name))
            browser.open(sample.url + "/")
            return sample

        yield start
        complaints = browser.complaints()
        browser.open("about:blank")
    assert complaints == []


def is_live(browser: Browser) -> None:
    browser.wait_for_text("#state", "live")


def pictures(browser: Browser, name: str) -> None:
    """The page as it is, on a desk and in a hand, by day and by night."""
    browser.screenshot(name, size=DESKTOP)
    browser.screenshot(f"{name}-phone", size=PHONE)
    browser.prefer("dark")
    browser.screenshot(f"{name}-dark", size=DESKTOP)
    browser.prefer("")


def test_the_showcase_is_alive(browser, visit):
    visit("showcase")
    is_live(browser)
    browser.wait_for(lambda: ":" in browser.text("#clock"), "a time on the clock")
    first = browser.text("#clock")
    browser.wait_for(lambda: browser.text("#clock") != first, "the next second")
    browser.wait_for_text("#streams", "1")
    assert browser.text("#me") == "Guest 1"

    browser.type("#say [name=text]", "Hello <b>world</b>")
    browser.click("#say button")
    browser.wait_for_text("#talk .text", "Hello <b>world</b>")

    browser.click("#job")
    browser.wait_for_text("#doing", "Finished.")
    assert browser.run("return document.getElementById('bar').value") == 20
    browser.wait_for_text("#wire .tag", "figures")
    assert len(browser.texts("#samples li")) >= 12
    pictures(browser, "showcase")


def test_the_showcase_comes_back_after_a_restart(browser, visit):
    visit("showcase")
    is_live(browser)
    browser.wait_for_text("#wire .tag", "clock")
    browser.click("#restart")
    browser.wait_for_text("#wire .tag", "pode.close")
    browser.wait_for_text("#wire .text", "reconnected; the last event was")
    is_live(browser)


def test_a_page_comes_back_to_a_server_that_was_killed(browser):
    with RunningSample("showcase") as sample:
        browser.open(sample.url + "/")
        is_live(browser)
        browser.wait_for_text("#wire .tag", "clock")
        sample.kill()
        browser.wait_for_text("#state", "connecting again")
        assert "pode.close" not in browser.texts("#wire .tag")
        with RunningSample("showcase", port=sample.port):
            is_live(browser)
            browser.wait_for_text("#wire .text", "reconnected; the last event was")
            browser.open("about:blank")


def test_the_global_stream_shows_what_the_schedule_sends(browser, visit):
    visit("sse_global")
    is_live(browser)
    browser.click("#now")
    browser.wait_for_text("#events .text", "Hello there!")
    pictures(browser, "sse_global")


def test_the_local_stream_is_over_after_two_events(browser, visit):
    visit("sse_local")
    browser.click("button.quiet")
    browser.wait_for_text("#state", "closed")
    # The newest stands on top.
    assert browser.texts("#events .tag") == ["pode.close", "Second", "First", "pode.open"]
    pictures(browser, "sse_local")


def test_groups_and_client_ids_work_from_the_page(browser, visit):
    sample = visit("sse_groups")
    browser.type("#join [name=id]", "anna")
    browser.click("#join button")
    is_live(browser)
    with sample.sse("/events?group=blue&id=ben") as ben:
        ben.next("pode.open")
        browser.wait_for_text("#people", "ben · blue")
        browser.type("#send [name=text]", "for ben")
        browser.type("#send [name=id]", "ben")
        browser.click("#send button")
        browser.wait_for_text("#reached", "It reached one client.")
        assert ben.next("message").data == "for ben"
    sample.post("/send", data={"text": "for reds", "group": "red"})
    browser.wait_for_text("#events .text", "for reds")
    assert "for ben" not in browser.texts("#events .text")
    pictures(browser, "sse_groups")


def test_a_signed_id_is_answered_and_a_forged_one_refused(browser):
    with RunningSample("sse_signed") as sample:
        browser.open(sample.url + "/")
        is_live(browser)
        assert browser.text("#me").startswith("s:")
        browser.type("#ask [name=question]", "who is there")
        browser.click("#ask button:not([type=button])")
        browser.wait_for_text("#answers .text", "ereht si ohw!")
        assert browser.text("#status").startswith("202")
        browser.click("#forge")
        browser.wait_for_text("#status", "400")
        pictures(browser, "sse_signed")
        browser.open("about:blank")


def test_broadcast_levels_say_no_on_the_page(browser):
    with RunningSample("sse_broadcast_levels") as sample:
        browser.open(sample.url + "/")
        browser.wait_for(
            lambda: browser.texts(".badge") == ["live"] * 3, "three streams that are live"
        )
        browser.click("[value=News]")
        browser.wait_for_text("#status", "News: it reached 1 client(s).")
        browser.click("[value=Private]")
        browser.wait_for_text("#status", "403: A send to Private must reach its level: clientid.")
        assert browser.texts("#streams .feed .text") == ["Hello!"]
        pictures(browser, "sse_broadcast_levels")
        browser.open("about:blank")


def test_the_page_shows_who_comes_and_goes(browser, visit):
    sample = visit("sse_connect_events")
    is_live(browser)
    me = browser.text("#me")
    with sample.sse("/events?who=Zora"):
        browser.wait_for(lambda: browser.texts("#online li") == [me, "Zora"], "both online")
    browser.wait_for(lambda: browser.texts("#online li") == [me], "one online")
    assert browser.texts("#events .tag")[:2] == ["left", "came"]
    pictures(browser, "sse_connect_events")


def test_the_progress_bar_goes_to_its_end(browser, visit):
    visit("progress")
    browser.click("#start")
    browser.wait_for(lambda: "%" in browser.text("#share"), "some progress")
    pictures(browser, "progress")
    browser.wait_for_text("#doing", "Finished: 100 steps")
    browser.wait_for_text("#state", "closed")
    assert browser.run("return document.getElementById('bar').value") == 100


def test_two_tabs_chat(browser, visit):
    sample = visit("chat")
    first = browser.driver.current_window_handle
    nasty = "<img src=x onerror=\"document.title='hacked'\"><script>alert(1)</script>"
    _join(browser, "Ada")
    second = browser.new_tab(sample.url + "/")
    _join(browser, '"><b>Bob')
    _say(browser, nasty)
    browser.go_to_tab(first)
    browser.wait_for_text("#said li", nasty)
    _say(browser, "I can read that.")
    assert browser.texts("#people li") == ['"><b>Bob', "Ada"]
    browser.go_to_tab(second)
    browser.wait_for_text("#said li", "I can read that.")
    pictures(browser, "chat")
    for tab in (first, second):
        browser.go_to_tab(tab)
        assert len(browser.texts("#said li")) == 2
        assert browser.texts("#said img, #said script, #people b") == []
        assert browser.driver.title == "Chat"


def _join(browser: Browser, nick: str) -> None:
    browser.type("#join [name=nick]", nick)
    browser.click("#join button")
    is_live(browser)


def _say(browser: Browser, text: str) -> None:
    browser.type("#say [name=text]", text)
    browser.click("#say button")
    browser.wait_for_text("#said li", text)


def test_the_charts_are_drawn_and_go_on(browser, visit):
    visit("live_chart")
    is_live(browser)
    curve = "return document.querySelector('#temperature .curve')?.getAttribute('d')"
    browser.wait_for(lambda: browser.run(curve), "a curve")
    first = browser.run(curve)
    browser.wait_for(lambda: browser.run(curve) != first, "a curve that goes on")
    assert "NaN" not in browser.run(curve)
    assert float(browser.text("#wind-now")) >= 0
    pictures(browser, "live_chart")


def test_the_shelf_of_books_can_be_used(browser, visit):
    sample = visit("rest_api")
    browser.wait_for(lambda: len(browser.texts("#books tr")) == 3, "three books")
    browser.type("#add [name=title]", "<i>Fiasco</i>")
    browser.type("#add [name=author]", "Lem")
    browser.click("#add button")
    browser.wait_for_text("#books td", "<i>Fiasco</i>")
    browser.click("#books tr:first-child button:last-child")
    browser.wait_for(lambda: "Solaris" not in browser.text("#books"), "one book less")
    assert [book["id"] for book in json.loads(sample.get("/api/books").body)] == [2, 3, 4]
    pictures(browser, "rest_api")


def test_a_page_reads_the_cookies_that_it_may(browser, visit):
    visit("cookies")
    browser.wait_for_text("#visits", "1")
    browser.click("#visit")
    browser.wait_for_text("#visits", "2")
    assert browser.run("return document.cookie") == ""
    browser.run("document.cookie = 'visits=9'")  # HttpOnly: a script can't replace it either
    browser.click("#dark")
    browser.wait_for(lambda: browser.run("return document.cookie") == "theme=dark", "a theme")
    browser.wait_for_text("#preview.dark", "the theme of your cookie")
    assert browser.text("#cookies td:nth-child(2)").startswith("s:2.")
    pictures(browser, "cookies")

    browser.click("#cheat")
    browser.wait_for_text("#state", "no valid signature")
    assert browser.text("#visits") == "0"
    browser.click("#forget")
    browser.wait_for(lambda: browser.run("return document.cookie") == "", "no theme")
    browser.wait_for_text("#cookies td:nth-child(2)", "(none)")


def test_a_guide_of_several_pages_takes_notes(browser, visit):
    sample = visit("pages")
    assert len(browser.texts(".card")) == 6
    pictures(browser, "pages")
    browser.type("[name=find]", "yew")
    browser.click(".search button")
    browser.wait_for_text("h1", "1 tree like “yew”")
    browser.click(".card")
    browser.wait_for_text("h1", "Yew")
    browser.type("[name=name]", "Ann")
    browser.type("[name=text]", "<b>old</b>")
    browser.click(".note button")
    browser.wait_for_text("blockquote", "<b>old</b>")
    assert browser.texts("blockquote b") == []
    pictures(browser, "pages-tree")
    assert sample.get("/pages.css").status_code == 200


def test_a_board_is_made_by_pode_templates(browser, visit):
    visit("pode_pages")
    assert len(browser.texts("tbody tr")) == 5
    sky = "return getComputedStyle(document.documentElement).getPropertyValue('--sky')"
    assert browser.run(sky).startswith("#")
    pictures(browser, "pode_pages")
    browser.click("nav a:nth-child(4)")
    browser.wait_for_text("h1", "Platform 3")
    assert len(browser.texts("tbody tr")) == 1


def test_words_appear_as_they_come_and_can_be_stopped(browser, visit):
    visit("token_stream")
    browser.type("#ask [name=text]", "<b>Hello</b>")
    browser.click("#ask button:not([type=button])")
    browser.wait_for_text("#answer", "You said: <b>Hello</b>")
    browser.wait_for_text("#state", "answers")
    pictures(browser, "token_stream")
    browser.wait_for_text("#state", "finished")
    assert browser.text("#answer").endswith("in the same way.")
    browser.click("#ask button:not([type=button])")
    browser.wait_for_text("#answer", "I am not a language model")
    browser.click("#stop")
    browser.wait_for_text("#state", "stopped")
    assert not browser.text("#answer").endswith("in the same way.")


def test_timers_are_shown_as_they_run(browser, visit):
    visit("timers")
    is_live(browser)
    browser.type("#add [name=name]", "mine")
    browser.type("#add [name=seconds]", "1")
    browser.click("#add button")
    browser.wait_for_text("#runs .tag", "mine")
    browser.wait_for_text("#timers td", "mine")
    pictures(browser, "timers")


def test_schedules_run_from_the_page_and_the_helper_helps(browser, visit):
    visit("schedules")
    is_live(browser)
    browser.wait_for_text("#built", "30 7 * * *")
    browser.type("#cron [name=hour]", "8")
    browser.wait_for_text("#built", "30 8 * * *")
    browser.wait_for(lambda: len(browser.texts("#schedules tr")) == 8, "eight schedules")
    browser.click("#schedules tr:nth-child(3) button")
    browser.wait_for_text("#runs .tag", "tuesdays")
    pictures(browser, "schedules")


@pytest.mark.parametrize("name", ["showcase", "chat", "schedules", "live_chart"])
def test_a_page_fits_a_narrow_screen(browser, visit, name):
    visit(name)
    size = {"width": PHONE[0], "height": PHONE[1], "deviceScaleFactor": 1, "mobile": True}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            assert browser.run("return document.documentElement.scrollWidth") <= PHONE[0]
    finally:
        browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_page_that_was_left_is_live_again_on_the_way_back(browser, visit):
    sample = visit("sse_connect_events")
    is_live(browser)
    browser.open("about:blank")
    with sample.sse("/events?who=Zora") as zora:
        while json.loads(zora.next("lobby").data)["online"] != ["Zora"]:
            pass
        browser.driver.back()
        is_live(browser)
        while len(json.loads(zora.next("lobby").data)["online"]) != 2:
            pass
