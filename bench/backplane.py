"""`python -m bench.backplane`: events through one Redis to two nodes, in one run.

Two nodes, each with its streams; one of them sends. Beside that one node without a backplane, so
that the figures are a ratio of this machine, whatever else it does.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from typing import Any

from bench.tools import ROOT, compiled, found, raise_file_limit

_PATIENCE = 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=1000, help="of each node")
    parser.add_argument("--burst", type=int, default=5000, help="events sent back to back")
    parser.add_argument("--rate", type=float, default=100, help="events a second when paced")
    parser.add_argument("--seconds", type=float, default=5, help="of the paced events")
    options = parser.parse_args()
    raise_file_limit(options.streams + 200)
    print(f"{'':24}{'events/s':>10}{'deliveries/s':>14}{'lost':>6}{'p50 ms':>9}{'p99 ms':>9}")
    with redis() as url:
        for title, nodes, more in (
            ("one node, no backplane", 1, ["none"]),
            ("one node, history", 1, ["none", "history"]),
            ("two nodes", 2, [url]),
            ("two nodes, history", 2, [url, "history"]),
        ):
            report(title, nodes, more, options)


def report(title: str, count: int, more: list[str], options: argparse.Namespace) -> None:
    """Measure one footing, and print its row."""
    with contextlib.ExitStack() as stack:
        ports = [stack.enter_context(node(more)) for _ in range(count)]
        clients = [stack.enter_context(Client(port, options.streams)) for port in ports]
        together(clients, 500, "/burst?n=500")
        burst = together(clients, options.burst, f"/burst?n={options.burst}")
        events = int(options.rate * options.seconds)
        paced = together(clients, events, f"/paced?n={events}&rate={options.rate}")
    longest = max(one["seconds"] for one in burst)
    deliveries = sum(one["deliveries"] for one in burst)
    lost = sum(one["expected"] - one["deliveries"] for one in (*burst, *paced))
    # Of the last node: with two of them the one that did not send.
    p50, p99 = paced[-1]["p50_ms"], paced[-1]["p99_ms"]
    rate, all_ = options.burst / longest, deliveries / longest
    print(f"{title:24}{rate:10,.0f}{all_:14,.0f}{lost:6}{p50:9.1f}{p99:9.1f}", flush=True)


def together(clients: list[Client], events: int, path: str) -> list[dict[str, Any]]:
    """The first node sends; what arrives at each of them."""
    found: list[dict[str, Any]] = [{} for _ in clients]

    def run(place: int, own: str) -> None:
        found[place] = clients[place].run(events, own)

    others = [
        threading.Thread(target=run, args=(place, "/plain")) for place in range(1, len(clients))
    ]
    begun = time.monotonic()
    for thread in others:
        thread.start()
    time.sleep(0.2)  # they listen for events before the first is sent
    waited = time.monotonic() - begun
    run(0, path)
    for thread in others:
        thread.join()
    for one in found[1:]:
        one["seconds"] -= waited
    return found


class Client:
    """The compiled client of many streams, on one node."""

    def __init__(self, port: int, streams: int) -> None:
        command = [str(compiled("streams")), str(port), "/events", str(streams), str(_PATIENCE)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        opened = self._read()
        if opened["open"] < streams:
            raise SystemExit(f"Only {opened['open']} of {streams} streams opened.")

    def run(self, events: int, path: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(f"run {events} {_PATIENCE} {path}\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        return dict(json.loads(line))

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.communicate()


@contextlib.contextmanager
def node(more: list[str]) -> Iterator[int]:
    """A node in a process of its own. Gives its port."""
    port = free_port()
    command = [sys.executable, "-m", "bench.servers.with_backplane", str(port), *more]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + _PATIENCE
        while not _answers(port):
            if time.monotonic() > until or process.poll() is not None:
                raise SystemExit("The node does not answer.")
            time.sleep(0.05)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_PATIENCE)


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """A Redis of its own."""
    program = found("redis-server", "Install the Debian package redis-server.")
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "--port", str(port), "--dir", folder, "--save", "", "--bind"]
        process = subprocess.Popen([*command, "127.0.0.1"], stdout=subprocess.DEVNULL)
        try:
            time.sleep(0.5)
            yield f"redis://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(_PATIENCE)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/plain")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    main()
