"""Servers below a path of a site, behind nginx and Caddy, with the files that the docs show."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pode_py import (
    add_endpoint,
    add_route,
    convert_to_sse_connection,
    move_response_url,
    set_trusted_proxies,
    use_sse_shared_script,
    web_event,
)
from pode_py.testing import ClientResponse, LiveServer, SseClient, fetch
from tests.deploying.files import ROOT, adapted
from tests.deploying.proxies import PLAIN_PROXIES
from tests.support import ENGINES
from tools.check_docs import read

SPOOFED = {
    "X-Forwarded-For": "6.6.6.6",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Prefix": "/evil",
}


def set_up() -> None:
    add_endpoint(port=0)
    set_trusted_proxies("localhost")
    use_sse_shared_script()
    add_route("get", "/away", lambda: move_response_url("/login"))
    add_route("get", "/events", lambda: convert_to_sse_connection("Events"))

    @add_route("get", "/me")
    def me() -> dict[str, str]:
        request = web_event.request
        return {"url": request.url, "address": request.client_address, "path": web_event.path}


class Site:
    """A proxy that has the server below /shop."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str) -> ClientResponse:
        return fetch(f"{self.url}/shop{path}", headers=SPOOFED)


@pytest.fixture(params=[(kind, engine) for kind in sorted(PLAIN_PROXIES) for engine in ENGINES])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    kind, engine = request.param
    (tmp_path / "public" / "docs").mkdir(parents=True)
    (tmp_path / "public" / "docs" / "index.html").write_text("<p>docs")
    with ExitStack() as running:
        live = running.enter_context(LiveServer(set_up, root_path=tmp_path, engine=engine))
        proxy = running.enter_context(PLAIN_PROXIES[kind](tmp_path / kind, live.port))
        yield Site(proxy.plain)


def test_routes_are_found_and_urls_are_the_client_s(site: Site):
    assert site.get("/me").json() == {
        "url": f"{site.url}/shop/me",
        "address": "127.0.0.1",
        "path": "/me",
    }


def test_redirects_stay_below_the_prefix(site: Site):
    assert site.get("/docs").headers["Location"] == "/shop/docs/"
    assert site.get("/docs/").text == "<p>docs"
    assert site.get("/away").headers["Location"] == "/shop/login"


def test_streams_and_the_shared_script_are_there(site: Site):
    assert "SharedEventSource" in site.get("/pode/sse-shared.js").text
    with SseClient(f"{site.url}/shop/events") as events:
        assert events.next().type == "pode.open"


@pytest.mark.parametrize("name", ["nginx.conf", "Caddyfile"])
def test_the_page_shows_the_files_whole(name: str):
    page = read(ROOT / "docs" / "tutorials" / "behind-a-proxy.md")
    assert adapted(f"prefix/{name}", {}).strip() in [block.code.strip() for block in page.blocks]
