"""Requests at a fixed rate by the compiled client: latencies from when each of them was due."""

import json
import subprocess

from bench.process import Server
from bench.scenario import Figures
from bench.settings import Settings
from bench.tools import BenchError, compiled, pin

# How long answers may take after the last request was due. A server that cannot keep the rate
# only falls behind further, so it need not be long.
GRACE_SECONDS = 1
# Enough requests for an interpreter to have seen each line of their way often.
WARM_UP = {"connections": 16, "rate": 1000, "seconds": 0.4}


class Steady:
    """A load that runs beside other things: a context manager that ends it, and its figures."""

    def __init__(
        self,
        server: Server,
        path: str,
        settings: Settings,
        *,
        connections: int,
        rate: float,
        seconds: float,
    ) -> None:
        self._server = server
        self._seconds = seconds
        shape = (server.port, path, connections, f"{rate:.3f}", seconds, GRACE_SECONDS)
        self._command = [
            *pin(settings.client_core),
            str(compiled("steady")),
            *map(str, shape),
        ]

    def __enter__(self) -> "Steady":
        self._cpu_before = self._server.cpu_seconds()
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def figures(self) -> Figures:
        """Wait for its end and return what it counted, with the processor share of the server."""
        try:
            out, err = self._process.communicate(timeout=self._seconds + GRACE_SECONDS + 15)
        except subprocess.TimeoutExpired as error:
            raise BenchError(f"the steady load did not end: {error}") from error
        if self._process.returncode:
            raise BenchError(f"the steady load failed: {err.strip()} (see {self._server.log})")
        figures: Figures = json.loads(out)
        used = self._server.cpu_seconds() - self._cpu_before
        figures["server_cpu"] = used / figures["seconds"]
        return figures


def steady(
    server: Server,
    path: str,
    settings: Settings,
    *,
    connections: int,
    rate: float,
    seconds: float,
) -> Figures:
    """Ask at a fixed rate for so many seconds and return what the client counted."""
    load = Steady(server, path, settings, connections=connections, rate=rate, seconds=seconds)
    with load:
        return load.figures()


def warm_up(server: Server, path: str, settings: Settings) -> None:
    """Ask for a route until what is done for the first time only has been done."""
    steady(server, path, settings, **WARM_UP)
