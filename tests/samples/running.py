"""A sample as a process of its own, as a person would run it, on a free port; or as a module, for a
test that does not wait for its clock."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Self

from pode_py.testing import ClientResponse, SseClient, fetch
from tests.support import free_port

SAMPLES = Path(__file__).parent.parent.parent / "samples"
START = 30.0
STOP = 30.0


def imported(name: str) -> ModuleType:
    """A sample as a module, fresh: its `server` is the set-up."""
    spec = importlib.util.spec_from_file_location(f"sample_{name}", SAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class RunningSample:
    """Runs while its `with` block does. At the end it is stopped, and must have stopped well.

    `settings` are environment variables.
    """

    def __init__(self, name: str, *, port: int | None = None, **settings: str) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._output = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed at exit
        self._streams: list[SseClient] = []
        known = {"PORT": str(self.port), "PYTHONWARNINGS": "error"}
        self._process = subprocess.Popen(
            [sys.executable, str(SAMPLES / f"{name}.py")],
            env=os.environ | known | settings,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            # Not where the sample is: it has to find its pages from anywhere.
            cwd=tempfile.gettempdir(),
        )

    @property
    def output(self) -> str:
        """All that it has written so far, to standard output and standard error."""
        self._output.seek(0)
        return self._output.read()

    def wait_for_output(self, text: str, deadline: float = 30.0) -> None:
        """Wait until it has written this."""
        until = time.monotonic() + deadline
        while text not in self.output:
            assert time.monotonic() < until, f"{text!r} did not come in:\n{self.output}"
            time.sleep(0.02)

    def request(self, method: str, path: str, **options: Any) -> ClientResponse:
        """A request on a connection of its own; the options are those of `fetch`."""
        return fetch(self.url + path, method, **options)

    def get(self, path: str, **options: Any) -> ClientResponse:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> ClientResponse:
        return self.request("POST", path, **options)

    def sse(self, path: str, **options: Any) -> SseClient:
        """Open a stream, and close it with the sample."""
        stream = SseClient(self.url + path, **options)
        self._streams.append(stream)
        return stream

    def stop(self) -> None:
        """SIGTERM; then it must end by itself, with exit code 0 and no complaint."""
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(STOP)
        assert code == 0, f"It ended with exit code {code}:\n{self.output}"
        assert "Traceback" not in self.output, self.output
        assert "Stopped." in self.output, self.output

    def kill(self) -> None:
        """SIGKILL: it gets no chance to say anything."""
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        until = time.monotonic() + START
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                self._process.kill()
                self._process.wait()
                output = self.output
                self._output.close()
                raise AssertionError(f"The sample did not start:\n{output}")
            time.sleep(0.02)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if self._process.poll() is None:
                self.stop()
        finally:
            for stream in self._streams:
                stream.close()
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()
            self._output.close()

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1.0).close()
        except OSError:
            return False
        return True
