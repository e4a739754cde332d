"""Thousands of streams on which nothing happens: how fast they open, and what each costs."""

import time

from bench.contenders import BETTER_SSE, NCHAN, OURS, PODE_PY, SSE_STARLETTE, Contender
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
        f"{settings.idle_seconds} s with nothing but pings (peers: in the first round only)"
    )


def measure(contender: Contender, settings: Settings) -> Figures:
    """Return opened streams a second, memory of each, and processor time while they idle."""
    seconds = settings.idle_seconds
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
            idle = _idle_share(server, seconds) if _watched(contender, settings) else None
    opening = client.opened["seconds"]
    return {
        "opened_s": settings.idle_streams / opening,
        "opening_server_cpu": used / opening,
        "opening_client_cpu": client.opened["client_cpu"],
        "memory": memory / settings.idle_streams,
        "idle_cpu": idle,
    }


# To watch each peer in each round would take longer than most scenarios do as a whole, and there is
# neither a ratio nor a goal against this figure of theirs.
def _watched(contender: Contender, settings: Settings) -> bool:
    return contender.name == OURS or settings.round == 1


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
    goals=(
        Goal("memory of an idle stream", "memory/stream", at_most=3 * 1024),
        Goal("CPU of idle streams", "idle CPU", at_most=0.01),
        Goal("new streams, opened/s", "opened/s", at_least=8000),
    ),
)
