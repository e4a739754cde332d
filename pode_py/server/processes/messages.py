"""What the parent of worker processes says on standard error, and how it ends the program."""

from __future__ import annotations

import threading

from pode_py.core.errors import StartError
from pode_py.server.console import complain
from pode_py.server.processes.channel import ControlMessage
from pode_py.server.processes.process import WorkerProcess


def complain_of(process: WorkerProcess, wait: float) -> None:
    """Say that a worker has ended, and why if it said so."""
    said = process.failure.values["text"] if process.failure is not None else ""
    complain(
        f"Worker {process.number} (PID {process.pid}) has ended with {process.exit_text()}. "
        + (f"{said} " if said else "")
        + (f"Another one takes its place in {wait:g} s." if wait else "Another one starts.")
    )


def outcome_of(failure: ControlMessage) -> BaseException:
    """What ends the program when the first worker could not start, and said why."""
    if failure.values["text"]:
        return StartError(failure.values["text"])
    return SystemExit(failure.values["code"])


def warn_of_threads() -> None:
    others = [one.name for one in threading.enumerate() if one is not threading.main_thread()]
    if others:
        complain(
            f"Threads run already ({', '.join(sorted(others))}). Worker processes do not get them, "
            "and a lock that one of them holds stays locked there. Start threads in the set-up "
            "function, which runs in each worker."
        )
