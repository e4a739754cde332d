"""The plain route at a fixed rate, while streams are quiet and while bursts to them never stop."""

from bench.contenders import BETTER_SSE, NCHAN, PODE_PY, SSE_STARLETTE, Contender
from bench.process import Server
from bench.scenario import Column, Figures, Goal, Scenario, milliseconds, whole
from bench.settings import Settings
from bench.steady import Steady, steady
from bench.stream_client import StreamClient

CASES = ("quiet", "busy")
CONNECTIONS = 8
RATE = 1000
WARM_UP_SECONDS = 0.5
WARM_UP_EVENTS = 20
STOP_SECONDS = 1


def title(settings: Settings) -> str:
    return (
        f"Routes beside bursts: GET of five bytes, {RATE:,} a second on {CONNECTIONS} connections, "
        f"{settings.seconds} s, while {settings.streams:,} streams are quiet, and beside bursts of "
        f"{settings.burst} events to them without a pause"
    )


def measure(contender: Contender, settings: Settings) -> Figures:
    """Return latencies of the route in both cases, and what came of the bursts."""
    seconds = settings.seconds
    load = {"connections": CONNECTIONS, "rate": RATE}
    with (
        Server(contender, settings.server_core, stop_seconds=STOP_SECONDS) as server,
        StreamClient(server, settings.streams, settings.client_core) as client,
    ):
        path = f"/burst?n={settings.burst}"
        client.run(f"/burst?n={WARM_UP_EVENTS}", WARM_UP_EVENTS, settings.burst_timeout)
        steady(server, "/plain", settings, **load, seconds=WARM_UP_SECONDS)
        quiet = steady(server, "/plain", settings, **load, seconds=seconds)
        with Steady(server, "/plain", settings, **load, seconds=seconds) as beside:
            bursts = client.repeat(path, settings.burst, settings.burst_timeout, seconds)
            busy = beside.figures()
    return {"quiet": quiet, "busy": busy, "bursts": bursts}


def _beside_quiet(figures: Figures) -> float | None:
    quiet = figures["quiet"]["p99_ms"]
    return figures["busy"]["p99_ms"] / quiet if quiet else None


def _unanswered(figures: Figures) -> float:
    return float(sum(figures[case]["errors"] + figures[case]["unanswered"] for case in CASES))


SCENARIO = Scenario(
    key="beside_bursts",
    order=140,
    title=title,
    contenders=(PODE_PY, SSE_STARLETTE, BETTER_SSE, NCHAN),
    columns=(
        Column("p99 beside", lambda figures: figures["busy"]["p99_ms"], milliseconds, -1),
        Column("p99 quiet", lambda figures: figures["quiet"]["p99_ms"], milliseconds),
        Column(
            "beside : quiet",
            _beside_quiet,
            "{:.1f} x".format,
        ),
        Column("p50 beside", lambda figures: figures["busy"]["p50_ms"], milliseconds),
        Column("p50 quiet", lambda figures: figures["quiet"]["p50_ms"], milliseconds),
        Column("unanswered or wrong", _unanswered, whole),
        Column("deliveries/s", lambda figures: figures["bursts"]["deliveries_s"], whole),
        Column("lost", lambda figures: figures["bursts"]["lost"], whole),
    ),
    measure=measure,
    peers_rounds_at_most=3,
    goals=(
        Goal("plain route beside bursts, p99 : quiet p99", "beside : quiet", at_most=3),
        Goal("bursts beside the plain route, lost", "lost", at_most=0),
    ),
)
