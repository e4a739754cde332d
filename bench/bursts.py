"""Bursts on open streams until they have taken long enough to be measured. It starts no server."""

from typing import Protocol

from bench.scenario import Figures

SECONDS = 2.0
AT_MOST = 20


class Streams(Protocol):
    """Open streams, and a way to have events sent to them."""

    def run(self, path: str, events: int, timeout: float) -> Figures: ...


def bursts(
    client: Streams, path: str, events: int, timeout: float, seconds: float = SECONDS
) -> Figures:
    """Return the sums of the bursts that GET `path` makes, and shares of their whole time.

    Each brings so many events to every stream. A fast server is done with one in less time than
    can be measured well.
    """
    each: list[Figures] = []
    while len(each) < AT_MOST and sum(one["seconds"] for one in each) < seconds:
        one = client.run(path, events, timeout)
        each.append(one)
        if one["lost"]:
            break  # what comes late would be counted with the next burst
    return _together(each)


def _together(each: list[Figures]) -> Figures:
    sums = {
        name: sum(one[name] for one in each)
        for name in ("expected", "deliveries", "lost", "uneven_streams", "seconds")
    }
    seconds = sums["seconds"]
    shares = {
        name: sum(one[name] * one["seconds"] for one in each) / seconds if seconds else 0.0
        for name in ("server_cpu", "client_cpu", "redis_cpu")
        if name in each[0]
    }
    rate = sums["deliveries"] / seconds if seconds else 0.0
    return {**sums, **shares, "deliveries_s": rate, "closed": each[-1]["closed"], "each": each}
