"""Many streams of one client over one connection: HTTP/2, through hypercorn and granian."""

from __future__ import annotations

import asyncio
from contextlib import closing

import httpx
import pytest

from tests.asgi.servers import APP, WITH_HTTP2
from tests.browser.chromium import Browser
from tests.engine.conftest import Pki
from tests.server.program import DEADLINE

STREAMS = 30
#: More than the six connections that a browser opens to one host.
IN_A_BROWSER = 20

PAGE = """
<!doctype html><title>many</title><body>
<p id="open">0</p><p id="news">0</p>
<script>
  const count = (id) => { const one = document.getElementById(id); one.textContent++; };
  const sources = [];
  for (let number = 0; number < %d; number++) {
    const source = new EventSource("/events");
    source.addEventListener("pode.open", () => count("open"));
    source.onmessage = () => count("news");
    sources.push(source);
  }
</script>
"""
SHOW_PAGE = f"""
def page():
    write_html_response({PAGE % IN_A_BROWSER!r})
"""
ADD_PAGE = 'add_route("get", "/page", page)'


@pytest.mark.parametrize("kind", WITH_HTTP2)
def test_thirty_streams_of_one_client_share_a_connection(deploy, kind):
    app = deploy(kind).listening()
    assert asyncio.run(_hear_news(app.url)) == [["pode.open", "news"]] * STREAMS
    seen = app.get("/seen").json()
    assert seen == {"ports": 1, "versions": ["2"]}
    # The hint about the six connections of a browser is for HTTP/1.1.
    assert "streams open" not in app.out + app.err


async def _hear_news(url: str) -> list[list[str]]:
    """What each stream was told until it heard the news."""
    limits = httpx.Limits(max_connections=1)
    async with (
        asyncio.timeout(DEADLINE * 2),
        # Without TLS both sides must know that HTTP/2 is spoken.
        httpx.AsyncClient(http1=False, http2=True, limits=limits, base_url=url) as client,
        asyncio.TaskGroup() as group,
    ):
        opened = asyncio.Semaphore(0)
        tasks = [group.create_task(_listen(client, opened)) for _ in range(STREAMS)]
        for _ in range(STREAMS):
            await opened.acquire()
        # An ordinary request beside them, on the same connection.
        assert (await client.post("/send")).text == str(STREAMS)
    return [task.result() for task in tasks]


async def _listen(client: httpx.AsyncClient, opened: asyncio.Semaphore) -> list[str]:
    heard = []
    headers = {"Accept": "text/event-stream"}
    async with client.stream("GET", "/events", headers=headers, timeout=DEADLINE) as answer:
        assert answer.http_version == "HTTP/2"
        async for line in answer.aiter_lines():
            if line == "event: pode.open":
                heard.append("pode.open")
                opened.release()
            if line == "data: news":
                return [*heard, "news"]
    return heard


@pytest.mark.browser
def test_twenty_streams_of_a_browser_share_a_connection(deploy, tmp_path):
    pki = Pki(tmp_path)
    secure = ("--certfile", str(pki.certificate), "--keyfile", str(pki.key))
    code = APP.replace("def server():", f"{SHOW_PAGE}\ndef server():\n    {ADD_PAGE}")
    app = deploy("hypercorn", *secure, code=code).listening()
    with closing(Browser(tmp_path / "profile", "--ignore-certificate-errors")) as browser:
        browser.open(f"https://localhost:{app.port}/page")
        browser.wait_for_text("#open", str(IN_A_BROWSER))
        browser.run('fetch("/send", {method: "POST"})')
        browser.wait_for_text("#news", str(IN_A_BROWSER))
        seen = browser.run('return fetch("/seen").then(answer => answer.json())')
        # One that is closed is missed, although the connection stays.
        browser.run("sources[0].close()")
        send = 'return fetch("/send", {method: "POST"}).then(answer => answer.text())'
        browser.wait_for(lambda: browser.run(send) == str(IN_A_BROWSER - 1), "one has gone")
    assert seen == {"ports": 1, "versions": ["2"]}
