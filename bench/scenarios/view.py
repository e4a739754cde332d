"""The plain measurement of a page: a template with a layout and ten rows, by Jinja2 everywhere."""

from bench.contenders import FLASK, PODE_PY, STARLETTE, Contender
from bench.scenario import Figures, Goal, Scenario
from bench.scenarios import plain
from bench.settings import Settings
from bench.wrk import CONNECTIONS

CONTENDERS = (PODE_PY, STARLETTE, FLASK)

# How many times as fast as each peer a page shall be.
TIMES = {"flask": 2}


def title(settings: Settings) -> str:
    return (
        f"View: GET of a page from a template with a layout, {CONNECTIONS} keep-alive "
        f"connections, {settings.seconds} s"
    )


def measure(contender: Contender, settings: Settings) -> Figures:
    return plain.measure_path(contender, "/page", settings)


SCENARIO = Scenario(
    key="view",
    order=25,
    title=title,
    contenders=CONTENDERS,
    columns=plain.COLUMNS,
    measure=measure,
    goals=tuple(
        Goal("view, requests/s", "requests/s", at_least=times, against=(peer,))
        for peer, times in TIMES.items()
    ),
)
