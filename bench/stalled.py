"""What one client that does not read costs the others: p99 of 200 streams with it and without.

    python -m bench.stalled [--events 10000] [--rounds 3]

The rounds take turns on the same server, which sends an event every two milliseconds. Exit code
1 if an event was lost, or if the median of p99 with the stalled client is more than 10 % above the
median without it.
"""

import argparse
import statistics
import sys

from bench.contenders import Contender
from bench.process import Server
from bench.stream_client import StreamClient
from bench.tools import raise_file_limit
from pode_py.testing import SlowReader, fetch

STREAMS = 199
INTERVAL_MS = 2
ALLOWED = 1.10

OURS = Contender(
    "stalled", "pode_py", (sys.executable, "-m", "bench.servers.stalled", "{port}"), ()
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.stalled")
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    raise_file_limit(1000)
    figures: dict[str, list[float]] = {"without": [], "with": []}
    lost = 0
    with Server(OURS) as server:
        url = f"http://127.0.0.1:{server.port}"
        for number in range(arguments.rounds):
            for case, p99s in figures.items():
                found = _measure(server, url, arguments.events, stalled=case == "with")
                lost += found["lost"]
                p99s.append(found["p99_ms"])
                print(f"round {number + 1}, {case:7} p99 {p99s[-1]:.2f} ms, {found['lost']} lost")
    without, with_it = (statistics.median(p99s) for p99s in figures.values())
    print(f"p99: {without:.2f} ms without, {with_it:.2f} ms with it: {with_it / without:.2f} x")
    return 1 if lost or with_it > without * ALLOWED else 0


def _measure(server: Server, url: str, events: int, *, stalled: bool) -> dict:
    path = f"/paced?n={events}&interval_ms={INTERVAL_MS}"
    timeout = events * INTERVAL_MS / 1000 + 30
    if not stalled:
        with StreamClient(server, STREAMS) as client:
            return client.run(path, events, timeout)
    with SlowReader(url + "/stuck", deadline=30):
        fetch(url + "/fill", deadline=30)
        with StreamClient(server, STREAMS) as client:
            found = client.run(path, events, timeout)
        dropped = int(fetch(url + "/dropped", deadline=30).text)
        assert dropped > events / 2, f"The client was not stalled: {dropped} events were dropped."
        return found


if __name__ == "__main__":
    sys.exit(main())
