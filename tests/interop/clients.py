"""Clients of event streams that are not ours, all behind one function: the events of a URL.

Each yields (type, data, id) as soon as its library hands an event out, and ends with `pode.close`.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import requests
import sseclient
from httpx_sse import connect_sse

from pode_py.testing import SseParser
from tests.support import need_program, skip_or_fail

Event = tuple[str, str, str]
LAST = "pode.close"
ACCEPT = {"Accept": "text/event-stream"}
DEADLINE = 30.0
NODE = Path(__file__).parent / "node"


def curl(url: str, *options: str) -> Iterator[Event]:
    """What curl -N prints, read by our own parser."""
    command = [need_program("curl"), "-sSN", "--max-time", str(DEADLINE), *options, url]
    accept = ["-H", "Accept: text/event-stream"]
    with subprocess.Popen([*command, *accept], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        parser = SseParser()
        try:
            for line in process.stdout:
                yield from ((one.type, one.data, one.id) for one in parser.feed(line))
        finally:
            process.kill()


def requests_lines(url: str) -> Iterator[Event]:
    """requests with stream=True, read by our own parser."""
    with requests.get(url, headers=ACCEPT, stream=True, timeout=DEADLINE) as response:
        parser = SseParser()
        for piece in response.iter_content(chunk_size=None):
            yield from ((one.type, one.data, one.id) for one in parser.feed(piece))


def sseclient_py(url: str) -> Iterator[Event]:
    """sseclient-py over requests."""
    with requests.get(url, headers=ACCEPT, stream=True, timeout=DEADLINE) as response:
        pieces = response.iter_content(chunk_size=None)
        for one in sseclient.SSEClient(pieces).events():
            yield one.event, one.data, one.id or ""


def httpx_sse(url: str) -> Iterator[Event]:
    """httpx-sse over httpx."""
    with (
        httpx.Client(timeout=DEADLINE) as client,
        connect_sse(client, "GET", url) as source,
    ):
        source.response.raise_for_status()
        for one in source.iter_sse():
            yield one.event, one.data, one.id


def eventsource(url: str) -> Iterator[Event]:
    """The npm package eventsource, which does what browsers do."""
    node = need_program("node")
    if not (NODE / "node_modules" / "eventsource").is_dir():
        skip_or_fail(
            'The npm package "eventsource" is not there: run "npm ci" in tests/interop/node.'
        )
    command = [node, str(NODE / "listen.mjs"), url, LAST, "quote", "news \u00fc\U0001f642"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                kind, data, event_id = json.loads(line)
                yield kind, data, event_id
        finally:
            process.kill()


CLIENTS: dict[str, Callable[[str], Iterator[Event]]] = {
    "curl": curl,
    "requests": requests_lines,
    "sseclient-py": sseclient_py,
    "httpx-sse": httpx_sse,
    "eventsource": eventsource,
}
