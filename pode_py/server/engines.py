"""Engines: which one a server gets, and what it is made of."""

from __future__ import annotations

from pode_py.core.loop import EventLoop
from pode_py.core.runtime import Runtime
from pode_py.engine.asgi.engine import AsgiEngine
from pode_py.engine.asgi.uvicorn import UvicornEngine
from pode_py.engine.h11.engine import Engine
from pode_py.engine.options import EngineOptions
from pode_py.engine.port import EnginePort
from pode_py.exchange.runner import Runner
from pode_py.server.options import ServerOptions
from pode_py.web.pipeline import Pipeline


def make_engine(
    options: ServerOptions, pipeline: Pipeline, runner: Runner, runtime: Runtime, loop: EventLoop
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
        )
    make = UvicornEngine if options.engine == "uvicorn" else AsgiEngine
    return make(
        wanted, runner.run, clock=clock, context=context, report=report, warn=warn, loop=loop
    )
