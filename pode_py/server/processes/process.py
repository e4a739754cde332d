"""WorkerProcess: one worker process as its parent sees it, and how it is forked.

Signals are blocked around the fork, until the new process has handlers of its own: one that came
in between would be lost in a copy of the parent's.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Collection
from typing import Literal, NoReturn

from pode_py.core.errors import StartError
from pode_py.server.console.screen import complain
from pode_py.server.processes.channel import ControlMessage, ProcessChannel
from pode_py.server.systemd import Place

_BLOCKED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)

#: What the new process does: given its end of the channel, and how to unblock the signals again
#: once it handles them. Returns its exit code.
Run = Callable[[ProcessChannel, Callable[[], None]], int]


class WorkerProcess:
    """Belongs to the parent's main thread. `status` is None as long as it lives.

    `failure` is what it said of why it can't start; `serving_since` is monotonic time; when
    `deadline` has passed it is killed.
    """

    def __init__(self, number: int, pid: int, channel: ProcessChannel) -> None:
        self.number = number
        self.pid = pid
        self.channel = channel
        self.state: Literal["starting", "serving", "leaving"] = "starting"
        self.serving_since: float | None = None
        self.places: Collection[Place] = ()
        self.failure: ControlMessage | None = None
        self.deadline: float | None = None
        self.status: int | None = None

    def notify(self, kind: str, **facts: object) -> None:
        self.channel.send(ControlMessage(kind, facts))

    def leave(self, deadline: float) -> None:
        """Another one has taken its place."""
        self.notify("leave")
        if self.state == "starting":  # nobody listens to the channel there
            self.send_signal(signal.SIGTERM)
        self.state = "leaving"
        self.deadline = deadline

    def send_signal(self, number: int) -> None:
        if self.status is None:  # else its id may be another process' by now
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def collect(self) -> bool:
        """Whether it has ended."""
        if self.status is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:  # somebody else waited for it
                pid, status = self.pid, 0
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status is not None

    @property
    def served(self) -> float | None:
        """For how many seconds; None if it never did."""
        return None if self.serving_since is None else time.monotonic() - self.serving_since

    def ending(self) -> str:
        """How it ended, in words."""
        if self.status is None or self.status >= 0:
            return f"exit code {self.status}"
        try:
            return signal.Signals(-self.status).name
        except ValueError:
            return f"signal {-self.status}"


def fork(number: int, run: Run, abandon: Callable[[], None]) -> WorkerProcess:
    """Start a worker process. `abandon` closes what is the parent's, in the new process."""
    ours, theirs = ProcessChannel.pair()
    for stream in (sys.stdout, sys.stderr):  # else what is buffered would be written twice
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _BLOCKED)
    try:
        pid = _fork()
        if pid == 0:
            _live(lambda: run(theirs, lambda: _restore(mask)), (ours.close, abandon))
    except OSError:
        ours.close()
        raise
    finally:
        theirs.close()
        _restore(mask)
    return WorkerProcess(number, pid, ours)


def collect_orphans(ours: set[int]) -> None:
    """As process 1: what workers leave behind when they are killed becomes our child."""
    for _ in range(100):
        try:
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if found is None or found.si_pid in ours:
            return  # our own one is next in turn
        os.waitpid(found.si_pid, 0)


def _fork() -> int:
    with warnings.catch_warnings():
        # Python 3.12 warns of threads. The parent has done so, and says what to do.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _restore(mask: Collection[int]) -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _live(run: Callable[[], int], before: Collection[Callable[[], None]]) -> NoReturn:
    """The life of the new process. It never goes on in the user's script."""
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        # What the script wants done at its exit is the parent's; what the set-up adds is ours.
        atexit._clear()
        for step in before:
            step()
        code = run()
    except BaseException:  # noqa: BLE001 - nothing may get out, into the script
        traceback.print_exc()
    finally:
        _leave(code)


def _leave(code: int) -> NoReturn:
    try:
        with contextlib.suppress(Exception):
            atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                stream.flush()
    finally:
        os._exit(code)


def complain_of(process: WorkerProcess, wait: float) -> None:
    """Say that a worker has ended, and why if it said so."""
    said = process.failure.facts["text"] if process.failure is not None else ""
    complain(
        f"Worker {process.number} (PID {process.pid}) has ended with {process.ending()}. "
        + (f"{said} " if said else "")
        + (f"Another one takes its place in {wait:g} s." if wait else "Another one starts.")
    )


def outcome_of(failure: ControlMessage) -> BaseException:
    """What ends the program when the first worker could not start, and said why."""
    if failure.facts["text"]:
        return StartError(failure.facts["text"])
    return SystemExit(failure.facts["code"])


def warn_of_threads() -> None:
    others = [one.name for one in threading.enumerate() if one is not threading.main_thread()]
    if others:
        complain(
            f"Threads run already ({', '.join(sorted(others))}). Worker processes do not get them, "
            "and a lock that one of them holds stays locked there. Start threads in the set-up "
            "function, which runs in each worker."
        )
