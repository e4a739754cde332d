"""A server that sends bursts, from whatever may send, and readers that check every byte."""

from __future__ import annotations

import hashlib
import select
import selectors
import socket
import ssl
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from pode_py.testing import fetch
from pode_py.testing.conversation import request_bytes
from pode_py.testing.messages import BodyDecoder
from pode_py.testing.sse_client import sse_fields
from tests.server.program import Program

PATIENCE = 60.0

#: Bytes by which the server's memory may rise in a burst.
MOST_MEMORY = 12_000_000

#: Routes, a timer and async routes that send `count` events of `size` bytes as fast as they can.
#: The environment says how it is reached, and whether it is one of several nodes.
SERVER = """
import json

def server():
    add_endpoint("localhost", PORT, **json.loads(os.environ.get("ENDPOINT", "{}")))
    if "REDIS" in os.environ:
        enable_sse_backplane(os.environ["REDIS"], prefix=os.environ["PREFIX"])
    set_sse_ping(0)
    add_route("get", "/events", lambda: convert_to_sse_connection(web_event.query["name"]) and None)
    add_route("get", "/route", lambda: burst(**asked()))
    add_route("get", "/async", async_burst)
    add_route("get", "/unawaited", unawaited_burst)
    add_route("get", "/timer", start_timer)

def asked():
    query = web_event.query
    return {"name": query["name"], "count": int(query["count"]), "size": int(query["size"])}

def event(number, size):
    return f"{number} ".ljust(size, "x")

def burst(name, count, size):
    for number in range(count):
        send_sse_event(event(number, size), name=name)

async def async_burst():
    query = asked()
    for number in range(query["count"]):
        delivery = send_sse_event(event(number, query["size"]), name=query["name"])
        if number % 10 == 0:
            await delivery

async def unawaited_burst():
    burst(**asked())

def start_timer():
    query, over = asked(), threading.Event()

    def run():
        burst(**query)
        over.set()

    add_timer("burst", 0.001, run, limit=1, every_process=True)
    assert over.wait(60)
    remove_timer("burst")

start_server(server)
"""

SOURCES = ("route", "timer", "async", "unawaited")


class Burst(NamedTuple):
    count: int
    size: int

    def body(self) -> bytes:
        return b"".join(
            b"data: %b\n\n" % (b"%d " % number).ljust(self.size, b"x")
            for number in range(self.count)
        )


BURSTS = (Burst(5_000, 1_000), Burst(100, 50_000), Burst(50_000, 80))
#: This one goes to many.
TO_A_CROWD = Burst(500, 4_000)


class Stage:
    """A program that runs SERVER, and its clients of streams of one name."""

    def __init__(self, run: Program, folder: Path, name: str, tls: ssl.SSLContext | None) -> None:
        self._run = run
        self._folder = folder
        self._name = name
        self._tls = tls
        self._url = run.url.replace("http:", "https:") if tls is not None else run.url
        self._readers: list[Reader] = []
        self._curls: list[Curl] = []
        self._deaf: socket.socket | None = None

    def send(self, source: str, burst: Burst) -> None:
        """Have `source` send the burst. Returns when it has."""
        query = f"name={self._name}&count={burst.count}&size={burst.size}"
        answer = fetch(f"{self._url}/{source}?{query}", deadline=PATIENCE, tls=self._tls)
        assert answer.status_code < 300, answer.text

    def open(self, readers: int, *, curls: int = 1) -> None:
        """Open so many streams, curl's among them, and wait until all have begun."""
        for _ in range(readers - curls):
            self._readers.append(Reader(self._connect(1 << 20)))
        url = f"{self._url}/events?name={self._name}"
        for number in range(curls):
            self._curls.append(Curl(url, self._folder / f"{self._name}-{self._run.port}-{number}"))
        self._read_until(lambda one: one.begun)

    def open_deaf(self) -> None:
        """Open a stream that is never read."""
        self._deaf = self._connect(4096)
        self._deaf.recv(1)

    def read(self, burst: Burst, times: int = 1) -> None:
        """Until every reader has every byte of so many bursts. AssertionError if one is cut."""
        wanted = burst.body() * times
        self._read_until(lambda one: one.size >= len(wanted))
        found = hashlib.sha256(wanted).hexdigest()
        for one in [*self._readers, *self._curls]:
            assert (one.size, one.digest()) == (len(wanted), found)

    def wait_deaf_is_cut(self, seconds: float = PATIENCE) -> bool:
        """False if that does not happen in time."""
        assert self._deaf is not None
        poll = select.poll()
        poll.register(self._deaf, select.POLLRDHUP)
        return bool(poll.poll(seconds * 1000))

    def close(self) -> None:
        for one in [*self._readers, *self._curls]:
            one.close()
        if self._deaf is not None:
            self._deaf.close()

    def _connect(self, receive_buffer: int) -> socket.socket:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(PATIENCE)
        sock.connect(("127.0.0.1", self._run.port))
        if self._tls is not None:
            sock = self._tls.wrap_socket(sock, server_hostname="localhost")
        path = f"{self._url}/events?name={self._name}"
        sock.sendall(request_bytes("GET", path, sse_fields([], None)))
        return sock

    def _read_until(self, is_done: Callable[[Reader | Curl], bool]) -> None:
        until = time.monotonic() + PATIENCE
        with selectors.DefaultSelector() as selector:
            missing = [one for one in self._readers if not is_done(one)]
            for one in missing:
                one.read()  # a TLS socket may hold what the system does not show
                selector.register(one.sock, selectors.EVENT_READ, one)
            while missing := [one for one in missing if not is_done(one)]:
                assert time.monotonic() < until, f"{len(missing)} readers miss events"
                for key, _ in selector.select(1):
                    key.data.read()
        for curl in self._curls:
            while not is_done(curl):
                assert time.monotonic() < until, f"curl misses events: it has {curl.size} bytes"
                curl.read()


class Reader:
    """A client that reads as fast as it can whenever `read` is called."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.begun = False
        self.size = 0  # of what came after pode.open
        self._sha = hashlib.sha256()
        self._decoder: BodyDecoder | None = None
        self._first = b""
        sock.settimeout(0)

    def read(self) -> None:
        try:
            while data := self.sock.recv(1 << 18):
                self._take(data)
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        except ConnectionError:
            pass
        raise AssertionError(f"A reader was cut after {self.size} bytes.")

    def digest(self) -> str:
        return self._sha.hexdigest()

    def close(self) -> None:
        self.sock.close()

    def _take(self, data: bytes) -> None:
        if self._decoder is None:
            self._first += data
            head, end, data = self._first.partition(b"\r\n\r\n")
            if not end:
                return
            assert b" 200 " in head.split(b"\r\n")[0], head
            self._decoder, self._first = BodyDecoder(chunked=True), b""
        data = self._decoder.feed(data)
        if not self.begun:
            self._first += data
            _, end, data = self._first.partition(b"\n\n")
            self.begun = bool(end)
        self._sha.update(data)
        self.size += len(data)


class Curl:
    """curl, which writes what it gets into a file."""

    def __init__(self, url: str, file: Path) -> None:
        command = ["curl", "-sSNk", "-H", "Accept: text/event-stream", url, "-o", str(file)]
        self._file = file
        self._process = subprocess.Popen(command)
        self._first = 0  # the size of pode.open

    @property
    def begun(self) -> bool:
        if not self._first and self._file.exists():
            text = self._file.read_bytes()
            self._first = text.find(b"\n\n") + 2 if b"\n\n" in text else 0
        return bool(self._first)

    @property
    def size(self) -> int:
        return self._file.stat().st_size - self._first

    def read(self) -> None:
        assert self._process.poll() is None, f"curl was cut after {self.size} bytes."
        time.sleep(0.005)

    def digest(self) -> str:
        return hashlib.sha256(self._file.read_bytes()[self._first :]).hexdigest()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


class Memory:
    """How far the resident memory of a program rises from now on."""

    def __init__(self, program: Program) -> None:
        self._folder = Path(f"/proc/{program.pid}")
        (self._folder / "clear_refs").write_text("5")  # forget the highest so far
        self._before = self._read("VmRSS")

    @property
    def rise(self) -> int:
        """In bytes, at the highest."""
        return self._read("VmHWM") - self._before

    def _read(self, name: str) -> int:
        for line in (self._folder / "status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
        raise AssertionError(name)
