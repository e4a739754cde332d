"""Lifecycle: runs a server on the main thread until somebody wants it to end.

Signal handlers set a flag and nothing else; a pipe wakes the main thread. A second Ctrl+C or
SIGTERM raises KeyboardInterrupt in it, which Server.stop takes as "at once".
"""

from __future__ import annotations

import contextlib
import select
import signal
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from pode_py.core import ambient
from pode_py.core.errors import StartError
from pode_py.engine.poller import Waker
from pode_py.server.banner import banner
from pode_py.server.info import Wish
from pode_py.server.options import ServerOptions
from pode_py.server.server import Server
from pode_py.server.states import ServerState
from pode_py.web.endpoints.endpoints import Endpoints


class Lifecycle:
    """One start_server call: one server after another, until one stops for good."""

    def __init__(self, options: ServerOptions, handler: Callable[[], Any]) -> None:
        self._options = options
        self._handler = handler
        self._waker = Waker()
        self._wish: Wish | None = None

    def run(self) -> None:
        """Returns when the server has stopped. Raises SystemExit if it can't start."""
        with contextlib.closing(self._waker), self._signals():
            server = self._new(0)
            while True:
                self._run_one(server)
                if server.info.state is not ServerState.RESTARTING:
                    return
                server = self._next

    def _new(self, restarts: int) -> Server:
        server = Server(self._options, restarts=restarts)
        try:
            server.set_up(self._handler)
        except StartError as error:
            raise SystemExit(f"pode_py: {error}") from error
        except BaseException:
            server.stop(0.0)
            raise
        return server

    def _run_one(self, server: Server) -> None:
        ambient.set_running(server)
        try:
            self._start(server)
            self._wait(server)
        finally:
            ambient.clear_running(server)

    def _start(self, server: Server) -> None:
        server.info.listen(self._ask)
        try:
            server.start()
        except StartError as error:
            server.stop(0.0)
            raise SystemExit(f"pode_py: {error}") from error
        if not self._options.quiet:
            _say(banner(server))
        first = server.room(Endpoints).default()
        if self._options.browse and first is not None:
            webbrowser.open(first.url)

    def _wait(self, server: Server) -> None:
        """Until a stop; or until a restart whose new server could be set up."""
        while True:
            wish = self._next_wish()
            if wish == "stop":
                self._say_short("Stopping. Press Ctrl+C again to stop at once.")
                server.stop()
                self._say_short("Stopped.")
                return
            self._say_short("Restarting.")
            try:
                self._next = self._new(server.info.restarts + 1)
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt):
                    raise
                # What runs is better than nothing: the next restart may find the file mended.
                server.report(error, "restart_server; the old server goes on")
                continue
            server.stop()
            server.info.state = ServerState.RESTARTING
            return

    def _ask(self, wish: Wish) -> None:
        # A stop is not overruled by a restart.
        if self._wish != "stop":
            self._wish = wish
        self._waker.wake()

    def _next_wish(self) -> Wish:
        while self._wish is None:
            select.select([self._waker.reading], [], [])
            self._waker.clear()
        wish, self._wish = self._wish, None
        self._stopping = wish == "stop"
        return wish

    _stopping = False

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """Take SIGINT and SIGTERM, if this is the main thread, and give them back at the end."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        previous = {}
        for number in (signal.SIGINT, signal.SIGTERM):
            # A shell without job control starts background jobs with SIGINT ignored: a Ctrl+C
            # meant for another program must not end this one.
            if signal.getsignal(number) is not signal.SIG_IGN:
                previous[number] = signal.signal(number, self._on_signal)
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del frame
        if number == signal.SIGINT and self._options.disable_termination:
            return
        if self._stopping:
            raise KeyboardInterrupt
        self._ask("stop")

    def _say_short(self, text: str) -> None:
        if not self._options.quiet:
            _say(text)


def _say(text: str) -> None:
    # No standard output, or a closed one, is no reason to stop serving.
    with contextlib.suppress(OSError, ValueError, AttributeError):
        print(text, file=sys.stdout, flush=True)
