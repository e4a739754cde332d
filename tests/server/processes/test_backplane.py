"""Worker processes that share their event streams through a real Redis."""

from __future__ import annotations

import os
import re
import secrets
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pode_py.testing import fetch
from tests.push.backplane.redis_process import RedisProcess
from tests.push.backplane.roaming import Roamer
from tests.server.processes.crew import children, wait_until
from tests.server.program import Program

WORKERS = 4
STREAMS = 400
EVENTS = 10_000

SCRIPT = """
def server():
    add_endpoint(port=PORT)
    enable_sse_backplane(os.environ["REDIS"], prefix=os.environ["PREFIX"], timeout=1)
    if os.environ.get("STORED"):
        set_sse_history(limit=50_000)
    add_route("get", "/pid", lambda: str(os.getpid()))
    add_route("get", "/count", lambda: str(len(get_sse_client_id_list("Events"))))
    add_route("get", "/events", lambda: convert_to_sse_connection("Events") and None)

    @add_route("get", "/send")
    def send():
        word = web_event.query["word"]
        for number in range(int(web_event.query["n"])):
            delivery = send_sse_event(f"{word}{number}", name="Events")
            if number % 500 == 499:  # no faster than clients read
                delivery.wait(30)
        return str(os.getpid())

start_server(server, workers=int(os.environ["WORKERS"]), grace=5)
"""

_DATA = re.compile(rb"data: ([a-z]+)(\d+)\n\n")


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisProcess]:
    folder = tmp_path / "redis"
    folder.mkdir()
    with RedisProcess(folder) as started:
        yield started


@pytest.fixture
def start(program: Callable[..., Program], redis: RedisProcess) -> Callable[..., Program]:
    def start(**env: str) -> Program:
        known = {"REDIS": redis.url, "PREFIX": f"t{secrets.token_hex(4)}", "WORKERS": str(WORKERS)}
        return program(SCRIPT, env={**known, **env}).ready()

    return start


class Reader:
    """Many event streams, read by one thread. Of each it knows which numbers of each word came:
    they must come in order, and each once."""

    def __init__(self, port: int, streams: int) -> None:
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._texts: dict[int, bytes] = {}
        self.seen: dict[int, dict[bytes, int]] = {}
        for _ in range(streams):
            sock = socket.create_connection(("127.0.0.1", port))
            sock.sendall(b"GET /events HTTP/1.0\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n")
            sock.setblocking(False)
            self._sockets[sock.fileno()] = sock
            self._texts[sock.fileno()] = b""
            self.seen[sock.fileno()] = {}
            self._poll.register(sock.fileno(), select.EPOLLIN)

    def read_until(self, condition: Callable[[], bool], seconds: float = 90) -> None:
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, f"Not all came: {sorted(self.counts)[:5]} ..."
            for fd, _ in self._poll.poll(0.1):
                self._take(fd, self._sockets[fd].recv(1 << 18))

    def _take(self, fd: int, data: bytes) -> None:
        assert data, "A stream has ended."
        text = self._texts[fd] + data
        end = text.rfind(b"\n\n") + 2
        seen = self.seen[fd]
        for word, number in _DATA.findall(text, 0, end):
            assert int(number) == seen.get(word, -1) + 1
            seen[word] = int(number)
        self._texts[fd] = text[end:] if end > 1 else text

    @property
    def counts(self) -> list[int]:
        """How many events each stream has had."""
        return [sum(number + 1 for number in seen.values()) for seen in self.seen.values()]

    def close(self) -> None:
        self._poll.close()
        for sock in self._sockets.values():
            sock.close()


def send(server: Program, word: str, number: int) -> int:
    """Have some worker send; gives its process id."""
    return int(fetch(f"{server.url}/send?word={word}&n={number}", deadline=90).text)


@pytest.mark.own_engine("what workers tell each other does not depend on the engine")
def test_four_workers_with_400_streams_hear_each_of_10000_events_once(start):
    server = start()
    with ExitStack() as stack:
        reader = Reader(server.port, STREAMS)
        stack.callback(reader.close)
        wait_until(lambda: server.get("/count").text == str(STREAMS), "all streams are known")
        senders = set()
        words = [chr(97 + number) for number in range(20)]
        for sent, word in enumerate(words, 1):
            senders.add(send(server, word, EVENTS // len(words)))
            wanted = sent * EVENTS // len(words)
            reader.read_until(lambda wanted=wanted: min(reader.counts) >= wanted)
        assert set(reader.counts) == {EVENTS}
        # The kernel spreads connections: not all senders are one, nor all streams on one worker.
        assert len(senders) > 1


def numbers_of(roamer: Roamer, word: str) -> list[int]:
    return [int(text[len(word) :]) for text in roamer.texts if text.startswith(word)]


@pytest.mark.own_engine("what workers tell each other does not depend on the engine")
def test_a_worker_that_is_killed_costs_no_client_an_event(start):
    server = start(STORED="1")
    with Roamer([server.url], cuts=0) as roamer:
        for turn in range(3):
            send(server, f"w{turn}x", 500)
            victim = int(server.get("/pid").text)
            os.kill(victim, signal.SIGKILL)
            wait_until(lambda: len(children(server.process.pid)) == WORKERS, "it was replaced")
        send(server, "end", 1)
        roamer.wait_for("end0")
    for turn in range(3):
        assert numbers_of(roamer, f"w{turn}x") == list(range(500))
    assert not roamer.surprises


@pytest.mark.own_engine("what workers tell each other does not depend on the engine")
def test_redis_that_is_killed_and_started_again_costs_no_client_an_event(start, redis):
    server = start(STORED="1")
    with Roamer([server.url], cuts=0) as roamer:
        send(server, "before", 500)
        roamer.wait_for("before499")
        redis.kill()
        redis.start()
        until = time.monotonic() + 30
        turn = 0
        # Workers find out one by one: until then what they send reaches the streams of their own.
        while "again0" not in roamer.texts:
            assert time.monotonic() < until, "Nothing comes any more."
            send(server, "again" if not turn else f"more{turn}x", 1)
            turn += 1
            time.sleep(0.05)
        send(server, "after", 500)
        roamer.wait_for("after499")
    assert numbers_of(roamer, "before") == list(range(500))
    assert numbers_of(roamer, "after") == list(range(500))
    assert len(set(roamer.texts)) == len(roamer.texts)
    assert not roamer.surprises


def test_a_rolling_restart_under_load_loses_no_event(start):
    server = start(STORED="1")
    with Roamer([server.url, server.url], cuts=20) as roamer:
        before = set(children(server.process.pid))
        for turn in range(6):
            send(server, f"w{turn}x", 300)
            if turn == 1:
                server.process.send_signal(signal.SIGHUP)
        wait_until(
            lambda: not before & set(children(server.process.pid)), "all workers were replaced"
        )
        send(server, "end", 1)
        roamer.wait_for("end0")
    for turn in range(6):
        assert numbers_of(roamer, f"w{turn}x") == list(range(300))
    assert not roamer.surprises
