"""Program: a user's script in a process of its own. Every wait has a deadline."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from pode_py.testing import ClientResponse, SseClient, fetch
from tests.support import free_port

T = TypeVar("T")

ROOT = Path(__file__).parent.parent.parent
#: A busy machine is given time. What hangs in these tests hangs for sixty seconds or more: so an
#: end within this time was not waited for.
DEADLINE = 30.0
READY = "Press Ctrl+C to stop."
STOPPING = "Stopping. Press Ctrl+C again to stop at once."

#: Stands before every script, on one line.
PRELUDE = (
    "import functools, os, sys, threading, time; from pode_py import *; "
    "PORT = int(os.environ['PORT']); say = lambda *words: print(*words, flush=True); "
    "start_server = functools.partial(start_server, engine=os.environ['ENGINE'])\n"
)

HELLO = """
def server():
    add_endpoint(port=PORT)
    add_route("get", "/", lambda: "hello")

start_server(server)
say("after the server")
"""


class Program:
    """Runs `code` with PRELUDE before it. `before` is a command that starts it: ``["nohup"]``.
    `run` is what Python is given: {script}, {module} and {port} in it stand for the program's.

    Standard output is a pipe that a thread of the test reads, unless `stdout` says otherwise.
    """

    def __init__(
        self,
        folder: Path,
        code: str,
        *,
        before: Sequence[str] = (),
        flags: Sequence[str] = (),
        env: dict[str, str] | None = None,
        engine: str = "h11",
        run: Sequence[str] = ("-W", "error", "{script}"),
        **options: Any,
    ) -> None:
        self.port = free_port()
        self.path = folder / f"server_{self.port}.py"
        self.path.write_text(PRELUDE + code, "utf-8")
        known = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
        known |= {"PORT": str(self.port), "PYTHONPATH": str(ROOT), "ENGINE": engine}
        options = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "cwd": folder,
            "env": {**known, **(env or {})},
            **options,
        }
        names = {"script": self.path, "module": self.path.stem, "port": self.port}
        arguments = [text.format_map(names) for text in run]
        command = [*before, sys.executable, *flags, *arguments]
        self.process = subprocess.Popen(command, **options)
        self._streams: list[SseClient] = []
        self._changed = threading.Condition()
        self._text = {"out": "", "err": ""}
        self._readers = [
            threading.Thread(target=self._read, args=(name, pipe), daemon=True)
            for name, pipe in (("out", self.process.stdout), ("err", self.process.stderr))
            if pipe is not None
        ]
        for reader in self._readers:
            reader.start()

    @property
    def out(self) -> str:
        return self._text["out"]

    @property
    def err(self) -> str:
        return self._text["err"]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Of the server, which a command before it may have started."""
        found = re.search(r"PID: (\d+)", self.out)
        return int(found[1]) if found else self.process.pid

    def wait_for(self, text: str, *, count: int = 1, where: str = "out") -> Program:
        """Until this text stands in its output, so many times."""
        with self._changed:
            if self._changed.wait_for(lambda: self._text[where].count(text) >= count, DEADLINE):
                return self
        raise AssertionError(f"{text!r} did not come. {self._shown()}")

    def ready(self) -> Program:
        return self.wait_for(READY)

    def listening(self) -> Program:
        """Until it listens: for a program that says nothing."""
        until = time.monotonic() + DEADLINE
        while not is_listening(self.port):
            assert time.monotonic() < until, f"It does not listen. {self._shown()}"
            time.sleep(0.02)
        return self

    def get(self, path: str = "/", **options: Any) -> ClientResponse:
        return fetch(self.url + path, deadline=DEADLINE, **options)

    def sse(self, path: str = "/events", **options: Any) -> SseClient:
        """An event stream that has begun. Closed with the program."""
        client = SseClient(self.url + path, deadline=DEADLINE, **options)
        self._streams.append(client)
        assert client.next().type == "pode.open"
        return client

    def signal(self, number: int = signal.SIGTERM) -> float:
        """Send a signal to the server. The time at which it was sent."""
        os.kill(self.pid, number)
        return time.monotonic()

    def end(self, deadline: float = DEADLINE) -> int:
        """Wait for its end. The exit code."""
        try:
            code = self.process.wait(deadline)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"It did not end in time. {self._shown()}") from None
        for reader in self._readers:
            reader.join(DEADLINE)
        return code

    def stop(self) -> int:
        """SIGTERM, and wait for its end."""
        self.signal()
        return self.end()

    def close(self) -> None:
        """Kill it if it still runs."""
        for stream in self._streams:
            stream.close()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(DEADLINE)
        for reader in self._readers:
            reader.join(DEADLINE)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()

    def _read(self, name: str, pipe: Any) -> None:
        while data := os.read(pipe.fileno(), 65536):
            with self._changed:
                self._text[name] += data.decode()
                self._changed.notify_all()

    def _shown(self) -> str:
        return f"Output: {self.out!r}. Errors: {self.err!r}."


def is_listening(port: int) -> bool:
    with socket.socket() as sock:
        sock.settimeout(DEADLINE)
        return sock.connect_ex(("127.0.0.1", port)) == 0


def beside(job: Callable[..., T], *arguments: Any, **named: Any) -> Future[T]:
    """Run it in a thread of the test, and look at what came of it with `.result(DEADLINE)`."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(job(*arguments, **named))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future
