"""The compiled client with its event streams open: what arrives on them, and how late."""

import json
import subprocess
import threading
from collections.abc import Callable

from bench.process import Server
from bench.scenario import Figures
from bench.tools import BenchError, compiled, pin

OPEN_SECONDS = 60
OPENING_AT_ONCE = 64


class StreamClient:
    """The compiled client with its streams open; a context manager that closes them.

    `path` is what each stream asks for, `{stream}` in it the number of the stream. `opened` says
    how long it took until all were open, and what share of a core the client used for it.
    """

    def __init__(
        self,
        server: Server,
        streams: int,
        core: int | None = None,
        *,
        path: str = "/events",
        at_once: int = OPENING_AT_ONCE,
    ) -> None:
        self._server = server
        self._core = core
        self._streams = streams
        self._arguments = (server.port, path, streams, OPEN_SECONDS, at_once)
        self.opened: Figures = {}

    def __enter__(self) -> "StreamClient":
        self._process = subprocess.Popen(
            [*pin(self._core), str(compiled("streams")), *map(str, self._arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            self.opened = self._answer(OPEN_SECONDS + 10)
            if self.opened["open"] < self._streams:
                raise BenchError(
                    f"only {self.opened['open']} of {self._streams} streams opened "
                    f"(status {self.opened['failed_status']}; see {self._server.log})"
                )
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()  # it has nothing to lose, and its sockets close at once
        self._process.communicate()

    def run(self, path: str, events: int, timeout: float) -> Figures:
        """GET the path, count what arrives on the streams, and return the client's figures."""
        return self._obeyed(f"run {events} {timeout} {path}", timeout)

    def gaps(self, path: str, events: int, timeout: float) -> Figures:
        """The same, with the time between two events on the same stream as well."""
        return self._obeyed(f"gaps {events} {timeout} {path}", timeout)

    def repeat(self, path: str, events: int, timeout: float, seconds: float) -> Figures:
        """The same again and again for so many seconds, each as soon as the last is complete."""
        return self._obeyed(f"repeat {events} {timeout} {path} {seconds}", timeout + seconds)

    def watch(self, events: int, timeout: float) -> Callable[[], Figures]:
        """Count from now on what arrives without asking; what this returns waits for the figures.

        Another server is what makes this one send.
        """
        server_before = self._server.cpu_seconds()
        self._tell(f"watch {events} {timeout}")
        self._answer(10)
        return lambda: self._counted(timeout, server_before)

    def _obeyed(self, command: str, timeout: float) -> Figures:
        server_before = self._server.cpu_seconds()
        self._tell(command)
        figures = self._counted(timeout, server_before)
        if figures["trigger_status"] not in (0, 200):
            raise BenchError(
                f"{command!r}: the server answered {figures['trigger_status']} "
                f"(see {self._server.log})"
            )
        return figures

    def _tell(self, command: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(command + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise BenchError(f"the stream client ended before {command!r}") from None

    def _counted(self, timeout: float, server_before: float) -> Figures:
        figures = self._answer(timeout + 10)
        used, seconds = self._server.cpu_seconds() - server_before, figures["seconds"]
        figures["server_cpu_seconds"] = used
        figures["server_cpu"] = used / seconds if seconds else 0.0
        figures["lost"] = figures["expected"] - figures["deliveries"]
        figures["deliveries_s"] = figures["deliveries"] / seconds if seconds else 0.0
        return figures

    def _answer(self, timeout: float) -> Figures:
        """Return the client's next line; the client is killed if it takes too long."""
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        limit = threading.Timer(timeout, self._process.kill)
        limit.start()
        try:
            line = self._process.stdout.readline()
        finally:
            limit.cancel()
        if not line:
            raise BenchError(f"the stream client ended: {self._process.stderr.read().strip()}")
        figures: Figures = json.loads(line)
        return figures
