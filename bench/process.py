"""A contender's server as a child process: started, found ready, looked at, stopped by its pid."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from bench.contenders import Contender, missing
from bench.tools import BUILD, ROOT, BenchError, compiled, found, pin

START_SECONDS = 20
STOP_SECONDS = 15
NEEDED = "docs/benchmarks.md says what the bench needs."
POLL_SECONDS = 0.005
SETTLE_SECONDS = 5.0
QUIET_SECONDS = 0.2
QUIET_SHARE = 0.1
TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    """One run of a contender; a context manager that leaves no process behind.

    What has not ended `stop_seconds` after it was asked to is killed. `places` is what the command
    of the contender has in braces beside `{port}` and `{ceiling}`; `log` names the file to which
    the server writes.
    """

    def __init__(
        self,
        contender: Contender,
        core: int | None = None,
        *,
        stop_seconds: float = STOP_SECONDS,
        places: Mapping[str, object] | None = None,
        log: str = "",
    ) -> None:
        self._stop_seconds = stop_seconds
        self._places = dict(places or {})
        self.contender = contender
        self.core = core
        self.port = free_port()
        self.start_seconds = 0.0  # until the first answer
        self.log = BUILD / f"{log or contender.name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Server":
        if lacking := missing(self.contender):
            raise BenchError(
                f"{', '.join(lacking)} not installed: `make bench` installs what it can, "
                "docs/benchmarks.md says what it needs"
            )
        fill = {"port": self.port, "ceiling": compiled("ceiling"), **self._places}
        program, *rest = (part.format(**fill) for part in self.contender.command)
        command = [*pin(self.core), found(program, NEEDED), *rest]
        began = time.monotonic()
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self._stop()
            raise
        self.start_seconds = time.monotonic() - began
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def memory(self) -> int:
        """Return the resident memory of the server and its children in bytes."""
        return sum(_resident(pid) for pid in self._tree())

    def own_memory(self) -> int:
        """Return the same, but what several processes share counts once, and only here."""
        return sum(_proportional(pid) for pid in self._tree())

    def cpu_seconds(self) -> float:
        """Return the processor time the server and its children have used."""
        return sum(cpu_seconds_of(pid) for pid in self._tree())

    def settle(self) -> None:
        """Wait until the processes do next to nothing, as all of them have started; not for long.

        That one worker process answers does not mean that the others do.
        """
        deadline = time.monotonic() + SETTLE_SECONDS
        used = self.cpu_seconds()
        while time.monotonic() < deadline:
            time.sleep(QUIET_SECONDS)
            before, used = used, self.cpu_seconds()
            if used - before <= QUIET_SHARE * QUIET_SECONDS:
                return

    def _tree(self) -> list[int]:
        assert self._process is not None
        pids = [self._process.pid]
        for pid in pids:  # grows while it is walked
            pids += _children(pid)
        return pids

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise BenchError(f"ended while starting: {_last_line(self.log)}")
            if _answers(self.port):
                return
            time.sleep(POLL_SECONDS)
        raise BenchError(f"does not answer GET /plain with 'hello' (see {self.log})")

    def _stop(self) -> None:
        process = self._process
        if process is None:
            return
        process.send_signal(self.contender.stop_signal)
        try:
            process.wait(self._stop_seconds)
        except subprocess.TimeoutExpired:
            # It leads a group of its own, in which are its workers and nobody else.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/plain")
        response = connection.getresponse()
        return response.status == 200 and response.read() == b"hello"
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _children(pid: int) -> list[int]:
    pids: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            pids += map(int, task.read_text().split())
        except OSError:
            continue
    return pids


def _resident(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))


def _proportional(pid: int) -> int:
    """Return its proportional share of memory (Pss in proc_pid_smaps(5))."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def cpu_seconds_of(pid: int) -> float:
    """Return the processor time one process has used; 0 if there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0.0
    fields = stat.rpartition(")")[2].split()  # the name before it may hold blanks
    return (int(fields[11]) + int(fields[12])) / TICKS


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return f"{lines[-1] if lines else 'without a word'} (see {log})"
