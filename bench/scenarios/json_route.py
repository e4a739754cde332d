"""The plain measurement with a parameter in the path and a JSON object as the answer."""

from bench.contenders import Contender
from bench.scenario import Figures, Scenario
from bench.scenarios import plain
from bench.settings import Settings
from bench.wrk import CONNECTIONS


def title(settings: Settings) -> str:
    return (
        f"JSON and a path parameter: GET /users/7, {CONNECTIONS} keep-alive connections, "
        f"{settings.seconds} s"
    )


def measure(contender: Contender, settings: Settings) -> Figures:
    return plain.measure_path(contender, "/users/7", settings)


SCENARIO = Scenario(
    key="json",
    order=20,
    title=title,
    contenders=plain.CONTENDERS,
    columns=plain.COLUMNS,
    measure=measure,
    goals=plain.goals("JSON route"),
)
