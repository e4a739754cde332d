"""Lifecycle: runs a server on the thread of start_server until somebody wants it to end.

Signals and requests are flags, and a byte that wakes this thread; it alone acts on them, between
two steps. A restart sets the new server up while the old one still serves: the old one ends only
if that succeeded.
"""

from __future__ import annotations

import select
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from pode_py.core import ambient
from pode_py.core.errors import StartError
from pode_py.core.tracebacks import users_part
from pode_py.engine.h11.poller import Waker
from pode_py.server.console.screen import banner, say
from pode_py.server.events import ServerEvents
from pode_py.server.info import ServerState, StopKind
from pode_py.server.leftover_threads import watch_leftover_threads
from pode_py.server.options import ServerOptions
from pode_py.server.server import Server
from pode_py.server.shutdown import exit_of
from pode_py.server.signals import Signals
from pode_py.server.systemd import Inherited, Notifier
from pode_py.web.endpoints.endpoints import Endpoints

# How long one thread may keep the interpreter while others wait for it. Python's default is 5 ms. A
# request gives the interpreter up at each of its system calls; with a handler that computes next to
# it, it would wait that long each time to get it back. Measured on two cores, 1,000 requests a
# second next to a handler that computes: with 5 ms requests pile up and wait for half a second and
# more, with 1 ms the 99th percentile is 25 ms, with 0.2 ms it is 3.2 times what it is without that
# handler, with 0.1 ms 1.4 to 1.9 times. Threads that only compute lose nothing that could be
# measured.
_PYTHONS_OWN = 0.005
_OURS = 0.0001


class Lifecycle:
    """One start_server call: one server after another, until one stops permanently.

    `read_options` is asked for those of each that follows: the configuration may have changed.
    """

    def __init__(
        self,
        options: ServerOptions,
        handler: Callable[[], Any],
        read_options: Callable[[], ServerOptions],
    ) -> None:
        self._inherited = Inherited()  # before anything else takes the descriptors
        self._options = options
        self._handler = handler
        self._read_options = read_options
        self._waker = Waker()
        self._signals = Signals(ignore_interrupt=options.disable_termination)
        self._notifier = Notifier()

    def run(self) -> None:
        """Returns when the server has stopped. Raises SystemExit if it can't start."""
        try:
            with (
                closing(self._waker),
                self._signals,
                closing(self._inherited),
                quick_switching(),
            ):
                server: Server | None = Server(self._options, provide=self._inherited.provide)
                while server is not None:
                    server = self._live(server)
            watch_leftover_threads()
        except StartError as error:
            raise exit_of(error) from error
        except BaseException as error:  # the set-up's: its traceback goes on with the user's frame
            error.__traceback__ = users_part(error)
            raise

    def _live(self, server: Server) -> Server | None:
        """A server from its set-up, or its start, to its end. Returns the one that follows it."""
        self._options = server.options
        ambient.set_running(server)
        try:
            if not server.info.restarts:
                self._set_up(server)
            if self._must_stop(server):
                return None
            self._start(server)
            return self._serve(server)
        except Exception as error:
            server.crash(error)
            raise
        finally:
            server.stop(0.0)  # does nothing, unless one of the steps above has failed
            ambient.clear_running(server)

    def _set_up(self, server: Server) -> None:
        # The user's code may take any time, and looks at no flag: here a Ctrl+C raises.
        try:
            self._signals.raising = True
            server.set_up(self._handler)
        finally:
            self._signals.raising = False

    def _start(self, server: Server) -> None:
        server.info.listen(self._on_request)
        server.start()
        self._tell(banner(server))
        self._notifier.ready()
        first = server.room(Endpoints).default()
        if self._options.browse and first is not None and not server.info.restarts:
            server.room(ServerEvents).fire("browser")
            # A browser that works in the terminal returns when it is left.
            threading.Thread(target=webbrowser.open, args=(first.url,), daemon=True).start()

    def _serve(self, server: Server) -> Server | None:
        """Until a stop, or until a restart whose new server could be set up."""
        while not self._must_stop(server):
            if not server.info.restart_requested:
                self._sleep()
                continue
            server.info.restart_requested = False
            successor = self._successor(server)
            if successor is not None:
                server.stop(hurried=self._in_hurry)
                if not self._must_stop(server):
                    return successor
                successor.stop(0.0)
        self._signals.expect_hurry()
        self._notifier.stopping()
        self._tell("Stopping. Press Ctrl+C again to stop at once.")
        server.stop(hurried=self._in_hurry)
        self._tell("Stopped.")
        return None

    def _successor(self, server: Server) -> Server | None:
        """The server that will take this one's place; None if it can't be set up."""
        self._tell("Restarting.")
        self._notifier.reloading()
        server.info.state = ServerState.RESTARTING
        successor = None
        try:
            options = self._read_options().following(self._options)
            successor = Server(options, before=server, provide=self._inherited.provide)
            self._set_up(successor)
            successor.rehearse(server)
        except BaseException as error:  # noqa: BLE001 - what runs is better than nothing
            self._signals.raising = False
            if successor is not None:
                successor.stop(0.0)
            server.info.state = ServerState.RUNNING
            self._notifier.ready()
            if not self._signals.stop:
                what = str(error) if isinstance(error, StartError) else error
                server.report(what, "restart_server; the old server goes on")
            return None
        return successor

    def _must_stop(self, server: Server) -> bool:
        return self._signals.stop or server.info.stop_requested

    def _in_hurry(self) -> bool:
        return self._signals.at_once

    def _on_request(self, request: StopKind) -> None:
        del request  # its flag is up
        self._waker.wake()

    def _sleep(self) -> None:
        # The flags are looked at after the bytes are cleared: none can be missed. Not select,
        # whose descriptors end at 1023.
        poller = select.poll()
        for source in (self._waker, self._signals):
            poller.register(source, select.POLLIN)
        poller.poll()
        self._waker.clear()
        self._signals.clear()

    def _tell(self, text: str) -> None:
        if not self._options.quiet:
            say(text)


@contextmanager
def quick_switching() -> Iterator[None]:
    """Let threads take turns quickly meanwhile. An interval that the user has set stays."""
    before = sys.getswitchinterval()
    if abs(before - _PYTHONS_OWN) > _PYTHONS_OWN / 100:
        yield
        return
    sys.setswitchinterval(_OURS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
