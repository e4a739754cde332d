"""Streams through a stock nginx: every event arrives at once, however it is told to speak to us."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pode_py import (
    add_route,
    close_sse_connection,
    convert_to_sse_connection,
    register_sse_event,
    send_sse_event,
    set_sse_ping,
    web_event,
)
from pode_py.testing import SseClient, SseParser, Wire, fetch
from tests.interop.clients import CLIENTS, LAST
from tests.support import free_port, need_program

# /stock/ has nothing but proxy_pass: HTTP/1.0 to us, buffering on. /modern/ speaks HTTP/1.1 and
# keeps connections. /squeezed/ compresses even event streams.
CONFIGURATION = """
daemon off;
pid nginx.pid;
worker_processes 1;
error_log stderr warn;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path tmp/body;
  proxy_temp_path tmp/proxy;
  fastcgi_temp_path tmp/fastcgi;
  uwsgi_temp_path tmp/uwsgi;
  scgi_temp_path tmp/scgi;
  gzip on;
  gzip_min_length 0;
  upstream kept {{ server 127.0.0.1:{backend}; keepalive 4; }}
  server {{
    listen 127.0.0.1:{port};
    location /stock/ {{ proxy_pass http://127.0.0.1:{backend}/; }}
    location /modern/ {{
      proxy_pass http://kept/;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }}
    location /squeezed/ {{ proxy_pass http://127.0.0.1:{backend}/; gzip_types text/event-stream; }}
  }}
}}
"""
WAYS = ["stock", "modern"]


@contextmanager
def nginx(folder: Path, backend: int) -> Iterator[str]:
    """An nginx in front of a port. Gives its URL."""
    program = need_program("nginx")
    port = free_port()
    (folder / "tmp").mkdir(parents=True)
    configuration = folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(port=port, backend=backend), "ascii")
    # Its worker runs as another user when root starts it.
    for path in (folder, folder / "tmp"):
        os.chmod(path, 0o777)
    log = folder / "error.log"
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            [program, "-e", "stderr", "-p", str(folder), "-c", str(configuration)],
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
        ) as process,
    ):
        try:
            _wait_for(port, process, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.02)
        else:
            return


def backend():
    """Streams, answers over streams, and notes who has gone."""
    add_route("get", "/events", lambda: convert_to_sse_connection("Events") and None)

    def local():
        convert_to_sse_connection("Local", scope="local")
        for number in range(3):
            send_sse_event(number, from_event=True, id=number)

    add_route("get", "/local", local)
    add_route("post", "/ask", lambda: send_sse_event("answer", from_event=True) and None)
    add_route("get", "/last", lambda: {"id": web_event.headers.get("last-event-id")})


@pytest.fixture
def proxied(live_server, tmp_path):
    """The server and the URL of the nginx in front of it."""
    server = live_server(backend)
    with nginx(tmp_path / "nginx", server.port) as url:
        yield server, url


@pytest.mark.parametrize("way", WAYS)
def test_each_event_comes_through_at_once(proxied, way):
    server, url = proxied
    with SseClient(f"{url}/{way}/events") as stream:
        assert stream.next().type == "pode.open"
        assert stream.headers["Content-Type"] == "text/event-stream"
        assert "Content-Encoding" not in stream.headers
        # Each is sent only when the one before has come, while the stream is open.
        for number in range(10):
            server.call(send_sse_event, {"n": number}, name="Events")
            assert json.loads(stream.next().data) == {"n": number}
        server.call(close_sse_connection, "Events")
        assert [event.type for event in stream.until_closed()] == [LAST]
        assert stream.ended_cleanly


@pytest.mark.parametrize("way", WAYS)
def test_the_first_event_comes_within_a_tenth_of_a_second(proxied, way):
    _, url = proxied
    # Something that waits would delay all of them, a busy machine one or the other.
    for _ in range(100):
        began = time.monotonic()
        with SseClient(f"{url}/{way}/events") as stream:
            assert stream.next().type == "pode.open"
            if time.monotonic() - began < 0.1:
                return
    pytest.fail("None of a hundred came in time.")


def test_a_stream_that_is_compressed_on_the_way_still_comes_at_once(proxied):
    server, url = proxied
    with Wire(f"{url}/squeezed/events") as wire:
        wire.send(
            b"GET /squeezed/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n"
            b"Accept-Encoding: gzip\r\n\r\n"
        )
        head = wire.read_head()
        assert head.headers["Content-Encoding"] == "gzip"
        events = _unzipped_events(wire)
        assert next(events).type == "pode.open"
        for number in range(5):
            server.call(send_sse_event, number, name="Events")
            assert next(events).data == str(number)


def _unzipped_events(wire):
    inflate = zlib.decompressobj(wbits=31)
    parser = SseParser()
    pending = b""
    while True:
        pending += wire.read(time.monotonic() + 5)
        while b"\r\n" in pending:
            size, _, rest = pending.partition(b"\r\n")
            length = int(size, 16)
            if len(rest) < length + 2:
                break
            piece, pending = rest[:length], rest[length + 2 :]
            yield from parser.feed(inflate.decompress(piece))


@pytest.mark.parametrize("way", WAYS)
def test_a_local_stream_comes_through_whole_and_ends(proxied, way):
    _, url = proxied
    with SseClient(f"{url}/{way}/local") as stream:
        events = stream.until_closed()
        assert [event.data for event in events[1:]] == ["0", "1", "2", ""]
        assert events[-1].type == LAST
        assert stream.ended_cleanly


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", CLIENTS)
def test_the_other_clients_hear_through_nginx(proxied, way, name):
    _, url = proxied
    taken = []
    for event in CLIENTS[name](f"{url}/{way}/local"):
        taken.append(event)
        if event[0] == LAST:
            break
    assert [event[:2] for event in taken[1:]] == [
        ("message", "0"),
        ("message", "1"),
        ("message", "2"),
        (LAST, ""),
    ]


@pytest.mark.parametrize("way", WAYS)
def test_the_headers_of_the_stream_find_their_way(proxied, way):
    _, url = proxied
    with SseClient(f"{url}/{way}/events") as stream:
        opened = json.loads(stream.next().data)
        me = {"X-PODE-SSE-CLIENT-ID": opened["clientId"], "X-PODE-SSE-NAME": "Events"}
        assert fetch(f"{url}/{way}/ask", "POST", headers=me).status_code == 200
        assert stream.next().data == "answer"
        last = fetch(f"{url}/{way}/last", headers={"Last-Event-ID": "41"})
        assert last.json() == {"id": "41"}


@pytest.mark.parametrize("way", WAYS)
def test_a_client_that_leaves_is_noticed_through_nginx(live_server, tmp_path, way):
    gone = threading.Event()

    def setup():
        backend()
        set_sse_ping(0)
        register_sse_event("Events", "disconnect", "note it", gone.set)

    server = live_server(setup)
    with nginx(tmp_path / "nginx", server.port) as url:
        with SseClient(f"{url}/{way}/events") as stream:
            stream.next("pode.open")
        assert gone.wait(30)
