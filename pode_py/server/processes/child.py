"""WorkerLife: the life of one worker process, from the set-up to its end.

It starts and stops when its parent says so, and ends when its parent is gone. Ctrl+C reaches all
processes of a terminal, and a service manager may send SIGTERM to all of them: here the first
does nothing and the other means "stop" however often it comes. What a second one means is the
parent's to decide.
"""

from __future__ import annotations

import select
import signal
import sys
import threading
import webbrowser
from collections.abc import Callable
from typing import Any

from pode_py.background.primary import Primary
from pode_py.core import ambient
from pode_py.core.errors import StartError
from pode_py.core.tracebacks import users_part
from pode_py.observability.metrics.metric import Metric
from pode_py.server.console.screen import banner
from pode_py.server.events import ServerEvents
from pode_py.server.info import ServerState, StopKind
from pode_py.server.lifecycle import quick_switching
from pode_py.server.options import ServerOptions
from pode_py.server.processes.channel import ParentChannel, WorkerSpec
from pode_py.server.processes.streams import check_streams
from pode_py.server.server import Server
from pode_py.server.signals import Signals
from pode_py.web.endpoints.endpoints import Endpoints

# Beyond the grace time, for the worker that hands timers and schedules over. It is killed before.
_HANDOVER = 10.0


class WorkerLife:
    """One server, on the main thread of a process of its own."""

    def __init__(
        self,
        options: ServerOptions,
        handler: Callable[[], Any],
        parent: ParentChannel,
        spec: WorkerSpec,
    ) -> None:
        self._options = options
        self._handler = handler
        self._parent = parent
        self._spec = spec
        self._is_primary = spec.number == 0
        self._signals = Signals(ignore_interrupt=True, also=(signal.SIGHUP,))

    def run(self, unblock: Callable[[], None]) -> int:
        """Until it is to end. Returns the exit code. `unblock` lets signals in."""
        with self._signals, quick_switching():
            unblock()
            try:
                self._live(self._make())
            except StartError as error:
                self._parent.fail(str(error))
                return 1
            except SystemExit as error:  # the user's set-up, or SIGTERM while it ran
                code = _exit_code(error)
                if not self._signals.stop:
                    self._parent.fail("", code)
                return code
            except BaseException as error:  # noqa: BLE001 - it can't get out of start_server
                sys.excepthook(type(error), error, users_part(error))
                self._parent.fail("")
                return 1
        return 0

    def _make(self) -> Server:
        server = Server(self._options, provide=self._parent.provide)
        server.metrics.restarts = server.info.restarts = self._spec.restarts
        server.info.default_secret = self._spec.secret
        server.info.worker_number = self._spec.number
        server.metrics.add_source(lambda: [_number_metric(self._spec.number)])
        server.room(Primary).ask(lambda: self._is_primary)
        return server

    def _live(self, server: Server) -> None:
        ambient.set_running(server)
        try:
            self._set_up(server)
            if server.info.stop_requested:
                self._parent.notify("request", request="stop")
                return
            if not self._must_stop():
                self._start(server)
            while not self._must_stop():
                self._sleep()
            self._end(server)
        except Exception as error:
            server.crash(error)
            raise
        finally:
            server.stop(0.0)  # does nothing, unless one of the steps above has failed
            ambient.clear_running(server)

    def _set_up(self, server: Server) -> None:
        try:
            self._signals.raising = True
            server.set_up(self._handler)
        finally:
            self._signals.raising = False
        check_streams(server)

    def _start(self, server: Server) -> None:
        server.info.listen(self._on_request)
        server.listen()
        self._parent.notify("serving", banner=banner(server, self._spec.parent))
        if self._spec.awaits_primary:
            self._parent.wait(
                lambda: self._parent.is_primary or self._must_stop(),
                self._options.grace + _HANDOVER,
            )
        server.begin()
        first = server.room(Endpoints).default()
        is_first = self._spec.first and self._spec.number == 0
        if self._options.browse and first is not None and is_first:
            server.room(ServerEvents).fire("browser")
            threading.Thread(target=webbrowser.open, args=(first.url,), daemon=True).start()

    def _end(self, server: Server) -> None:
        if self._parent.must_leave:
            # At once: the other one waits for it, and no run must be missed or come twice.
            self._is_primary = False
            self._parent.notify("resigned")
            server.info.state = ServerState.RESTARTING
            server.info.replaced = True
        server.stop(hurried=self._in_hurry)

    def _must_stop(self) -> bool:
        return self._signals.stop or self._parent.must_leave or self._parent.orphaned

    def _in_hurry(self) -> bool:
        self._parent.read()
        return self._parent.in_hurry

    def _on_request(self, request: StopKind) -> None:
        self._parent.notify("request", request=request)

    def _sleep(self) -> None:
        # The flags are looked at after the bytes are cleared: none can be missed.
        poller = select.poll()
        for source in (self._parent, self._signals):
            poller.register(source, select.POLLIN)
        poller.poll()
        self._signals.clear()
        self._parent.read()


def _number_metric(number: int) -> Metric:
    about = "Which of the worker processes these figures are of."
    return Metric("gauge", "pode_worker_number", about, number)


def _exit_code(error: SystemExit) -> int:
    """As Python does it: a text goes to standard error, and means 1."""
    if error.code is None or isinstance(error.code, int):
        return error.code or 0
    print(error.code, file=sys.stderr)
    return 1
