"""Many event streams: memory of an idle one, paced latencies, and a burst, on the same streams."""

import time

from bench.contenders import CEILING, PODE_PY, SSE_STARLETTE, Contender
from bench.process import Server
from bench.scenario import Column, Figures, Goal, Scenario, kilobytes, milliseconds, share, whole
from bench.settings import Settings
from bench.stream_client import StreamClient

WARM_UP_STREAMS = 10
SETTLE_SECONDS = 1.0
BURSTS_SECONDS = 2.0
BURSTS_AT_MOST = 20


def title(settings: Settings) -> str:
    return (
        f"{settings.streams:,} event streams: burst of {settings.burst} events of 64 bytes; "
        f"paced, {settings.paced} events, one every {settings.interval_ms} ms"
    )


def measure(contender: Contender, settings: Settings) -> Figures:
    """Return memory per idle stream, paced latencies and burst deliveries, on the same streams."""
    with Server(contender, settings.server_core) as server:
        with StreamClient(server, WARM_UP_STREAMS, settings.client_core) as client:
            client.run("/burst?n=1", 1, 10)
        time.sleep(SETTLE_SECONDS)
        before = server.memory()
        with StreamClient(server, settings.streams, settings.client_core) as client:
            time.sleep(SETTLE_SECONDS)
            grown = server.memory() - before
            paced = client.run(
                f"/paced?n={settings.paced}&interval_ms={settings.interval_ms}",
                settings.paced,
                settings.paced * settings.interval_ms / 1000 + 15,
            )
            bursts = _bursts(client, settings)
    return {"memory": grown / settings.streams, "paced": paced, "burst": _together(bursts)}


def _bursts(client: StreamClient, settings: Settings) -> list[Figures]:
    """Repeat the burst: a fast server is done with one in less time than can be measured well."""
    bursts: list[Figures] = []
    while len(bursts) < BURSTS_AT_MOST and sum(one["seconds"] for one in bursts) < BURSTS_SECONDS:
        one = client.run(f"/burst?n={settings.burst}", settings.burst, settings.burst_timeout)
        bursts.append(one)
        if one["lost"]:
            break  # what comes late would be counted with the next burst
    return bursts


def _together(bursts: list[Figures]) -> Figures:
    """Return the sums of the bursts, and shares of their whole time."""
    sums = {
        name: sum(one[name] for one in bursts)
        for name in ("expected", "deliveries", "lost", "uneven_streams", "seconds")
    }
    seconds = sums["seconds"]
    shares = {
        name: sum(one[name] * one["seconds"] for one in bursts) / seconds if seconds else 0.0
        for name in ("server_cpu", "client_cpu")
    }
    rate = sums["deliveries"] / seconds if seconds else 0.0
    return {**sums, **shares, "deliveries_s": rate, "closed": bursts[-1]["closed"], "each": bursts}


SCENARIO = Scenario(
    key="streams",
    order=100,
    title=title,
    contenders=(PODE_PY, SSE_STARLETTE, CEILING),
    columns=(
        Column("burst deliveries/s", lambda figures: figures["burst"]["deliveries_s"], whole, 1),
        Column("burst lost", lambda figures: figures["burst"]["lost"], whole),
        Column("paced p50", lambda figures: figures["paced"]["p50_ms"], milliseconds, -1),
        Column("paced p99", lambda figures: figures["paced"]["p99_ms"], milliseconds, -1),
        Column("paced lost", lambda figures: figures["paced"]["lost"], whole),
        Column("memory/idle stream", lambda figures: figures["memory"], kilobytes, -1),
        Column("burst: server CPU", lambda figures: figures["burst"]["server_cpu"], share),
        Column("burst: client CPU", lambda figures: figures["burst"]["client_cpu"], share),
    ),
    measure=measure,
    goals=(
        Goal("burst, deliveries/s", "burst deliveries/s", at_least=8_000_000),
        Goal("burst", "burst deliveries/s", at_least=100, against=("sse-starlette",)),
        Goal("paced, p50", "paced p50", at_most=1.15, against=("ceiling",)),
        Goal("paced, p99", "paced p99", at_most=1.15, against=("ceiling",)),
    ),
)
