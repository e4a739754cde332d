"""GET of a sync route that returns five bytes, as fast as 64 keep-alive connections ask for it."""

from bench.contenders import AIOHTTP, CEILING, FLASK, PODE_PY, ROBYN, STARLETTE, Contender
from bench.process import Server
from bench.scenario import Column, Figures, Goal, Scenario, milliseconds, share, whole
from bench.settings import Settings
from bench.steady import warm_up
from bench.wrk import CONNECTIONS, wrk

CONTENDERS = (PODE_PY, STARLETTE, FLASK, AIOHTTP, ROBYN, CEILING)

COLUMNS = (
    Column("requests/s", lambda figures: figures["requests_s"], whole, 1),
    Column("p50", lambda figures: figures["p50_ms"], milliseconds),
    Column("p99", lambda figures: figures["p99_ms"], milliseconds),
    Column("errors", lambda figures: figures["errors"], whole),
    Column("server CPU", lambda figures: figures["server_cpu"], share),
    Column("wrk CPU", lambda figures: figures["client_cpu"], share),
)

# How many times as fast as each peer a route shall be.
TIMES = {"starlette": 3, "flask": 6, "aiohttp": 1, "robyn": 1}


def title(settings: Settings) -> str:
    return (
        f"Plain sync route: GET of five bytes, {CONNECTIONS} keep-alive connections, "
        f"{settings.seconds} s"
    )


def measure(contender: Contender, settings: Settings) -> Figures:
    return measure_path(contender, "/plain", settings)


def measure_path(contender: Contender, path: str, settings: Settings) -> Figures:
    """Return requests a second of GET by wrk, with latencies and processor shares."""
    with Server(contender, settings.server_core) as server:
        warm_up(server, path, settings)
        return wrk(server, path, settings.seconds, settings)


def goals(route: str) -> tuple[Goal, ...]:
    return tuple(
        Goal(f"{route}, requests/s", "requests/s", at_least=times, against=(peer,))
        for peer, times in TIMES.items()
    )


SCENARIO = Scenario(
    key="plain",
    order=10,
    title=title,
    contenders=CONTENDERS,
    columns=COLUMNS,
    measure=measure,
    goals=goals("plain route"),
)
