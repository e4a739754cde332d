"""Handlers that wait: 64 clients on a route that sleeps, and a fast route on other connections."""

from bench.contenders import FLASK, HANDLERS, PODE_PY, STARLETTE, Contender
from bench.process import Server
from bench.scenario import Column, Figures, Goal, Scenario, milliseconds, share, whole
from bench.servers.work import SLEEP_SECONDS
from bench.settings import Settings
from bench.steady import Steady, warm_up
from bench.wrk import CONNECTIONS, wrk

FAST_CONNECTIONS = 8
FAST_RATE = 200
# Of HANDLERS / SLEEP_SECONDS, which no server with so many handlers at a time can pass.
WANTED = 0.9


def title(settings: Settings) -> str:
    return (
        f"Handlers that wait: {CONNECTIONS} clients on a route that sleeps "
        f"{SLEEP_SECONDS * 1000:.0f} ms, and beside them {FAST_RATE} requests/s of the plain route "
        f"on {FAST_CONNECTIONS} other connections; {settings.seconds} s"
    )


def measure(contender: Contender, settings: Settings) -> Figures:
    """Return requests a second of the route that sleeps, and latencies of the fast one."""
    with Server(contender, settings.server_core) as server:
        warm_up(server, "/sleep", settings)
        fast = Steady(
            server,
            "/plain",
            settings,
            connections=FAST_CONNECTIONS,
            rate=FAST_RATE,
            seconds=settings.seconds,
        )
        with fast:
            slow = wrk(server, "/sleep", settings.seconds, settings)
            return {"slow": slow, "fast": fast.figures()}


SCENARIO = Scenario(
    key="blocking",
    order=40,
    title=title,
    contenders=(PODE_PY, STARLETTE, FLASK),
    columns=(
        Column("sleeping requests/s", lambda figures: figures["slow"]["requests_s"], whole, 1),
        Column("sleeping p99", lambda figures: figures["slow"]["p99_ms"], milliseconds),
        Column("fast p50", lambda figures: figures["fast"]["p50_ms"], milliseconds, -1),
        Column("fast p99", lambda figures: figures["fast"]["p99_ms"], milliseconds, -1),
        Column("fast unanswered", lambda figures: figures["fast"]["unanswered"], whole),
        Column("server CPU", lambda figures: figures["slow"]["server_cpu"], share),
    ),
    measure=measure,
    goals=(
        Goal(
            "a route that sleeps, requests/s",
            "sleeping requests/s",
            at_least=WANTED * HANDLERS / SLEEP_SECONDS,
        ),
        Goal("a fast route beside it, p99", "fast p99", at_most=10),
    ),
)
