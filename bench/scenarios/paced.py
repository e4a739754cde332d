"""Events with time between them, to all of many event streams: nothing can be joined."""

from bench.contenders import BETTER_SSE, EACH, NCHAN, PODE_PY, SSE_STARLETTE, Contender
from bench.process import Server
from bench.scenario import Column, Figures, Goal, Scenario, milliseconds, share, whole
from bench.settings import Settings
from bench.stream_client import StreamClient

GRACE_SECONDS = 15


def title(settings: Settings) -> str:
    return (
        f"Paced: {settings.paced} events of 64 bytes to {settings.streams:,} streams, "
        f"one every {settings.interval_ms} ms"
    )


def measure(contender: Contender, settings: Settings) -> Figures:
    """Return how long events take from the handler to the client."""
    seconds = settings.paced * settings.interval_ms / 1000
    with (
        Server(contender, settings.server_core) as server,
        StreamClient(server, settings.streams, settings.client_core) as client,
    ):
        path = f"/paced?n={settings.paced}&interval_ms={settings.interval_ms}"
        return client.run(path, settings.paced, seconds + GRACE_SECONDS)


SCENARIO = Scenario(
    key="paced",
    order=120,
    title=title,
    contenders=(PODE_PY, SSE_STARLETTE, BETTER_SSE, NCHAN, EACH),
    columns=(
        Column("p50", lambda figures: figures["p50_ms"], milliseconds, -1),
        Column("p99", lambda figures: figures["p99_ms"], milliseconds, -1),
        Column("lost", lambda figures: figures["lost"], whole),
        Column("server CPU", lambda figures: figures["server_cpu"], share),
        Column("client CPU", lambda figures: figures["client_cpu"], share),
    ),
    measure=measure,
    goals=(
        Goal("paced, p50", "p50", at_most=1.15, against=("each",)),
        Goal("paced, p99", "p99", at_most=1.15, against=("each",)),
    ),
)
