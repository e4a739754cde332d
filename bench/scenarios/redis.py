"""Events through Redis to the streams of two nodes: bursts, and events with time between them."""

from collections.abc import Callable

from bench.bursts import bursts
from bench.contenders import NODES, OURS, Contender
from bench.nodes import HERE, THERE, Nodes
from bench.scenario import Column, Figures, Goal, Scenario, milliseconds, share, whole
from bench.settings import Settings

# A peer does a write for each delivery, so its rate does not depend on how long a burst is, and
# with as many events as pode_py gets it would be busy for half a minute.
BURST, PEERS_BURST = 500, 50
BURSTS_SECONDS = 1.0
# Events, and milliseconds between them: more than a peer keeps up with, and what all keep up with.
PACES = {"each 10 ms": (100, 10), "each 200 ms": (6, 200)}
QUICK, CALM = PACES
# What has not arrived so long after the last event was due is lost: nobody has kept up by then.
GRACE_SECONDS = 2
WARM_UP = 5
PLAIN, KEPT = "no history", "with a history"
CASES = (PLAIN, KEPT)


def title(settings: Settings) -> str:
    return (
        f"Two nodes on Redis: {settings.streams:,} streams each, and one of them sends; bursts of "
        f"{BURST} events of 64 bytes ({PEERS_BURST} for peers), then an event {CALM}, then {QUICK}"
    )


def measure(contender: Contender, settings: Settings) -> Figures:
    """Return what arrives of bursts and of paced events; pode_py's also with a history."""
    ours = contender.name == OURS
    found: Figures = {}
    for case in CASES if ours else (PLAIN,):
        with Nodes(contender, settings, history=case == KEPT) as nodes:
            found[case] = _measure(nodes, BURST if ours else PEERS_BURST, settings.burst_timeout)
            burst = found[case]["burst"]
            burst["events_s"] = burst["deliveries_s"] / (2 * settings.streams)
    return found


def _measure(nodes: Nodes, burst: int, timeout: float) -> Figures:
    nodes.run(f"/burst?n={WARM_UP}", WARM_UP, timeout)
    found = {"burst": bursts(nodes, f"/burst?n={burst}", burst, timeout, BURSTS_SECONDS)}
    for pace in (CALM, QUICK):
        events, interval = PACES[pace]
        path = f"/offered?n={events}&interval_ms={interval}"
        found[pace] = nodes.run(path, events, events * interval / 1000 + GRACE_SECONDS)
    return found


def _columns(case: str) -> tuple[Column, ...]:
    return (
        _column(case, "burst", "deliveries/s", "deliveries_s", write=whole, better=1),
        _column(case, "burst", "events/s", "events_s", write=whole, better=1),
        *_uneven(case, "burst"),
        _column(case, "burst", "server CPU", "server_cpu", write=share),
        _column(case, "burst", "client CPU", "client_cpu", write=share),
        _column(case, "burst", "Redis CPU", "redis_cpu", write=share),
        *(column for pace in (CALM, QUICK) for column in _pace(case, pace)),
    )


def _pace(case: str, pace: str) -> tuple[Column, ...]:
    return (
        _column(case, pace, f"p50, {HERE}", "p50_ms", write=milliseconds, better=-1, node=HERE),
        _column(case, pace, f"p99, {HERE}", "p99_ms", write=milliseconds, better=-1, node=HERE),
        _column(case, pace, f"p50, {THERE}", "p50_ms", write=milliseconds, better=-1, node=THERE),
        _column(case, pace, f"p99, {THERE}", "p99_ms", write=milliseconds, better=-1, node=THERE),
        *_uneven(case, pace),
    )


def _uneven(case: str, what: str) -> tuple[Column, ...]:
    return (
        _column(case, what, "lost", "lost", write=whole),
        _column(case, what, "uneven streams", "uneven_streams", write=whole),
    )


def _column(
    case: str,
    what: str,
    title: str,
    figure: str,
    *,
    write: Callable[[float], str],
    better: int = 0,
    node: str | None = None,
) -> Column:
    """Return a column about one thing that was measured in one case; of one node, or of both."""

    def value(found: Figures) -> float | None:
        if case not in found:
            return None
        figures = found[case][what]
        return float((figures[node] if node else figures)[figure])

    return Column(title, value, write, better, _part(case, what))


def _part(case: str, what: str) -> str:
    return f"{'Bursts' if what == 'burst' else f'An event {what}'}, {case}"


def _goals(case: str) -> tuple[Goal, ...]:
    bursts, quick = _part(case, "burst"), _part(case, QUICK)
    return (
        Goal(
            f"Redis, {case}: burst, streams with events lost or double",
            f"{bursts}: uneven streams",
            at_most=0,
        ),
        Goal(
            f"Redis, {case}: event {QUICK}, streams with events lost or double",
            f"{quick}: uneven streams",
            at_most=0,
        ),
    )


def _against_peers() -> tuple[Goal, ...]:
    peers = tuple(one.name for one in NODES if one.name != OURS)
    bursts, calm = _part(PLAIN, "burst"), _part(PLAIN, CALM)
    return (
        Goal("Redis: burst, deliveries/s", f"{bursts}: deliveries/s", at_least=100, against=peers),
        Goal(
            f"Redis: event {CALM}, p50, {THERE}",
            f"{calm}: p50, {THERE}",
            at_most=0.5,
            against=peers,
        ),
    )


SCENARIO = Scenario(
    key="redis",
    order=160,
    title=title,
    contenders=NODES,
    columns=tuple(column for case in CASES for column in _columns(case)),
    measure=measure,
    rounds_at_most=3,
    goals=(*_against_peers(), *(goal for case in CASES for goal in _goals(case))),
)
