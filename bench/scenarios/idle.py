"""Thousands of streams on which nothing happens: how fast they open, and what each costs."""

import time

from bench.contenders import BETTER_SSE, NCHAN, PODE_PY, SSE_STARLETTE, Contender
from bench.process import Server
from bench.scenario import Column, Figures, Goal, Scenario, kilobytes, share, whole
from bench.settings import Settings
from bench.stream_client import StreamClient

WARM_UP_STREAMS = 10
OPENING_AT_ONCE = 256
SETTLE_SECONDS = 1.0


def title(settings: Settings) -> str:
    return (
        f"Idle: {settings.idle_streams:,} streams opened, {OPENING_AT_ONCE} at a time, then "
        f"{settings.idle_seconds} s with nothing but pings"
    )


def measure(contender: Contender, settings: Settings) -> Figures:
    """Return opened streams a second, memory of each, and processor time while they idle."""
    with Server(contender, settings.server_core) as server:
        with StreamClient(server, WARM_UP_STREAMS, settings.client_core) as client:
            client.run("/burst?n=1", 1, 10)
        time.sleep(SETTLE_SECONDS)
        memory, used = server.own_memory(), server.cpu_seconds()
        with StreamClient(
            server, settings.idle_streams, settings.client_core, at_once=OPENING_AT_ONCE
        ) as client:
            used = server.cpu_seconds() - used
            time.sleep(SETTLE_SECONDS)
            memory = server.own_memory() - memory
            idle = _idle_share(server, settings.idle_seconds)
    seconds = client.opened["seconds"]
    return {
        "opened_s": settings.idle_streams / seconds,
        "opening_server_cpu": used / seconds,
        "opening_client_cpu": client.opened["client_cpu"],
        "memory": memory / settings.idle_streams,
        "idle_cpu": idle,
    }


# Every server pings at the same interval, so in a time as long each stream gets one ping.
def _idle_share(server: Server, seconds: int) -> float:
    began, used = time.monotonic(), server.cpu_seconds()
    time.sleep(seconds)
    return (server.cpu_seconds() - used) / (time.monotonic() - began)


def _fine_share(value: float) -> str:
    return f"{value:.2%}"


SCENARIO = Scenario(
    key="idle",
    order=150,
    title=title,
    contenders=(PODE_PY, SSE_STARLETTE, BETTER_SSE, NCHAN),
    columns=(
        Column("memory/stream", lambda figures: figures["memory"], kilobytes, -1),
        Column("idle CPU", lambda figures: figures["idle_cpu"], _fine_share),
        Column("opened/s", lambda figures: figures["opened_s"], whole, 1),
        Column("opening: server CPU", lambda figures: figures["opening_server_cpu"], share),
        Column("opening: client CPU", lambda figures: figures["opening_client_cpu"], share),
    ),
    measure=measure,
    peers_rounds_at_most=2,
    goals=(
        Goal("memory of an idle stream", "memory/stream", at_most=3 * 1024),
        Goal("CPU of idle streams", "idle CPU", at_most=0.01),
        Goal("new streams, opened/s", "opened/s", at_least=8000),
    ),
)
