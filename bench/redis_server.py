"""A Redis of the bench's own: on a free port, keeping nothing on disk, stopped by its pid."""

import socket
import subprocess
import tempfile
import time

from bench.process import cpu_seconds_of, free_port
from bench.tools import BUILD, BenchError, found, pin

START_SECONDS = 10
STOP_SECONDS = 10
POLL_SECONDS = 0.01


class RedisServer:
    """A context manager that leaves no process and no file behind but its log."""

    def __init__(self, core: int | None = None) -> None:
        self._core = core
        self.port = free_port()
        self.log = BUILD / "redis.log"

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def __enter__(self) -> "RedisServer":
        program = found("redis-server", "Install the Debian package redis-server.")
        self._folder = tempfile.TemporaryDirectory()
        place = ("--bind", "127.0.0.1", "--port", str(self.port), "--dir", self._folder.name)
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [*pin(self._core), program, *place, "--save", "", "--appendonly", "no"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()

    def cpu_seconds(self) -> float:
        """Return the processor time it has used."""
        return cpu_seconds_of(self._process.pid)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            if self._answers():
                return
            time.sleep(POLL_SECONDS)
        raise BenchError(f"redis-server does not start (see {self.log})")

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as probe:
                probe.sendall(b"PING\r\n")
                return probe.recv(16).startswith(b"+PONG")
        except OSError:
            return False
