"""Answers that come token by token: a handler for each stream, and no event is for two of them."""

from bench.contenders import FASTAPI, PODE_PY, Contender
from bench.process import Server
from bench.scenario import Column, Figures, Goal, Scenario, milliseconds, share, whole
from bench.settings import Settings
from bench.stream_client import StreamClient

INTERVAL_MS = 20
# A server that can't keep up is given three times as long, and a bit. What has not come then is
# lost.
SLOWER = 3
GRACE_SECONDS = 5
STOP_SECONDS = 1


def title(settings: Settings) -> str:
    return (
        f"Token streams: {settings.streams:,} at once, each sent by its own async handler, "
        f"{1000 // INTERVAL_MS} tokens of 64 bytes a second each, {settings.seconds} s"
    )


def measure(contender: Contender, settings: Settings) -> Figures:
    """Return the time between tokens, and processor time of the server for each."""
    tokens = settings.seconds * 1000 // INTERVAL_MS
    path = (
        f"/tokens?stream={{stream}}&streams={settings.streams}&n={tokens}&interval_ms={INTERVAL_MS}"
    )
    with (
        Server(contender, settings.server_core, stop_seconds=STOP_SECONDS) as server,
        StreamClient(server, settings.streams, settings.client_core, path=path) as client,
    ):
        return client.gaps("/begin", tokens, SLOWER * settings.seconds + GRACE_SECONDS)


def _cpu_of_a_token(figures: Figures) -> float | None:
    sent = figures["deliveries"]
    return figures["server_cpu_seconds"] * 1e6 / sent if sent else None


def _microseconds(value: float) -> str:
    return f"{value:.1f} µs"


SCENARIO = Scenario(
    key="token_stream",
    order=145,
    title=title,
    contenders=(PODE_PY, FASTAPI),
    columns=(
        Column("CPU a token", _cpu_of_a_token, _microseconds, -1),
        Column("p99 between tokens", lambda figures: figures["gap_p99_ms"], milliseconds, -1),
        Column("p50 between tokens", lambda figures: figures["gap_p50_ms"], milliseconds),
        Column("p99 of a token's way", lambda figures: figures["p99_ms"], milliseconds, -1),
        Column("tokens/s", lambda figures: figures["deliveries_s"], whole),
        Column("lost", lambda figures: figures["lost"], whole),
        Column("server CPU", lambda figures: figures["server_cpu"], share),
        Column("client CPU", lambda figures: figures["client_cpu"], share),
    ),
    measure=measure,
    goals=(
        Goal("token streams, CPU a token", "CPU a token", at_most=0.25, against=("fastapi",)),
        Goal("token streams, p99 between", "p99 between tokens", at_most=1, against=("fastapi",)),
    ),
)
