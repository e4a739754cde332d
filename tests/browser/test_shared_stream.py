"""Eight tabs of a real browser share one event stream, and lose nothing when its tab closes."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from selenium.common.exceptions import WebDriverException

from pode_py import (
    add_route,
    close_sse_connection,
    convert_to_sse_connection,
    get_sse_connection,
    send_sse_event,
    set_response_status,
    set_sse_history,
    use_sse_shared_script,
    web_event,
    write_html_response,
)
from pode_py.testing import LiveServer
from tests.browser.chromium import Browser
from tests.samples.running import RunningSample

TABS = 8

# Keeps what came, as [type, data]. With ?nolocks it is like a page that is not secure.
PAGE = """<!DOCTYPE html>
<meta charset="utf-8"><title>tab</title><body>a tab</body>
<script>
  if (location.search.includes("nolocks")) {
    Object.defineProperty(navigator, "locks", { value: undefined });
  }
</script>
<script src="/pode/sse-shared.js"></script>
<script>
  const seen = [];
  const states = [];
  const source = new SharedEventSource("/events");
  source.onopen = () => states.push("open");
  source.onerror = () => states.push("error");
  let lastId = "";
  source.addEventListener("tick", (event) => { lastId = event.lastEventId; });
  source.onmessage = (event) => seen.push(["message", event.data]);
  for (const type of ["tick", "pode.open", "pode.close", "pode.reset"]) {
    source.addEventListener(type, (event) => seen.push([type, event.data]));
  }
</script>
"""


class Tabs:
    """Tabs of one browser, all on the page above, and the server behind them."""

    def __init__(self, browser: Browser, live: LiveServer) -> None:
        self.browser = browser
        self.live = live
        self.handles: list[str] = []

    def open(self, number: int, query: str = "") -> None:
        """Open so many tabs and wait until each has its pode.open."""
        for _ in range(number):
            self.handles.append(self.browser.new_tab(f"{self.live.url}/{query}"))
        for handle in self.handles:
            self.wait(handle, "return source.readyState === 1 && seen.length > 0", "pode.open")

    def ask(self, handle: str, script: str) -> Any:
        self.browser.go_to_tab(handle)
        return self.browser.run(script)

    def wait(self, handle: str, script: str, what: str) -> Any:
        self.browser.go_to_tab(handle)
        return self.browser.wait_for(lambda: self.browser.run(script), what)

    def leaders(self) -> list[str]:
        return [one for one in self.handles if self.ask(one, "return source.leads")]

    def close(self, handle: str) -> None:
        self.browser.go_to_tab(handle)
        self.browser.driver.close()
        self.handles.remove(handle)
        self.browser.go_to_tab(self.handles[0])

    def ticks(self, handle: str) -> list[int]:
        script = "return seen.filter(([type]) => type === 'tick').map(([, data]) => Number(data))"
        return list(self.ask(handle, script))

    def wait_for_tick(self, number: int) -> None:
        """Wait until every tab has seen this one."""
        script = f"return seen.some(([type, data]) => type === 'tick' && data === '{number}')"
        for handle in self.handles:
            self.wait(handle, script, f"tick {number}")

    def connections(self) -> int:
        return len(self.live.call(get_sse_connection))

    def wait_for_connections(self, number: int) -> None:
        self.browser.wait_for(lambda: self.connections() == number, f"{number} connections")


class Ticker:
    """Sends numbered events from a thread of its own."""

    def __init__(self, live: LiveServer) -> None:
        self.sent = 0
        self._live = live
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        for number in itertools.count(1):
            if self._stop.wait(0.005):
                return
            self._live.call(send_sse_event, number, name="Ticks", event_type="tick")
            self.sent = number

    def stop(self) -> int:
        """Send no more; gives the last number."""
        self._stop.set()
        self._thread.join()
        return self.sent

    @contextmanager
    def running(self) -> Iterator[Ticker]:
        self._thread.start()
        try:
            yield self
        finally:
            self.stop()


def server() -> None:
    set_sse_history("Ticks", limit=20_000)
    use_sse_shared_script()
    add_route("get", "/", lambda: write_html_response(PAGE))

    @add_route("get", "/events")
    def events() -> None:
        convert_to_sse_connection("Ticks", retry_duration=100)


@pytest.fixture
def tabs(browser: Browser, live_server: Callable[..., LiveServer]) -> Tabs:
    return Tabs(browser, live_server(server))


@pytest.mark.parametrize("query", ["", "?nolocks"], ids=["locks", "no locks"])
def test_eight_tabs_share_one_connection_and_each_sees_each_event_once(tabs: Tabs, query: str):
    tabs.open(TABS, query)
    tabs.wait_for_connections(1)
    assert len(tabs.leaders()) == 1
    assert tabs.ask(tabs.handles[0], "return navigator.locks === undefined") == bool(query)
    with Ticker(tabs.live).running() as ticker:
        tabs.browser.wait_for(lambda: ticker.sent > 100, "a hundred ticks")
    tabs.wait_for_tick(ticker.sent)
    for handle in tabs.handles:
        assert tabs.ticks(handle) == list(range(1, ticker.sent + 1))
    assert tabs.connections() == 1


@pytest.mark.parametrize("query", ["", "?nolocks"], ids=["locks", "no locks"])
def test_when_the_leader_s_tab_closes_the_others_miss_nothing_and_get_nothing_twice(
    tabs: Tabs, query: str
):
    tabs.open(TABS, query)
    with Ticker(tabs.live).running() as ticker:
        for _ in range(3):
            at = ticker.sent + 50
            tabs.browser.wait_for(lambda at=at: ticker.sent > at, "more ticks")
            (leader,) = tabs.leaders()
            tabs.close(leader)
            at = ticker.sent + 1
            tabs.wait_for_tick(at)
    tabs.wait_for_tick(ticker.sent)
    tabs.wait_for_connections(1)
    assert len(tabs.leaders()) == 1
    for handle in tabs.handles:
        assert tabs.ticks(handle) == list(range(1, ticker.sent + 1))
        assert not tabs.ask(handle, "return seen.filter(([type]) => type === 'pode.reset')")


@pytest.mark.parametrize("query", ["", "?nolocks"], ids=["locks", "no locks"])
def test_a_tab_whose_leader_crashed_goes_on(tabs: Tabs, query: str):
    tabs.open(3, query)
    with Ticker(tabs.live).running() as ticker:
        tabs.browser.wait_for(lambda: ticker.sent > 50, "ticks")
        (leader,) = tabs.leaders()
        tabs.browser.go_to_tab(leader)
        crash(tabs.browser)
        tabs.handles.remove(leader)
        tabs.wait_for_tick(ticker.sent + 1)
    tabs.wait_for_tick(ticker.sent)
    assert len(tabs.leaders()) == 1
    for handle in tabs.handles:
        assert tabs.ticks(handle) == list(range(1, ticker.sent + 1))


def test_what_the_old_leader_said_too_late_is_dropped_if_the_new_one_said_it_before(tabs: Tabs):
    tabs.open(2)
    tabs.live.call(send_sse_event, 1, name="Ticks", event_type="tick")
    tabs.wait_for_tick(1)
    said_again = """
      const channel = new BroadcastChannel("pode-sse-1 without " + source.url);
      for (const [id, data] of [[lastId, "1"], ["other", "1.5"]]) {
        const late = { kind: "event", term: "", type: "tick", data, id, own: true };
        channel.postMessage(late);
      }
    """
    tabs.ask(tabs.handles[0], said_again)
    tabs.live.call(send_sse_event, 2, name="Ticks", event_type="tick")
    tabs.wait_for_tick(2)
    for handle in tabs.handles:
        assert sorted(tabs.ticks(handle)) == [1, 1.5, 2]


def test_a_tab_that_comes_later_is_open_at_once_and_hears_what_comes(tabs: Tabs):
    tabs.open(1)
    tabs.live.call(send_sse_event, 1, name="Ticks", event_type="tick")
    tabs.wait_for_tick(1)
    tabs.open(1)
    first, later = tabs.handles
    assert tabs.ask(later, "return states") == ["open"]
    opened = "return seen.find(([type]) => type === 'pode.open')"
    assert tabs.ask(later, opened) == tabs.ask(first, opened)
    tabs.live.call(send_sse_event, 2, name="Ticks", event_type="tick")
    tabs.wait_for_tick(2)
    assert tabs.ticks(later) == [2]
    assert tabs.connections() == 1


def test_a_tab_may_listen_for_further_events_at_any_time(tabs: Tabs):
    tabs.open(2)
    (leader,) = tabs.leaders()
    (other,) = [handle for handle in tabs.handles if handle != leader]
    tabs.ask(other, "source.addEventListener('news', (event) => seen.push(['news', event.data]))")

    def arrived() -> Any:
        # The leader has to hear of it first: until then nobody listens.
        tabs.live.call(send_sse_event, "x", name="Ticks", event_type="news")
        return tabs.browser.run("return seen.some(([type]) => type === 'news')")

    tabs.browser.wait_for(arrived, "news")


def test_closing_leaves_the_others_their_stream_and_the_last_one_ends_it(tabs: Tabs):
    tabs.open(2)
    (leader,) = tabs.leaders()
    assert tabs.ask(leader, "source.close(); return source.readyState") == 2
    (other,) = [handle for handle in tabs.handles if handle != leader]
    tabs.wait(other, "return source.leads && source.readyState === 1", "the lead")
    tabs.live.call(send_sse_event, 1, name="Ticks", event_type="tick")
    tabs.wait(other, "return seen.some(([type]) => type === 'tick')", "a tick")
    assert tabs.ticks(leader) == []
    tabs.wait_for_connections(1)
    tabs.ask(other, "source.close()")
    tabs.wait_for_connections(0)


def test_a_connection_that_the_server_cuts_comes_back_in_all_tabs(tabs: Tabs):
    tabs.open(2)
    tabs.live.call(send_sse_event, 1, name="Ticks", event_type="tick")
    tabs.wait_for_tick(1)
    assert tabs.live.call(close_sse_connection, "Ticks") == 1
    tabs.live.call(send_sse_event, 2, name="Ticks", event_type="tick")
    for handle in tabs.handles:
        tabs.wait(handle, "return states.join() === 'open,error,open'", "open again")
    tabs.wait_for_tick(2)
    for handle in tabs.handles:
        assert tabs.ticks(handle) == [1, 2]


def test_when_the_server_closes_for_good_all_tabs_stop(tabs: Tabs):
    tabs.open(3)
    assert tabs.live.call(close_sse_connection, "Ticks", reconnect=False) == 1
    for handle in tabs.handles:
        tabs.wait(handle, "return source.readyState === 2", "closed")
        assert tabs.ask(handle, "return states.at(-1)") == "error"
    assert tabs.connections() == 0


def test_a_tab_that_is_reloaded_joins_again(tabs: Tabs):
    tabs.open(2)
    (leader,) = tabs.leaders()
    tabs.browser.go_to_tab(leader)
    tabs.browser.driver.refresh()
    tabs.wait(leader, "return source.readyState === 1 && seen.length > 0", "pode.open")
    tabs.wait_for_connections(1)
    assert len(tabs.leaders()) == 1


def test_a_tab_that_comes_back_from_the_browser_s_cache_joins_again(tabs: Tabs):
    tabs.open(2)
    (leader,) = tabs.leaders()
    (other,) = [handle for handle in tabs.handles if handle != leader]
    tabs.browser.go_to_tab(leader)
    tabs.browser.open("about:blank")
    tabs.wait(other, "return source.leads && source.readyState === 1", "the lead")
    tabs.live.call(send_sse_event, 1, name="Ticks", event_type="tick")
    tabs.browser.go_to_tab(leader)
    tabs.browser.driver.back()
    tabs.wait(leader, "return source.readyState === 1", "open again")
    tabs.wait_for_connections(1)
    tabs.live.call(send_sse_event, 2, name="Ticks", event_type="tick")
    tabs.wait_for_tick(2)
    assert tabs.leaders() == [other]


def test_without_channels_every_tab_has_a_connection_of_its_own(
    browser: Browser, live_server: Callable[..., LiveServer]
):
    def alone() -> None:
        server()
        page = PAGE.replace("if (location", "window.BroadcastChannel = undefined; if (location")
        add_route("get", "/alone", lambda: write_html_response(page))

    tabs = Tabs(browser, live_server(alone))
    tabs.open(2, "alone")
    assert tabs.connections() == 2


def test_a_refused_stream_is_closed_as_an_event_source_is(
    browser: Browser, live_server: Callable[..., LiveServer]
):
    asked = []

    def refusing() -> None:
        use_sse_shared_script()
        add_route("get", "/", lambda: write_html_response(PAGE))

        @add_route("get", "/events")
        def events() -> None:
            asked.append(web_event.path)
            set_response_status(204)

    live = live_server(refusing)
    browser.open(f"{live.url}/")
    browser.wait_for(lambda: browser.run("return source.readyState === 2"), "closed")
    assert browser.run("return states") == ["error"]
    assert len(asked) == 1


def test_the_page_of_the_sample_shares_its_stream_among_tabs(browser: Browser):
    with RunningSample("shared_stream") as sample:
        browser.open(f"{sample.url}/")
        first = browser.driver.current_window_handle
        browser.wait_for_text("#role", "this tab")
        second = browser.new_tab(f"{sample.url}/")
        browser.wait_for_text("#role", "another tab")
        browser.wait_for_text("#connections", "1")
        browser.type("#say [name=text]", "<b>It rains.</b>")
        browser.click("#say button")
        for tab in (first, second):
            browser.go_to_tab(tab)
            browser.wait_for_text("#news .text", "<b>It rains.</b>")
            assert len(browser.texts("#news li")) == 1
        browser.screenshot("shared_stream", size=(1280, 800))
        assert browser.complaints() == []
        browser.go_to_tab(first)
        browser.driver.close()
        browser.go_to_tab(second)
        browser.wait_for_text("#role", "this tab")
        browser.wait_for_text("#state", "live")
        browser.open("about:blank")


def crash(browser: Browser) -> None:
    """Crash the current tab."""
    with suppress(WebDriverException):  # the driver is told that its tab is gone
        browser.driver.execute_cdp_cmd("Page.crash", {})
