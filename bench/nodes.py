"""Two nodes of a contender on one Redis, each with its streams: what one sends, both deliver."""

from contextlib import ExitStack

from bench.contenders import Contender
from bench.process import Server
from bench.redis_server import RedisServer
from bench.scenario import Figures
from bench.settings import Settings
from bench.stream_client import StreamClient

HERE, THERE = "sender's node", "other node"
SUMMED = ("expected", "deliveries", "lost", "uneven_streams", "closed")
SHARES = ("server_cpu", "client_cpu", "redis_cpu")
# Who has fallen behind has seconds of work left, which nobody waits for.
STOP_SECONDS = 1


class Nodes:
    """A context manager of everything: Redis, two servers, and a client with streams on each."""

    def __init__(self, contender: Contender, settings: Settings, *, history: bool) -> None:
        self._contender = contender
        self._settings = settings
        self._history = "yes" if history else "no"
        self._stack = ExitStack()

    def __enter__(self) -> "Nodes":
        with self._stack as stack:
            self._redis = stack.enter_context(RedisServer(self._settings.server_core))
            self._servers = [stack.enter_context(self._server(number)) for number in (1, 2)]
            self._clients = [
                stack.enter_context(
                    StreamClient(server, self._settings.streams, self._settings.client_core)
                )
                for server in self._servers
            ]
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _server(self, number: int) -> Server:
        return Server(
            self._contender,
            self._settings.server_core,
            stop_seconds=STOP_SECONDS,
            places={"redis": self._redis.url, "history": self._history},
            log=f"{self._contender.name}-node{number}",
        )

    def run(self, path: str, events: int, timeout: float) -> Figures:
        """GET the path of the first node, which sends so many events; count them on both."""
        sender, other = self._clients
        redis_before = self._redis.cpu_seconds()
        others = other.watch(events, timeout)
        here = sender.run(path, events, timeout)
        there = others()
        redis_used = self._redis.cpu_seconds() - redis_before
        return {HERE: here, THERE: there, **_together(here, there, redis_used)}


def _together(here: Figures, there: Figures, redis_used: float) -> Figures:
    """Return what both nodes come to, from when the first was asked to send to the last delivery.

    Shares are of one core.
    """
    both = (here, there)
    sums = {name: sum(one[name] for one in both) for name in SUMMED}
    seconds = (max(one["latest_ns"] for one in both) - here["began_ns"]) / 1e9
    if not sums["deliveries"]:
        return {**sums, **dict.fromkeys(("seconds", "deliveries_s", *SHARES), 0.0)}
    used = {
        name: sum(one[name] * one["seconds"] for one in both)
        for name in ("server_cpu", "client_cpu")
    }
    shares = {name: value / seconds for name, value in {**used, "redis_cpu": redis_used}.items()}
    return {**sums, **shares, "seconds": seconds, "deliveries_s": sums["deliveries"] / seconds}
