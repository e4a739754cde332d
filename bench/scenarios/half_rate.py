"""Latency of the plain route at half of the rate that each contender can reach, and at one rate."""

from bench.contenders import CEILING, Contender
from bench.process import Server
from bench.scenario import Column, Figures, Goal, Scenario, milliseconds, share, whole
from bench.scenarios import plain
from bench.settings import Settings
from bench.steady import steady
from bench.wrk import CONNECTIONS, wrk

# The load itself would be what is measured of the yardstick in C.
PEERS = tuple(one for one in plain.CONTENDERS if one is not CEILING)
# A rate that the slowest peer keeps without trouble, so that all can be compared at it.
COMMON_RATE = 1000
COMMON_SECONDS = 1


def title(settings: Settings) -> str:
    return (
        f"Latency at half of each one's highest rate: the plain route at a fixed rate, "
        f"{settings.seconds} s, and at the common rate of {COMMON_RATE:,} requests/s, "
        f"{COMMON_SECONDS} s; {CONNECTIONS} connections"
    )


def measure(contender: Contender, settings: Settings) -> Figures:
    """Return the highest rate by wrk, and latencies at half of it and at the common rate."""
    with Server(contender, settings.server_core) as server:
        most = wrk(server, "/plain", settings.seconds, settings)
        return {
            "most": most,
            "half": _at(server, most["requests_s"] / 2, settings.seconds, settings),
            "common": _at(server, COMMON_RATE, COMMON_SECONDS, settings),
        }


def _at(server: Server, rate: float, seconds: float, settings: Settings) -> Figures:
    return steady(server, "/plain", settings, connections=CONNECTIONS, rate=rate, seconds=seconds)


SCENARIO = Scenario(
    key="half_rate",
    order=30,
    title=title,
    contenders=PEERS,
    columns=(
        Column("p99 at half", lambda figures: figures["half"]["p99_ms"], milliseconds, -1),
        Column("p50 at half", lambda figures: figures["half"]["p50_ms"], milliseconds, -1),
        Column("half, requests/s", lambda figures: figures["most"]["requests_s"] / 2, whole),
        Column("unanswered", lambda figures: figures["half"]["unanswered"], whole),
        Column("p99 at common", lambda figures: figures["common"]["p99_ms"], milliseconds, -1),
        Column("p50 at common", lambda figures: figures["common"]["p50_ms"], milliseconds, -1),
        Column("at half: server CPU", lambda figures: figures["half"]["server_cpu"], share),
        Column("at half: client CPU", lambda figures: figures["half"]["client_cpu"], share),
    ),
    measure=measure,
    goals=(Goal("p99 at half rate", "p99 at half", at_most=1, against=tuple(plain.TIMES)),),
)
