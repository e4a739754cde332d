"""Server: a directory of rooms that are found by their type, and the life of all of them.

Which rooms there are, and when each starts and stops, is said in rooms.py. A restart builds a new
Server; nothing of the old one is left.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from dataclasses import asdict
from threading import RLock
from types import FunctionType
from typing import Any

from pode_py.background.schedules.service import Schedules
from pode_py.background.timers.service import Timers
from pode_py.core.ambient import bind_server
from pode_py.core.calls import Calls, steps
from pode_py.core.clock import Clock
from pode_py.core.errors import StartError
from pode_py.core.handlers import Handler, describe
from pode_py.core.loop import EventLoop
from pode_py.core.notes import add_note
from pode_py.core.paths import Folders
from pode_py.core.runtime import Runtime
from pode_py.engine.listener import ListenerSettings
from pode_py.observability.logs.logs import Logs
from pode_py.observability.metrics.metrics import Metrics
from pode_py.server.configuration.restarts import add_restarts
from pode_py.server.directory import RoomDirectory
from pode_py.server.events import ServerEvents
from pode_py.server.info import ServerInfo, ServerState
from pode_py.server.options import ServerOptions
from pode_py.server.phases import Start, Stop
from pode_py.server.rooms import furnish
from pode_py.server.shutdown import GracePeriod
from pode_py.server.startup import Provide, check_reachable, listener_settings, rehearse
from pode_py.web.endpoints.endpoints import Endpoints
from pode_py.web.routing.router import Router

# Seconds that handlers of a crash get.
_CRASH = 5.0


class Server(RoomDirectory):
    """Set it up, start it, stop it; once each, from one thread.

    `before` is the server whose place it takes. `provide` knows sockets that listen already.
    """

    def __init__(
        self,
        options: ServerOptions,
        *,
        clock: Clock | None = None,
        before: Server | None = None,
        provide: Provide = list,
    ) -> None:
        self.clock = clock or Clock()
        super().__init__(Metrics(self.clock, before=None if before is None else before.metrics))
        self.options = options
        self._provide = provide
        self.context = copy_context()
        self.context.run(bind_server, self)
        self.info = self.add(ServerInfo(options, self.metrics.restarts))
        self._calls = self.add(
            Calls(self.add(EventLoop(self._warn_of_loop, self.report), stop=Stop.LOOP))
        )
        runtime = Runtime(
            clock=self.clock,
            folders=self.add(Folders(options.root, asdict(options.settings.folders))),
            calls=self._calls,
            context=self.context,
            report=self.report,
            warn=self.warn,
            lockable=RLock(),
        )
        self.runner, self.engine = furnish(self, runtime, options)

    def set_up(self, handler: Callable[[], Any]) -> None:
        """Run the user's set-up handler as the current server. Raises what it raises."""
        call = steps(Handler(handler, what="start_server"), None)
        try:
            value = self._calls.run(call, self.context)
        except BaseException as error:
            add_note(error)
            raise
        routes, endpoints = self.room(Router).select(None, None), self.room(Endpoints).all()
        if isinstance(value, FunctionType) and not routes and not endpoints:
            raise StartError(
                f"The function that start_server got returned `{describe(value)}`. It was never "
                f"called: write start_server({value.__name__})."
            )
        if self.info.worker_number == 0:
            self._follow_configuration()
        self.context.run(self.check_rooms)

    def rehearse(self, old: Server) -> None:
        """Raise StartError for what would keep `start` from listening once `old` has ended."""
        taken = {binding.port for binding in old.room(Endpoints).bindings()}
        rehearse(self._provide(self._listeners()), taken)

    def start(self) -> None:
        """Listen, then let timers and schedules go. Raises StartError."""
        self.listen()
        self.begin()

    def listen(self) -> None:
        """Serve requests. Raises StartError."""
        events = self.room(ServerEvents)
        events.fire("starting")
        events.fire("start")
        self.start_rooms(Start.NODES)
        listeners = self.engine.start(self._provide(self._listeners()))
        self.start_rooms(Start.LISTEN)
        self.ports = [listener.port for listener in listeners]
        self.info.started_at = self.clock.now()
        self.metrics.mark_started()
        self.info.state = ServerState.RUNNING

    def begin(self) -> None:
        """Let timers and schedules go."""
        self.context.copy().run(self.start_rooms, Start.BACKGROUND)
        self.room(ServerEvents).fire_running()

    def crash(self, error: BaseException) -> None:
        """It could not start, or has failed: let the handlers of that know, before `stop`."""
        events = self.room(ServerEvents)
        GracePeriod(_CRASH, lambda: False).wait(lambda _: events.fire_crash(error))

    def stop(
        self, grace: float | None = None, *, hurried: Callable[[], bool] = lambda: False
    ) -> None:
        """Stop within the grace time, and about a second for last events and lines.

        Once `hurried` says so nothing is waited for but these. If another process serves in its
        place, clients of idle connections may send one more request.
        """
        if self.info.state is ServerState.TERMINATED:
            return
        if self.info.state is not ServerState.RESTARTING:
            self.info.state = ServerState.TERMINATING
        try:
            self.stop_rooms(GracePeriod(self.options.grace if grace is None else grace, hurried))
        finally:
            self.info.state = ServerState.TERMINATED

    def report(self, error: BaseException | str, where: str) -> None:
        """Log an error that belongs to no request."""
        self.room(Logs).write_exception(error, where=where)

    def warn(self, text: BaseException | str, where: str) -> None:
        """Log something odd that harmed nobody."""
        self.room(Logs).write_exception(text, where=where, level="warning")

    def _warn_of_loop(self, text: str) -> None:
        self.warn(text, "event loop")

    def _follow_configuration(self) -> None:
        """What of the configuration is nobody else's. One worker process does it for all."""
        options = self.options
        for remark in options.configuration.remarks:
            self.warn(remark, "configuration")
        if options.settings.allow_restart:
            add_restarts(
                options.settings.restart,
                options.configuration,
                self.room(Timers),
                self.room(Schedules),
                self.info.request_restart,
            )

    def _listeners(self) -> list[ListenerSettings]:
        free_ports = self.options.free_ports
        settings = listener_settings(
            self.room(Endpoints),
            self.room(Folders),
            free_ports=free_ports,
            protocols=self.options.settings.ssl_protocols,
        )
        if self.options.engine != "asgi":  # there another server listens
            check_reachable(settings, self.room(Router))
        return settings
