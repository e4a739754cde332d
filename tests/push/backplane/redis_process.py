"""RedisProcess: a real Redis of its own, on a free port and in a folder of the test."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.support import free_port, need_program

_SOON = 30.0


class RedisProcess:
    """Runs `redis-server` with the given settings; an underscore stands for a hyphen.

    with RedisProcess(tmp_path, appendonly="yes") as redis: ...
    """

    def __init__(self, folder: Path, *, port: int = 0, **settings: Any) -> None:
        self._program = need_program("redis-server")
        self._folder = folder
        self._settings = {"save": "", "bind": "127.0.0.1", **settings}
        self.port = port or free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, again if need be: what it kept, it has again."""
        command = [self._program, "--dir", str(self._folder), "--port", str(self.port)]
        if self._is_tls:
            command[-1:] = ["0", "--tls-port", str(self.port)]
        for key, value in self._settings.items():
            command += [f"--{key.replace('_', '-')}", *str(value).split(" ")]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + _SOON
        while not self._answers():
            assert self._process.poll() is None, "redis-server has ended at once."
            assert time.monotonic() < until, "redis-server does not answer."
            time.sleep(0.02)

    def kill(self) -> None:
        """End it as kill -9 does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """Stop it as SIGSTOP does: connections stay open, nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def cli(self, *command: str, flags: tuple[str, ...] = ()) -> str:
        """What redis-cli answers."""
        program = need_program("redis-cli")
        done = subprocess.run(
            [program, "-p", str(self.port), *flags, *command],
            capture_output=True,
            text=True,
            timeout=_SOON,
            check=True,
        )
        return done.stdout.strip()

    def close(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
        self.kill()

    @property
    def _is_tls(self) -> bool:
        return "tls_cert_file" in self._settings

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as probe:
                if self._is_tls:
                    return True
                probe.sendall(b"PING\r\n")
                return b"LOADING" not in probe.recv(100)
        except OSError:
            return False

    def __enter__(self) -> RedisProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
