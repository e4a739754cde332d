"""One measurement of one contender, in bounded time. It knows nothing of rounds or of peers."""

import json
import resource
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import Any

from bench.contenders import Contender
from bench.process import Server
from bench.tools import HERE, BenchError, compiled, found, pin

CONNECTIONS = 64
WARM_UP_SECONDS = 1
WARM_UP_STREAMS = 10
OPEN_SECONDS = 60
SETTLE_SECONDS = 1.0
BURSTS_SECONDS = 2.0
BURSTS_AT_MOST = 20

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Settings:
    """How much is measured."""

    rounds: int = 3
    seconds: int = 5
    streams: int = 1000
    burst: int = 500
    burst_timeout: int = 60
    paced: int = 50
    interval_ms: int = 100
    server_core: int | None = None
    client_core: int | None = None


def measure_plain(contender: Contender, settings: Settings) -> Figures:
    """Return requests a second of GET /plain by wrk, with latencies and processor shares."""
    with Server(contender, settings.server_core) as server:
        _wrk(server.port, WARM_UP_SECONDS, settings.client_core)
        server_before, client_before = server.cpu_seconds(), _children_cpu()
        figures = _wrk(server.port, settings.seconds, settings.client_core)
        seconds = figures["seconds"]
        figures["requests_s"] = figures["requests"] / seconds
        figures["server_cpu"] = (server.cpu_seconds() - server_before) / seconds
        figures["client_cpu"] = (_children_cpu() - client_before) / seconds
    return figures


def measure_streams(contender: Contender, settings: Settings) -> Figures:
    """Return memory per idle stream, paced latencies and burst deliveries, on the same streams."""
    with Server(contender, settings.server_core) as server:
        with StreamClient(server, WARM_UP_STREAMS, settings.client_core) as client:
            client.run("/burst?n=1", 1, 10)
        time.sleep(SETTLE_SECONDS)
        before = server.memory()
        with StreamClient(server, settings.streams, settings.client_core) as client:
            time.sleep(SETTLE_SECONDS)
            grown = server.memory() - before
            paced = client.run(
                f"/paced?n={settings.paced}&interval_ms={settings.interval_ms}",
                settings.paced,
                settings.paced * settings.interval_ms / 1000 + 15,
            )
            bursts = _bursts(client, settings)
    return {"memory": grown / settings.streams, "paced": paced, "burst": _together(bursts)}


def _bursts(client: "StreamClient", settings: Settings) -> list[Figures]:
    """Repeat the burst: a fast server is done with one in less time than can be measured well."""
    bursts: list[Figures] = []
    while len(bursts) < BURSTS_AT_MOST and sum(one["seconds"] for one in bursts) < BURSTS_SECONDS:
        one = client.run(f"/burst?n={settings.burst}", settings.burst, settings.burst_timeout)
        bursts.append(one)
        if one["lost"]:
            break  # what comes late would be counted with the next burst
    return bursts


def _together(bursts: list[Figures]) -> Figures:
    """Return the sums of the bursts, and shares of their whole time."""
    sums = {
        name: sum(one[name] for one in bursts)
        for name in ("expected", "deliveries", "lost", "uneven_streams", "seconds")
    }
    seconds = sums["seconds"]
    shares = {
        name: sum(one[name] * one["seconds"] for one in bursts) / seconds if seconds else 0.0
        for name in ("server_cpu", "client_cpu")
    }
    rate = sums["deliveries"] / seconds if seconds else 0.0
    return {**sums, **shares, "deliveries_s": rate, "closed": bursts[-1]["closed"], "each": bursts}


class StreamClient:
    """The compiled client with its streams open; a context manager that closes them."""

    def __init__(self, server: Server, streams: int, core: int | None = None) -> None:
        self._server = server
        self._core = core
        self._streams = streams

    def __enter__(self) -> "StreamClient":
        arguments = (self._server.port, "/events", self._streams, OPEN_SECONDS)
        self._process = subprocess.Popen(
            [*pin(self._core), str(compiled("streams")), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            opened = self._answer(OPEN_SECONDS + 10)
            if opened["open"] < self._streams:
                raise BenchError(
                    f"only {opened['open']} of {self._streams} streams opened "
                    f"(status {opened['failed_status']}; see {self._server.log})"
                )
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()  # it has nothing to lose, and its sockets close at once
        self._process.communicate()

    def run(self, path: str, events: int, timeout: float) -> Figures:
        """GET the path, count what arrives on the streams, and return the client's figures."""
        server_before = self._server.cpu_seconds()
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"run {events} {timeout} {path}\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise BenchError(f"the stream client ended before {path}") from None
        figures = self._answer(timeout + 10)
        if figures["trigger_status"] not in (0, 200):
            raise BenchError(
                f"GET {path} answered {figures['trigger_status']} (see {self._server.log})"
            )
        used, seconds = self._server.cpu_seconds() - server_before, figures["seconds"]
        figures["server_cpu"] = used / seconds if seconds else 0.0
        figures["lost"] = figures["expected"] - figures["deliveries"]
        return figures

    def _answer(self, timeout: float) -> Figures:
        """Return the client's next line; the client is killed if it takes too long."""
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        limit = threading.Timer(timeout, self._process.kill)
        limit.start()
        try:
            line = self._process.stdout.readline()
        finally:
            limit.cancel()
        if not line:
            raise BenchError(f"the stream client ended: {self._process.stderr.read().strip()}")
        figures: Figures = json.loads(line)
        return figures


def _wrk(port: int, seconds: int, core: int | None) -> Figures:
    wrk = found("wrk", "Install the Debian package wrk.")
    load = ("-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(HERE / "report.lua"))
    try:
        ran = subprocess.run(
            [*pin(core), wrk, *load, f"http://127.0.0.1:{port}/plain"],
            capture_output=True,
            text=True,
            timeout=seconds + 15,
            check=True,
        )
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"wrk did not end: {error}") from error
    except subprocess.CalledProcessError as error:
        raise BenchError(f"wrk failed: {error} {error.stderr}") from error
    figures: Figures = json.loads(ran.stdout.strip().splitlines()[-1])
    return figures


def _children_cpu() -> float:
    """Return the processor time of the children that have ended: here, of wrk."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
