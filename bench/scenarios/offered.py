"""A rate that is offered, whether or not a server keeps up: an event each millisecond to all."""

from bench.contenders import CEILING, EACH, PODE_PY, SSE_STARLETTE, Contender
from bench.process import Server
from bench.scenario import Column, Figures, Goal, Scenario, milliseconds, share, whole
from bench.settings import Settings
from bench.stream_client import StreamClient

INTERVAL_MS = 1
# What has not arrived so long after the last event was due is lost: nobody has kept up by then.
GRACE_SECONDS = 2
# Who has not kept up has seconds of work left, which nobody waits for.
STOP_SECONDS = 1


def title(settings: Settings) -> str:
    rate = settings.streams * 1000 // INTERVAL_MS
    return (
        f"Offered: {rate:,} deliveries/s, an event each {INTERVAL_MS} ms to "
        f"{settings.streams:,} streams, {settings.offered:,} events"
    )


def measure(contender: Contender, settings: Settings) -> Figures:
    """Return what came of the events, and how long after they were due."""
    seconds = settings.offered * INTERVAL_MS / 1000
    with (
        Server(contender, settings.server_core, stop_seconds=STOP_SECONDS) as server,
        StreamClient(server, settings.streams, settings.client_core) as client,
    ):
        path = f"/offered?n={settings.offered}&interval_ms={INTERVAL_MS}"
        figures = client.run(path, settings.offered, seconds + GRACE_SECONDS)
    offered_s = settings.streams * 1000 / INTERVAL_MS
    return {**figures, "sustained": figures["deliveries_s"] / offered_s}


SCENARIO = Scenario(
    key="offered",
    order=110,
    title=title,
    contenders=(PODE_PY, SSE_STARLETTE, CEILING, EACH),
    columns=(
        Column("deliveries/s", lambda figures: figures["deliveries_s"], whole, 1),
        Column("of the offered", lambda figures: figures["sustained"], "{:.1%}".format),
        Column("lost", lambda figures: figures["lost"], whole),
        Column("p50", lambda figures: figures["p50_ms"], milliseconds, -1),
        Column("p99", lambda figures: figures["p99_ms"], milliseconds, -1),
        Column("server CPU", lambda figures: figures["server_cpu"], share),
        Column("client CPU", lambda figures: figures["client_cpu"], share),
    ),
    measure=measure,
    peers_rounds_at_most=3,
    goals=(
        # The rest is the way of the first and the last event.
        Goal("an event each ms: sustained", "of the offered", at_least=0.99),
        Goal("an event each ms: lost", "lost", at_most=0),
        Goal("an event each ms: p99", "p99", at_most=30),
    ),
)
