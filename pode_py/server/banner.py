"""The banner: what a person sees when the server has started. Plain text, no escape codes."""

from __future__ import annotations

import os

from pode_py.server.server import Server
from pode_py.web.endpoints.endpoints import Endpoints


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
