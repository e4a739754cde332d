"""GET of a sync route that returns five bytes, as fast as 64 keep-alive connections ask for it."""

from bench.contenders import CEILING, FLASK, PODE_PY, STARLETTE, Contender
from bench.process import Server
from bench.scenario import Column, Figures, Goal, Scenario, milliseconds, share, whole
from bench.settings import Settings
from bench.wrk import CONNECTIONS, wrk

WARM_UP_SECONDS = 1

COLUMNS = (
    Column("requests/s", lambda figures: figures["requests_s"], whole, 1),
    Column("p50", lambda figures: figures["p50_ms"], milliseconds),
    Column("p99", lambda figures: figures["p99_ms"], milliseconds),
    Column("errors", lambda figures: figures["errors"], whole),
    Column("server CPU", lambda figures: figures["server_cpu"], share),
    Column("wrk CPU", lambda figures: figures["client_cpu"], share),
)


def title(settings: Settings) -> str:
    return (
        f"Plain sync route: GET of five bytes, {CONNECTIONS} keep-alive connections, "
        f"{settings.seconds} s"
    )


def measure(contender: Contender, settings: Settings) -> Figures:
    """Return requests a second of GET /plain by wrk, with latencies and processor shares."""
    with Server(contender, settings.server_core) as server:
        wrk(server, "/plain", WARM_UP_SECONDS, settings)
        return wrk(server, "/plain", settings.seconds, settings)


SCENARIO = Scenario(
    key="plain",
    order=10,
    title=title,
    contenders=(PODE_PY, STARLETTE, FLASK, CEILING),
    columns=COLUMNS,
    measure=measure,
    goals=(
        Goal("plain route, requests/s", "requests/s", at_least=3, against=("starlette",)),
        Goal("plain route, requests/s", "requests/s", at_least=6, against=("flask",)),
    ),
)
