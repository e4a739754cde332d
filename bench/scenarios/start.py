"""How soon a small server answers its first request, and what memory it has then."""

from statistics import median

from bench.contenders import FLASK, PODE_PY, STARLETTE, STDLIB, Contender
from bench.process import Server
from bench.scenario import Column, Figures, Goal, Scenario, megabytes
from bench.settings import Settings

STARTS = 3


def title(_: Settings) -> str:
    return (
        "Start of a small server: from starting Python to the answer to the first request, "
        f"{STARTS} starts in a round"
    )


def measure(contender: Contender, settings: Settings) -> Figures:
    """Return seconds, processor seconds and memory of several starts."""
    starts = [_start(contender, settings) for _ in range(STARTS)]
    return {name: [one[name] for one in starts] for name in starts[0]}


def _start(contender: Contender, settings: Settings) -> Figures:
    with Server(contender, settings.server_core) as server:
        return {
            "seconds": server.start_seconds,
            "cpu_seconds": server.cpu_seconds(),
            "memory": server.memory(),
        }


def _milliseconds(value: float) -> str:
    return f"{value * 1000:.0f} ms"


SCENARIO = Scenario(
    key="start",
    order=60,
    title=title,
    contenders=(PODE_PY, STARLETTE, FLASK, STDLIB),
    columns=(
        Column("first answer", lambda figures: median(figures["seconds"]), _milliseconds, -1),
        Column("best", lambda figures: min(figures["seconds"]), _milliseconds, -1),
        Column("CPU time", lambda figures: median(figures["cpu_seconds"]), _milliseconds, -1),
        Column("memory", lambda figures: median(figures["memory"]), megabytes, -1),
    ),
    measure=measure,
    goals=(
        Goal("import and start", "first answer", at_most=0.25),
        Goal("memory of the smallest server", "memory", at_most=40 * 2**20),
    ),
)
