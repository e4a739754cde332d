"""The plain and the JSON route with one, two and four worker processes, like against like."""

from bench.contenders import WORKERS, Contender
from bench.process import Server
from bench.scenario import Column, Figures, Goal, Scenario, megabytes, share, whole
from bench.settings import Settings
from bench.steady import warm_up
from bench.wrk import CONNECTIONS, wrk

ONE = "one worker"
COUNTS = {1: ONE, 2: "two workers", 4: "four workers"}
ROUTES = {"plain": "/plain", "JSON": "/users/7"}
# How many times as much as each peer with as many workers a second of processor time shall yield.
TIMES = {"starlette": 3, "flask": 6}
# What share of that of one worker it shall still be. Four have to share the two cores of many a
# machine with each other and with wrk.
KEPT = {"two workers": 0.8}
RATE, YIELD = "requests/s", "per CPU second"
CPU = {"server CPU": "server_cpu", "wrk CPU": "client_cpu"}


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
    cpu = (_plain(title, figure, part, name) for title, figure in CPU.items())
    against_one = (_against_one(figure, name, part) for figure in FIGURES) if name != ONE else ()
    return (*rates, *yields, memory, *cpu, *against_one)


def _rate(route: str, name: str, part: str) -> Column:
    return Column(f"{route} {RATE}", lambda found: _rate_in(found[name][route]), whole, 1, part)


def _yield(route: str, name: str, part: str) -> Column:
    return Column(f"{route} {YIELD}", lambda found: _yield_in(found[name][route]), whole, 1, part)


def _plain(title: str, figure: str, part: str, name: str) -> Column:
    return Column(f"plain {title}", lambda found: found[name]["plain"][figure], share, part=part)


def _against_one(figure: str, name: str, part: str) -> Column:
    def value(found: Figures) -> float | None:
        one, several = (FIGURES[figure](found[each]["plain"]) for each in (ONE, name))
        return several / one if one and several else None

    return Column(f"plain {figure} : one worker's", value, "{:.2f} x".format, part=part)


def _rate_in(figures: Figures) -> float:
    return float(figures["requests_s"])


def _yield_in(figures: Figures) -> float | None:
    used = figures["server_cpu"]
    return figures["requests_s"] / used if used else None


FIGURES = {RATE: _rate_in, YIELD: _yield_in}


def _goals(name: str) -> tuple[Goal, ...]:
    text, column = f"{name}, plain {YIELD}", f"{name.capitalize()}: plain {YIELD}"
    against_peers = (
        Goal(text, column, at_least=times, against=(peer,)) for peer, times in TIMES.items()
    )
    if name not in KEPT:
        return tuple(against_peers)
    kept = Goal(f"{text} : one worker's", f"{column} : one worker's", at_least=KEPT[name])
    return (kept, *against_peers)


SCENARIO = Scenario(
    key="workers",
    order=70,
    title=title,
    contenders=WORKERS,
    columns=tuple(column for name in COUNTS.values() for column in _columns(name)),
    measure=measure,
    rounds_at_most=3,
    goals=tuple(goal for name in COUNTS.values() if name != ONE for goal in _goals(name)),
)
