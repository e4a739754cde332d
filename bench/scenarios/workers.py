"""The plain and the JSON route with one, two and four worker processes, like against like."""

from bench.contenders import WORKERS, Contender
from bench.process import Server
from bench.scenario import Column, Figures, Goal, Scenario, megabytes, whole
from bench.settings import Settings
from bench.steady import warm_up
from bench.wrk import CONNECTIONS, wrk

COUNTS = {1: "one worker", 2: "two workers", 4: "four workers"}
ROUTES = {"plain": "/plain", "JSON": "/users/7"}
# How many times as much as each peer with as many workers a second of processor time shall yield.
TIMES = {"starlette": 3, "flask": 6}
# How much of what one worker gets out of it two and four shall get.
KEPT = 0.8
PER_CPU_SECOND = "per CPU second"
AGAINST_ONE = f"plain {PER_CPU_SECOND} : one worker's"


def title(settings: Settings) -> str:
    return (
        f"Worker processes: GET of five bytes and of JSON, {CONNECTIONS} keep-alive connections, "
        f"{_seconds(settings)} s each"
    )


def measure(contender: Contender, settings: Settings) -> Figures:
    """Return what wrk counted of both routes, and memory, with each number of workers."""
    return {name: _with(count, contender, settings) for count, name in COUNTS.items()}


def _with(count: int, contender: Contender, settings: Settings) -> Figures:
    with Server(contender, settings.server_core, places={"workers": count}) as server:
        server.settle()
        found: Figures = {}
        for route, path in ROUTES.items():
            warm_up(server, path, settings)
            found[route] = wrk(server, path, _seconds(settings), settings)
        return {**found, "memory": server.own_memory()}


def _seconds(settings: Settings) -> int:
    return max(1, settings.seconds // 2)


def _columns(name: str) -> tuple[Column, ...]:
    """Return the table of one number of workers."""
    part = name.capitalize()
    rates = (_rate(route, name, part) for route in ROUTES)
    yields = (_yield(route, name, part) for route in ROUTES)
    memory = Column("memory", lambda found: float(found[name]["memory"]), megabytes, -1, part)
    alone = () if name == COUNTS[1] else (_against_one(name, part),)
    return (*rates, *yields, memory, *alone)


def _rate(route: str, name: str, part: str) -> Column:
    def value(found: Figures) -> float:
        return float(found[name][route]["requests_s"])

    return Column(f"{route} requests/s", value, whole, 1, part)


def _yield(route: str, name: str, part: str) -> Column:
    def value(found: Figures) -> float | None:
        return _per_cpu_second(found[name][route])

    return Column(f"{route} {PER_CPU_SECOND}", value, whole, 1, part)


def _against_one(name: str, part: str) -> Column:
    def value(found: Figures) -> float | None:
        one, several = (_per_cpu_second(found[each]["plain"]) for each in (COUNTS[1], name))
        return several / one if one and several else None

    return Column(AGAINST_ONE, value, "{:.2f} x".format, part=part)


def _per_cpu_second(figures: Figures) -> float | None:
    share = figures["server_cpu"]
    return figures["requests_s"] / share if share else None


def _goals(name: str) -> tuple[Goal, ...]:
    part, text = name.capitalize(), f"{name}, plain {PER_CPU_SECOND}"
    column = f"{part}: plain {PER_CPU_SECOND}"
    return (
        Goal(f"{text} : one", f"{part}: {AGAINST_ONE}", at_least=KEPT),
        *(Goal(text, column, at_least=times, against=(peer,)) for peer, times in TIMES.items()),
    )


SCENARIO = Scenario(
    key="workers",
    order=70,
    title=title,
    contenders=WORKERS,
    columns=tuple(column for name in COUNTS.values() for column in _columns(name)),
    measure=measure,
    rounds_at_most=3,
    goals=tuple(goal for count, name in COUNTS.items() if count > 1 for goal in _goals(name)),
)
