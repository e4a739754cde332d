"""Screen: what the server says to whoever started it, and its banner. Not the log.

Plain text, no escape codes.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from pode_py.observability.logs.streams import StandardStream
from pode_py.server.server import Server
from pode_py.web.endpoints.endpoints import Endpoints

# A terminal that is held, or a pipe that nobody reads, must not hold the server.
_PATIENCE = 1.0


def say(text: str) -> None:
    """Write lines to standard output at once. One that is closed or broken harms nothing."""
    with suppress(OSError, ValueError, AttributeError):  # no standard output at all: None
        sys.stdout.flush()
    # Past Python's buffer: what a broken pipe leaves in it would fail again at exit.
    with suppress(OSError, ValueError):
        StandardStream("stdout").write(f"{text}\n", _PATIENCE)


def complain(text: str) -> None:
    """Write a line to standard error at once, as `say` does."""
    with suppress(OSError, ValueError):
        StandardStream("stderr").write(f"pode_py: {text}\n", _PATIENCE)


def hold_standard_descriptors() -> None:
    """Put the null device where standard input, output or error was closed.

    Otherwise the next socket gets its number, and what some library prints goes to a client.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)


def banner(server: Server, pid: int | None = None) -> str:
    """Name, process id, threads, and the URLs to open. `pid`: of the process to send signals to."""
    options = server.options
    started = server.info.started_at
    when = f"[{started.astimezone():%Y-%m-%d %H:%M:%S}] " if started else ""
    name = options.name if not options.app_name else f"{options.name} - {options.app_name}"
    lines = [f"{when}{name} (PID: {pid or os.getpid()}) [Running]"]
    endpoints = server.room(Endpoints).all()
    if endpoints and not options.hide_endpoints:
        threads = f"{options.threads} thread(s)"
        if options.workers > 1:
            threads += f" x {options.workers} workers"
        lines.append(f"Listening on {len(endpoints)} endpoint(s) [{threads}]:")
        for endpoint in endpoints:
            notes = [endpoint.description] if endpoint.description else []
            notes += ["all interfaces"] if endpoint.address == "*" else []
            lines.append(f"  - {endpoint.url}" + (f"  [{', '.join(notes)}]" if notes else ""))
    elif not endpoints:
        lines.append("No endpoints: only timers and schedules run.")
    if not options.disable_termination:
        lines.append("Press Ctrl+C to stop.")
    return "\n".join(lines)
