"""A burst: hundreds of events, back to back, to all of many event streams."""

from bench.bursts import bursts
from bench.contenders import BETTER_SSE, CEILING, NCHAN, PODE_PY, SSE_STARLETTE, Contender
from bench.process import Server
from bench.scenario import Column, Figures, Goal, Scenario, share, whole
from bench.settings import Settings
from bench.stream_client import StreamClient


def title(settings: Settings) -> str:
    return f"Burst: {settings.burst} events of 64 bytes to {settings.streams:,} streams"


def measure(contender: Contender, settings: Settings) -> Figures:
    """Return deliveries a second while bursts go to all streams."""
    with (
        Server(contender, settings.server_core) as server,
        StreamClient(server, settings.streams, settings.client_core) as client,
    ):
        return bursts(client, f"/burst?n={settings.burst}", settings.burst, settings.burst_timeout)


SCENARIO = Scenario(
    key="burst",
    order=100,
    title=title,
    contenders=(PODE_PY, SSE_STARLETTE, BETTER_SSE, NCHAN, CEILING),
    columns=(
        Column("deliveries/s", lambda figures: figures["deliveries_s"], whole, 1),
        Column("lost", lambda figures: figures["lost"], whole),
        Column("server CPU", lambda figures: figures["server_cpu"], share),
        Column("client CPU", lambda figures: figures["client_cpu"], share),
    ),
    measure=measure,
    goals=(
        Goal("burst, deliveries/s", "deliveries/s", at_least=8_000_000),
        Goal("burst, deliveries/s", "deliveries/s", at_least=100, against=("sse-starlette",)),
        Goal("burst, deliveries/s", "deliveries/s", at_least=50, against=("better-sse",)),
        Goal("burst, deliveries/s", "deliveries/s", at_least=20, against=("nchan",)),
    ),
)
