"""Server: the rooms of one server, and the order in which they start and stop.

It is a directory: rooms are built here, each from the two or three things it needs, and found by
their type. A restart builds a new Server; nothing of the old one is left.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from contextvars import copy_context
from threading import RLock
from typing import Any, TypeVar, cast

from pode_py.background.duty import Duty
from pode_py.background.schedules.service import Schedules
from pode_py.background.ticker import Ticker
from pode_py.background.timers.service import Timers
from pode_py.core.ambient import bind_server
from pode_py.core.clock import Clock
from pode_py.core.errors import PodeError, StartError
from pode_py.core.handlers import Declarations
from pode_py.core.loop import EventLoop
from pode_py.core.paths import Folders
from pode_py.core.workers import WorkerPool
from pode_py.engine.certificates import server_context
from pode_py.engine.listener import Listener, ListenerSettings, close_sockets
from pode_py.engine.port import EnginePort
from pode_py.exchange.fan_out import Numbers
from pode_py.exchange.outbox import Outbox
from pode_py.observability.logs.logs import Logs
from pode_py.observability.metrics.metrics import Metrics
from pode_py.push.sse.hub import SseHub
from pode_py.push.sse.identify import identify
from pode_py.push.sse.watchers import Watchers
from pode_py.server.addresses import listener_settings
from pode_py.server.engines import make_engine
from pode_py.server.figures import background_figures, engine_figures
from pode_py.server.info import ServerInfo
from pode_py.server.options import ServerOptions
from pode_py.server.patience import Patience
from pode_py.server.states import ServerState
from pode_py.web.endpoints.endpoints import Endpoints
from pode_py.web.pipeline import Pipeline
from pode_py.web.rooms import WebRooms
from pode_py.web.routing.router import Router

Room = TypeVar("Room")

#: Gives listeners the sockets that are open for them already.
Provide = Callable[[Sequence[ListenerSettings]], Sequence[ListenerSettings]]

# What the last steps get when the grace time is over, or somebody is in a hurry: streams still
# get their farewell, and logs their last lines. Together they take about a second.
_FAREWELL = 0.5
_LAST_WORDS = 0.25
_LAST_LINES = 1.0
# How long idle connections may send one more request to a server that is replaced.
_LAST_REQUESTS = 1.0


class Server:
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
        self.options = options
        self._provide = provide
        self.clock = clock or Clock()
        self.context = copy_context()
        self.context.run(bind_server, self)
        earlier = None if before is None else before.metrics
        self.metrics: Metrics = Metrics(self.clock, before=earlier)
        self.info = ServerInfo(options, self.metrics.restarts)
        # Whether another process serves on the same sockets from now on.
        self.replaced = False
        self._rooms: dict[type, object] = {}
        self._build()

    def room(self, kind: type[Room]) -> Room:
        """The room of this type. Raises PodeError if this server has none."""
        try:
            return cast("Room", self._rooms[kind])
        except KeyError:
            raise PodeError(f"This server has no {kind.__name__}.") from None

    def set_up(self, handler: Callable[[], Any]) -> None:
        """Run the user's set-up handler as the current server. Raises what it raises."""
        result = self.context.run(handler)
        if inspect.iscoroutine(result):
            self.context.run(self._loop.run, result)
        self.context.run(self._declarations.check)

    def rehearse(self, old: Server) -> None:
        """Raise StartError for what would keep `start` from listening once `old` has ended."""
        taken = {binding.port for binding in old.room(Endpoints).bindings()}
        listeners = self._provide(self._listeners())
        try:
            for wanted in listeners:
                if wanted.sockets or wanted.port not in taken:
                    listener = Listener(wanted)
                    listener.open()
                    listener.close()
                elif wanted.tls is not None:
                    server_context(wanted.tls, wanted.addresses)
        finally:
            close_sockets(listeners)

    def start(self) -> None:
        """Listen, then let timers and schedules go. Raises StartError."""
        self.listen()
        self.begin()

    def listen(self) -> None:
        """Serve requests. Raises StartError."""
        if self._hub.backplane is not None:
            self._hub.backplane.start()
        listeners = self.engine.start(self._provide(self._listeners()))
        self.ports = [listener.port for listener in listeners]
        self.info.started_at = self.clock.now()
        self.metrics.mark_started()
        self.info.state = ServerState.RUNNING

    def begin(self) -> None:
        """Let timers and schedules go."""
        self.context.copy().run(self._start_background)

    def stop(
        self, grace: float | None = None, *, hurried: Callable[[], bool] = lambda: False
    ) -> None:
        """Stop within the grace time, and about a second for farewells.

        Once `hurried` says so nothing is waited for but these. When it is `replaced`, another
        serves in its place already: clients of idle connections may send one more request.
        """
        if self.info.state is ServerState.TERMINATED:
            return
        if self.info.state is not ServerState.RESTARTING:
            self.info.state = ServerState.TERMINATING
        patience = Patience(self.options.grace if grace is None else grace, hurried)
        # A stack, so that a step that fails leaves none of the others out.
        with ExitStack() as stack:
            stack.callback(setattr, self.info, "state", ServerState.TERMINATED)
            for step in reversed(self._stop_steps(patience)):
                stack.callback(step)

    def report(self, error: BaseException | str, where: str) -> None:
        """Log an error that belongs to no request."""
        self._logs.write_exception(error, where=where)

    def report_timer(self, error: BaseException | str, where: str) -> None:
        """Log a timer's error, or in words that a run was skipped: odd, but no failure."""
        if isinstance(error, str):
            self.warn(error, where)
        else:
            self.report(error, where)

    def warn(self, text: str, where: str) -> None:
        """Log something odd that harmed nobody."""
        self._logs.write_exception(text, where=where, level="warning")

    def _stop_steps(self, patience: Patience) -> list[Callable[[], object]]:
        return [
            self.engine.stop_listening,
            lambda: self._ticker.stop(min(patience.left, 1.0)),
            lambda: self._take_last_requests(patience),
            self.engine.stop_accepting,
            lambda: patience.wait(self.engine.wait_handlers),
            lambda: patience.wait(self._timers.stop),
            lambda: patience.wait(self._schedules.stop),
            self._cancel_late_handlers,
            self._hub.close_all,
            self._hub.close_locals,
            lambda: patience.wait(self.engine.drain, _FAREWELL),
            lambda: patience.wait(self._stop_backplane, _FAREWELL),
            lambda: patience.wait(self._events.drain, _LAST_WORDS),
            lambda: self.engine.stop(_LAST_WORDS),
            # Custom log methods may be async: their last lines are written while the loop runs.
            lambda: patience.wait(self._logs.flush, _LAST_LINES),
            lambda: self._loop.stop(_LAST_WORDS),
            lambda: patience.wait(self._logs.stop, _LAST_LINES),
        ]

    def _take_last_requests(self, patience: Patience) -> None:
        if self.replaced:
            patience.wait(lambda left: self.engine.wait_last_requests(min(left, _LAST_REQUESTS)))

    def _stop_backplane(self, timeout: float) -> bool:
        backplane = self._hub.backplane
        return backplane is None or backplane.stop(timeout)

    def _cancel_late_handlers(self) -> None:
        """Async handlers can be ended from outside; their clients still get an answer."""
        if self._loop.cancel():
            self.engine.wait_handlers(_LAST_WORDS)

    def _listeners(self) -> list[ListenerSettings]:
        settings = listener_settings(
            self.room(Endpoints), self.room(Folders), free_ports=self.options.free_ports
        )
        if self.options.engine == "asgi":  # another server listens
            return settings
        if not settings and self.room(Router).select(None, None):
            raise StartError(
                "There are routes but no endpoint to reach them. Call add_endpoint, for example "
                'add_endpoint(address="localhost", port=8080, protocol="http").'
            )
        return settings

    def _start_background(self) -> None:
        self._ticker.start()
        self._timers.start()
        self._schedules.start()

    def _build(self) -> None:
        clock, context, options = self.clock, self.context, self.options
        folders = Folders(options.root)
        lockable = RLock()
        self._loop = EventLoop()
        self._declarations = Declarations()
        self._logs = Logs(clock, context, folders, self._loop)
        self._ticker = Ticker(clock, self.report)
        self._duty = Duty()
        self._timers = Timers(
            clock, self._ticker, context, self._loop, self.report_timer, lockable, duty=self._duty
        )
        self._schedules = Schedules(
            clock, self._ticker, context, self._loop, self.report, lockable, duty=self._duty
        )
        self._events = WorkerPool(
            "events", 1, context, lambda error: self.report(error, "An event's handler")
        )
        self._hub = self._make_hub(Watchers(clock, self._events, self._loop, self.report, lockable))
        self._ticker.register(self._hub.ages)
        web = WebRooms.create(folders, clock, show_exceptions=options.show_exceptions)
        self.pipeline = Pipeline(web, self._logs, self._loop, self.metrics.requests)
        self.pipeline.before_handler.append(lambda event: identify(self._hub, event))
        self.engine: EnginePort = make_engine(
            options,
            self.pipeline,
            clock=clock,
            context=context,
            report=self.report,
            loop=self._loop,
        )
        self._move_in(folders, self.info, self._declarations, self._loop, self._logs, self._hub)
        self._move_in(self.metrics, self._duty, self._timers, self._schedules, *vars(web).values())
        self._show_figures()

    def _make_hub(self, watchers: Watchers) -> SseHub:
        return SseHub(
            self.clock,
            watchers,
            warn=self.warn,
            poke_ticker=self._ticker.poke,
            run_soon=self._run_soon,
            deliver=self._deliver,
            is_io_thread=self._is_io_thread,
        )

    # The hub is built before the engine, which is built from the pipeline over it.

    def _run_soon(self, job: Callable[[], None]) -> None:
        self.engine.run_soon(job)

    def _is_io_thread(self) -> bool:
        return self.engine.is_io_thread()

    def _deliver(self, frames: Sequence[bytes], outboxes: Sequence[Outbox]) -> Numbers:
        return self.engine.deliver(frames, outboxes)

    def _show_figures(self) -> None:
        self.metrics.queued = lambda: self.engine.waiting
        self.metrics.add_source(lambda: engine_figures(self.engine))
        self.metrics.add_source(self._hub.counters.figures)
        self.metrics.add_source(lambda: background_figures(self._timers, self._schedules))

    def _move_in(self, *rooms: object) -> None:
        self._rooms.update({type(room): room for room in rooms})
