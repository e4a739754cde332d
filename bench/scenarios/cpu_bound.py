"""The plain route, and events, while another handler keeps the interpreter busy the whole time."""

import threading
from http.client import HTTPConnection, HTTPException

from bench.contenders import FLASK, PODE_PY, SSE_STARLETTE, Contender
from bench.gaps import INTERVAL_MS, STREAMS, Gaps
from bench.process import Server
from bench.scenario import Column, Figures, Goal, Scenario, milliseconds, share
from bench.settings import Settings
from bench.steady import GRACE_SECONDS, Steady, warm_up

CONNECTIONS = 8
# A tenth or less of what each contender reaches, so that quiet means quiet.
RATE = 200
# Of the events that were planned, so many must come while they are sent: they go on.
GO_ON = 0.9
# Flask has no event streams of its own.
NO_EVENTS = {FLASK.name}


def title(settings: Settings) -> str:
    return (
        f"Beside a CPU-bound handler: {RATE} requests/s of the plain route on {CONNECTIONS} "
        f"connections, and an event every {INTERVAL_MS} ms to {STREAMS} streams, first quiet, then "
        f"while a handler computes in pure Python, {settings.seconds} s each"
    )


def measure(contender: Contender, settings: Settings) -> Figures:
    """Return latencies and gaps between events, quiet and beside the busy handler."""
    with Server(contender, settings.server_core) as server:
        warm_up(server, "/plain", settings)
        quiet = _load(server, settings)
        with Burning(server, settings.seconds + GRACE_SECONDS):
            busy = _load(server, settings)
    return {"quiet": quiet, "busy": busy}


def _load(server: Server, settings: Settings) -> Figures:
    seconds = settings.seconds
    load = Steady(server, "/plain", settings, connections=CONNECTIONS, rate=RATE, seconds=seconds)
    if server.contender.name in NO_EVENTS:
        with load:
            return load.figures()
    with Gaps(server, seconds) as gaps, load:
        return {**load.figures(), "events": gaps.figures()}


class Burning:
    """A request whose handler computes for so long; a context manager that waits for its end."""

    def __init__(self, server: Server, seconds: float) -> None:
        self._port = server.port
        self._seconds = seconds
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._thread.join()

    def _ask(self) -> None:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=self._seconds + 10)
        try:
            connection.request("GET", f"/burn?seconds={self._seconds}")
            connection.getresponse().read()
        except (OSError, HTTPException):
            return  # a server that cannot answer it shows that in its latencies
        finally:
            connection.close()


def _gap(when: str, figures: Figures) -> float | None:
    events = figures[when].get("events")
    return None if events is None else events["longest_ms"]


def _arrived(figures: Figures) -> float | None:
    events = figures["busy"].get("events")
    return None if events is None else events["fewest"] / events["planned"]


SCENARIO = Scenario(
    key="cpu_bound",
    order=50,
    title=title,
    contenders=(PODE_PY, SSE_STARLETTE, FLASK),
    columns=(
        Column("busy p99", lambda figures: figures["busy"]["p99_ms"], milliseconds, -1),
        Column("quiet p99", lambda figures: figures["quiet"]["p99_ms"], milliseconds, -1),
        Column(
            "busy : quiet",
            lambda figures: figures["busy"]["p99_ms"] / figures["quiet"]["p99_ms"],
            "{:.1f} x".format,
        ),
        Column(
            "busy, unanswered",
            lambda figures: figures["busy"]["unanswered"] / figures["busy"]["planned"],
            share,
        ),
        Column("busy, events in time", _arrived, share),
        Column(
            "quiet, longest gap in events", lambda figures: _gap("quiet", figures), milliseconds
        ),
        Column("busy, longest gap in events", lambda figures: _gap("busy", figures), milliseconds),
    ),
    measure=measure,
    goals=(
        Goal("p99 beside a CPU-bound handler : quiet", "busy : quiet", at_most=3),
        Goal("events beside it", "busy, events in time", at_least=GO_ON),
    ),
)
