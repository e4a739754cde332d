"""Ten thousand async handlers at once, each with an event stream of its own, and their memory."""

from __future__ import annotations

import json
import resource
import select
import socket
import time
from contextlib import closing

import pytest

from pode_py.testing import fetch
from tests.server.program import Program
from tests.support import skip_or_fail

STREAMS = 10_000
EVENTS = 20
WAITING = 2_000
DEADLINE = 240.0

SCRIPT = """
import asyncio
opened = 0

def server():
    add_endpoint(port=PORT)
    enable_log_error_type(new_log_terminal_method())

    @add_route("get", "/events")
    async def events():
        global opened
        convert_to_sse_connection("Local", scope="local")
        opened += 1
        for number in range(EVENTS):
            await asyncio.sleep(0.5)
            send_sse_event(str(number), from_event=True)

    @add_route("get", "/second")
    async def second():
        await asyncio.sleep(1)
        return "x"

    @add_route("get", "/facts")
    def facts():
        pages = int(open("/proc/self/statm").read().split()[1])
        return {"threads": threading.active_count(), "rss": pages * 4096, "opened": opened}

start_server(server, threads=16)
""".replace("EVENTS", str(EVENTS))

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


@pytest.fixture
def program(tmp_path):
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < STREAMS + 1000:
        skip_or_fail(f"{STREAMS} streams need as many descriptors: ulimit -n says fewer.")
    program = Program(tmp_path, SCRIPT)
    try:
        yield program.ready()
    finally:
        program.close()


def facts(program):
    return json.loads(fetch(f"{program.url}/facts").body)


def ask(program, target):
    sock = socket.create_connection(("127.0.0.1", program.port), timeout=DEADLINE)
    sock.sendall(f"GET {target} HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n".encode())
    return sock


def test_ten_thousand_handlers_with_streams_hold_no_thread_and_little_memory(program):
    before = facts(program)
    with closing(Clients()) as clients:
        look(program, before, clients)


def look(program, before, clients):
    for number in range(STREAMS):
        clients.add(ask(program, "/events"))
        if number % 100 == 0:
            clients.read(0)
    until = time.monotonic() + DEADLINE
    while (now := facts(program))["opened"] < STREAMS:
        assert time.monotonic() < until
        clients.read(0.05)
    most = now["rss"]
    while not clients.all_ended:
        assert time.monotonic() < until
        clients.read(0.5)
        most = max(most, facts(program)["rss"])
    assert now["threads"] <= 40
    assert clients.counts() == {EVENTS}
    assert (most - before["rss"]) / STREAMS <= 12 * 1024


def test_two_thousand_handlers_that_wait_for_a_second_wait_side_by_side(program):
    began = time.monotonic()
    waiting = [ask(program, "/second") for _ in range(WAITING)]
    for sock in waiting:
        data = b""
        while not data.endswith(b"x"):
            data += sock.recv(4096)
        sock.close()
    # One after the other on 16 threads they would take 125 s.
    assert time.monotonic() - began < 30


class Clients:
    """Reads many streams, and counts their events."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._socks: dict[int, socket.socket] = {}
        self._received: dict[int, bytes] = {}
        self._open: set[int] = set()

    def add(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._socks[sock.fileno()] = sock
        self._received[sock.fileno()] = b""
        self._open.add(sock.fileno())
        self._epoll.register(sock, select.EPOLLIN)

    def read(self, timeout: float) -> None:
        for fd, _ in self._epoll.poll(timeout, 1024):
            data = self._socks[fd].recv(65536)
            self._received[fd] += data
            if not data:
                self._epoll.unregister(fd)
                self._open.discard(fd)

    @property
    def all_ended(self) -> bool:
        return not self._open

    def close(self) -> None:
        self._epoll.close()
        for sock in self._socks.values():
            sock.close()

    def counts(self) -> set[int]:
        """How many events of the handler each client got."""
        return {
            sum(data.count(f"data: {number}\n".encode()) for number in range(EVENTS))
            for data in self._received.values()
        }
