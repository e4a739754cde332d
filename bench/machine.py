"""What the figures were measured on: facts of the machine and versions of the programs."""

import os
import platform
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from bench.contenders import OURS, Contender, versions
from bench.tools import ROOT, BenchError, found

# How a program of the machine says its version.
SAYS = {
    "node": ("node", "--version"),
    "nginx": ("nginx", "-v"),
    "redis-server": ("redis-server", "--version"),
    "nchan": ("dpkg-query", "-W", "-f", "${Version}", "libnginx-mod-nchan"),
}


def machine() -> dict[str, str]:
    """Return the facts of this machine that a figure depends on."""
    return {
        "cpu": _field("/proc/cpuinfo", "model name") or platform.processor() or "unknown",
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": _memory(),
        "kernel": platform.release(),
        "load before": load(),
    }


def load() -> str:
    """Return the load averages of the last 1, 5 and 15 minutes."""
    return " ".join(f"{average:.2f}" for average in os.getloadavg())


def programs(contenders: Iterable[Contender]) -> dict[str, str]:
    """Return the version of everything that takes part in the measurement."""
    contenders = list(contenders)
    used = dict.fromkeys(program for one in contenders for program in one.programs)
    return {
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
        OURS: _output("git", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude=*"),
        **versions(contenders),
        **{program: version_in(_output(*SAYS[program])) for program in used},
        "wrk": _output("wrk", "-v").split(" [")[0].removeprefix("wrk "),
        "gcc": _output("gcc", "-dumpfullversion"),
    }


def version_in(said: str) -> str:
    """Return the version in the line in which a program says it."""
    version = re.search(r"\d+(\.\d+)+\S*", said)
    return version[0] if version else said


def _memory() -> str:
    kilobytes = re.match(r"\d+", _field("/proc/meminfo", "MemTotal"))
    return f"{int(kilobytes[0]) / 2**20:.1f} GiB" if kilobytes else "unknown"


def _field(path: str, name: str) -> str:
    try:
        text = Path(path).read_text()
    except OSError:
        return ""
    field = re.search(rf"^{name}\s*:\s*(.+)$", text, re.MULTILINE)
    return field[1] if field else ""


def _output(*command: str) -> str:
    """Return the first line a program says; wrk says its version with status 1."""
    try:
        ran = subprocess.run(
            [found(command[0], ""), *command[1:]],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (BenchError, OSError, subprocess.TimeoutExpired):
        return "unknown"
    lines = (ran.stdout or ran.stderr).splitlines()
    return lines[0].strip() if lines else "unknown"
