"""What a browser makes of our policies: requests of other origins, and scripts with a nonce."""

from __future__ import annotations

import pytest

from pode_py import (
    add_endpoint,
    add_route,
    get_header,
    get_security_nonce,
    set_header,
    set_security_access_control,
    set_security_content_security_policy,
    web_event,
    write_html_response,
)
from tests.samples.running import RunningSample

ASK = """
const done = arguments[arguments.length - 1];
const { url, ...options } = arguments[0];
fetch(url, options)
  .then(async (answer) => done([answer.status, await answer.text(), answer.headers.get("X-Total")]))
  .catch((error) => done([0, String(error), null]));
"""


def ask(browser, url, **options):
    """Status, text and a header of what a page could read; status 0 if it could read nothing."""
    return tuple(browser.driver.execute_async_script(ASK, {"url": url, **options}))


@pytest.fixture
def origins(browser, live_server):
    """An API, and the URL of a page that the API is another origin for."""

    def start(**policy):
        asked = []

        def page():
            add_endpoint(port=0)
            add_route("get", "/", lambda: write_html_response("<!DOCTYPE html><title>page</title>"))

        site = live_server(page)

        def api():
            add_endpoint(port=0)
            set_security_access_control(policy.pop("origin", site.url), **policy)

            @add_route("put", "/item")
            def put():
                asked.append((web_event.data, get_header("Cookie"), get_header("X-Own")))
                set_header("X-Total", "7")
                return "saved"

            @add_route("get", "/fails")
            def fails():
                raise RuntimeError("on purpose")

            @add_route("get", "/cookie")
            def cookie():
                set_header("Set-Cookie", "seen=1")
                write_html_response("<title>cookie</title>")

        server = live_server(api)
        browser.open(f"{server.url}/cookie")
        browser.open(f"{site.url}/")
        return server.url, asked

    yield start
    browser.open("about:blank")


def test_a_put_with_credentials_passes_its_preflight(browser, origins):
    url, asked = origins(
        methods=["put"], headers=["content-type", "x-own"], credentials=True, expose="X-Total"
    )
    headers = {"Content-Type": "application/json", "X-Own": "mine"}
    answer = ask(
        browser,
        f"{url}/item",
        method="PUT",
        headers=headers,
        body='{"a":1}',
        credentials="include",
    )
    assert answer == (200, "saved", "7")
    assert asked == [({"a": 1}, "seen=1", "mine")]


def test_a_page_of_an_origin_that_is_not_allowed_sends_nothing(browser, origins):
    url, asked = origins(origin="https://other.example", methods=["put"])
    status, text, _ = ask(browser, f"{url}/item", method="PUT", body="x")
    assert status == 0
    assert "TypeError" in text
    assert asked == []


def test_a_method_that_is_not_allowed_is_not_sent(browser, origins):
    url, asked = origins(methods=["patch"])
    assert ask(browser, f"{url}/item", method="PUT", body="x")[0] == 0
    assert asked == []


def test_a_page_can_read_why_its_request_failed(browser, origins):
    url, _ = origins()
    status, text, _ = ask(browser, f"{url}/fails", headers={"Accept": "application/json"})
    assert status == 500
    assert "Internal Server Error" in text
    assert ask(browser, f"{url}/missing")[0] == 404


def test_a_script_with_the_nonce_runs_and_one_without_does_not(browser, live_server):
    def setup():
        add_endpoint(port=0)
        set_security_content_security_policy(default="none", scripts="nonce")

        @add_route("get", "/")
        def page():
            nonce = get_security_nonce()
            write_html_response(
                f"<!DOCTYPE html><title>nonce</title><p>no</p><p>no</p><script nonce='{nonce}'>"
                "document.querySelectorAll('p')[0].textContent = 'ran'</script><script>"
                "document.querySelectorAll('p')[1].textContent = 'ran'</script>"
            )

    browser.open(live_server(setup).url + "/")
    assert browser.texts("p") == ["ran", "no"]
    assert any("Content Security Policy" in text for text in browser.complaints())
    browser.open("about:blank")


def test_a_page_stays_out_of_the_frames_of_other_origins(browser, live_server):
    def framed():
        add_endpoint(port=0)
        add_route("get", "/", lambda: write_html_response("<title>framed</title><p>inside"))

    inner = live_server(framed)

    def framing():
        add_endpoint(port=0)
        frame = f"<!DOCTYPE html><title>outside</title><iframe src='{inner.url}/'></iframe>"
        add_route("get", "/", lambda: write_html_response(frame))

    browser.open(live_server(framing).url + "/")
    assert any("X-Frame-Options" in text for text in browser.complaints())
    browser.open("about:blank")


def test_the_sample_shows_what_the_browser_refused(browser):
    with RunningSample("content_policy") as sample:
        browser.open(sample.url + "/")
        browser.wait_for_text("#with", "has run")
        assert browser.text("#without") == "has not run"
        browser.wait_for_text("#reports li", "script-src-elem: inline")
        browser.screenshot("content-policy", size=(1280, 800))
        browser.open("about:blank")
