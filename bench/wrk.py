"""Requests as fast as they are answered, by wrk: rate, latencies, processor shares."""

import json
import resource
import subprocess

from bench.process import Server
from bench.scenario import Figures
from bench.settings import Settings
from bench.tools import HERE, BenchError, found, pin

CONNECTIONS = 64


def wrk(server: Server, path: str, seconds: int, settings: Settings) -> Figures:
    """Load one route for so many seconds and return what wrk and the system counted."""
    server_before, client_before = server.cpu_seconds(), _children_cpu()
    figures = _ran(server.port, path, seconds, settings.client_core)
    lasted = figures["seconds"]
    figures["requests_s"] = figures["requests"] / lasted
    figures["server_cpu"] = (server.cpu_seconds() - server_before) / lasted
    figures["client_cpu"] = (_children_cpu() - client_before) / lasted
    return figures


def _ran(port: int, path: str, seconds: int, core: int | None) -> Figures:
    program = found("wrk", "Install the Debian package wrk.")
    load = ("-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(HERE / "report.lua"))
    try:
        ran = subprocess.run(
            [*pin(core), program, *load, f"http://127.0.0.1:{port}{path}"],
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
