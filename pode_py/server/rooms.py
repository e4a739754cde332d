"""Rooms: all rooms of a server, in the order in which they are built. Only server.py imports it.

A room gets what it needs of the rooms above it, and never the server.
"""

from __future__ import annotations

from pode_py.background.primary import Primary
from pode_py.background.schedules.service import Schedules
from pode_py.background.ticker import Ticker
from pode_py.background.timers.service import Timers
from pode_py.core.loop import EventLoop
from pode_py.core.registration import WaitingRegistrations
from pode_py.core.runtime import Runtime
from pode_py.core.thread_pool import ThreadPool
from pode_py.engine.asgi.engine import AsgiEngine
from pode_py.engine.asgi.uvicorn import UvicornEngine
from pode_py.engine.h11.engine import Engine
from pode_py.engine.options import EngineOptions
from pode_py.engine.port import EnginePort, Refused, Report
from pode_py.exchange.runner import Runner
from pode_py.observability.logs.logs import Logs
from pode_py.observability.logs.masking import DEFAULT_MASK, Masking
from pode_py.observability.metrics.metric import Metric
from pode_py.push.connections.events import ConnectionEvents
from pode_py.push.sse.hub import SseHub
from pode_py.server.directory import RoomDirectory
from pode_py.server.events import ServerEvents
from pode_py.server.info import ServerInfo
from pode_py.server.options import ServerOptions
from pode_py.server.phases import Start, Stop
from pode_py.server.shutdown import cut_off
from pode_py.web.bodies.bodies import Bodies
from pode_py.web.deadlines import AnswerDeadlines
from pode_py.web.errors.pages import ErrorPages
from pode_py.web.pipeline import Pipeline
from pode_py.web.places import Places
from pode_py.web.remarks import remarks
from pode_py.web.rooms import WebRooms

# How long idle connections may send one more request to a server that is replaced.
_LAST_REQUESTS = 1.0


def furnish(
    server: RoomDirectory, runtime: Runtime, options: ServerOptions
) -> tuple[Runner, EnginePort]:
    """Build all rooms. The engine is started by the server, which knows where it listens."""
    add, loop = server.add, server.room(EventLoop)
    add(WaitingRegistrations())
    add(options.configuration)
    logs = add(_make_logs(options, runtime), stop=Stop.LOGS)
    server.at_stop(Stop.LINES, logs.flush)
    server.at_stop(Stop.TERMINATE, add(ServerEvents(runtime, server.room(ServerInfo))).fire_end)
    ticker = add(Ticker(runtime), start=Start.BACKGROUND, stop=Stop.TICKER)
    primary = add(Primary())
    add(Timers(runtime, ticker, primary), start=Start.BACKGROUND, stop=Stop.RUNS)
    add(Schedules(runtime, ticker, primary), start=Start.BACKGROUND, stop=Stop.RUNS)
    web = WebRooms.create(runtime, show_exceptions=options.show_exceptions)
    for room in vars(web).values():
        add(room)
    server.at_start(Start.LISTEN, web.endpoints.fix)
    server.at_start(Start.LISTEN, web.proxies.watch)
    server.at_start(Start.LISTEN, lambda: _say_remarks(server, web, runtime))
    _follow_error_pages(options, web.error_pages)
    _follow_bodies(options, web.bodies)
    deadlines = AnswerDeadlines(runtime, web, ticker.wake, options.handler_timeout)
    add(deadlines, stop=Stop.LATE)
    ticker.register(deadlines)
    pipeline = Pipeline(web, logs, loop, server.metrics.requests, deadlines)
    runner = Runner(pipeline.serve, loop, runtime.context, runtime.report)
    engine = _make_engine(options, pipeline, runner, runtime, loop, refused=logs.write_refusal)
    _stop_engine(server, engine, runner, runtime.report)
    _add_hub(server, runtime, ticker, engine)
    server.metrics.queued = lambda: engine.waiting
    server.metrics.add_source(lambda: [_connections(engine)])
    return runner, engine


def _say_remarks(server: RoomDirectory, web: WebRooms, runtime: Runtime) -> None:
    """What can't be meant of the set-up. One worker process says it for all."""
    if server.room(ServerInfo).worker_number == 0:
        for remark in remarks(web):
            runtime.warn(remark, "set-up")


def _follow_error_pages(options: ServerOptions, pages: ErrorPages) -> None:
    wanted = options.settings.web.error_pages
    try:
        pages.set_defaults(wanted.default, dict(wanted.routes), None, wanted.strict_content_typing)
    except ValueError as error:
        raise options.configuration.error("Web.ErrorPages", f"can't be used. {error}") from None


def _follow_bodies(options: ServerOptions, bodies: Bodies) -> None:
    wanted = options.settings.web.content_type
    if wanted.default is None and not wanted.routes:
        return
    try:
        bodies.set_defaults(wanted.default, dict(wanted.routes))
    except ValueError as error:
        raise options.configuration.error("Web.ContentType", f"can't be used. {error}") from None


def _make_logs(options: ServerOptions, runtime: Runtime) -> Logs:
    wanted = options.settings.logging
    try:
        masking = Masking.of(wanted.patterns, wanted.mask or DEFAULT_MASK)
    except ValueError as error:
        raise options.configuration.error(
            "Server.Logging.Masking.Patterns", f"can't be used. {error}"
        ) from None
    return Logs(runtime, enabled=wanted.enable, masking=masking)


def _stop_engine(server: RoomDirectory, engine: EnginePort, runner: Runner, report: Report) -> None:
    """An engine stops in many steps."""
    info, loop = server.room(ServerInfo), server.room(EventLoop)

    def end_requests(timeout: float) -> None:
        if info.replaced:
            engine.wait_last_requests(min(timeout, _LAST_REQUESTS))
        engine.stop_accepting()

    def cancel_late(timeout: float) -> None:
        cut = engine.unfinished
        if cut:
            report(cut_off(cut), "Stop")
        # Async handlers can be ended from outside; their clients still get an answer.
        if loop.cancel():
            runner.wait_idle(timeout)
            engine.wait_handlers(timeout)

    server.at_stop(Stop.LISTENING, lambda _: engine.stop_listening())
    server.at_stop(Stop.REQUESTS, end_requests)
    server.at_stop(Stop.REQUESTS, engine.wait_handlers)
    server.at_stop(Stop.REQUESTS, runner.wait_idle)
    server.at_stop(Stop.LATE, cancel_late)
    server.at_stop(Stop.DRAIN, engine.drain)
    server.at_stop(Stop.ENGINE, engine.stop)


def _add_hub(
    server: RoomDirectory,
    runtime: Runtime,
    ticker: Ticker,
    engine: EnginePort,
) -> None:
    """Event streams, with their handlers of connections; a backplane may join in the set-up."""

    def stop_nodes(timeout: float) -> bool:
        return hub.nodes.backplane is None or hub.nodes.backplane.stop(timeout)

    def start_nodes() -> None:
        hub.nodes.started = True
        if hub.nodes.backplane is not None:
            hub.nodes.backplane.start()

    events = ThreadPool(
        "events", 1, runtime.context, lambda error: runtime.report(error, "An event's handler")
    )
    hub = server.add(
        SseHub(
            runtime.clock,
            ConnectionEvents(runtime, events),
            warn=runtime.warn,
            wake_ticker=ticker.wake,
        )
    )
    hub.attach(engine)
    ticker.register(hub.max_ages)
    server.room(Places).fill("identify", hub.identify)
    server.at_start(Start.NODES, start_nodes)
    server.at_stop(Stop.GOODBYE, lambda _: hub.close_all())
    server.at_stop(Stop.GOODBYE, lambda _: hub.close_locals())
    server.at_stop(Stop.NODES, stop_nodes)
    server.at_stop(Stop.EVENTS, events.drain)
    server.at_stop(Stop.ENGINE, lambda _: hub.detach())


def _connections(engine: EnginePort) -> Metric:
    about = "Open connections."
    return Metric("gauge", "pode_connections", about, engine.connections)


def _make_engine(
    options: ServerOptions,
    pipeline: Pipeline,
    runner: Runner,
    runtime: Runtime,
    loop: EventLoop,
    *,
    refused: Refused,
) -> EnginePort:
    """The engine that the options ask for. Those on ASGI live on the server's own loop."""
    wanted = EngineOptions(threads=options.threads, limits=options.limits, poller=options.poller)
    clock, context, report = runtime.clock, runtime.context, runtime.report

    def warn(text: str) -> None:
        runtime.warn(text, "engine")

    if options.engine == "h11":
        return Engine(
            wanted,
            runner.run,
            kind_of=pipeline.route_of,
            clock=clock,
            context=context,
            report=report,
            warn=warn,
            refused=refused,
        )
    make = UvicornEngine if options.engine == "uvicorn" else AsgiEngine
    return make(
        wanted,
        runner.run,
        clock=clock,
        context=context,
        report=report,
        warn=warn,
        refused=refused,
        loop=loop,
    )
