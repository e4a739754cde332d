"""RoomDirectory: the rooms of one server, found by type, and what they do at start and stop."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, TypeVar, cast

from pode_py.core.errors import PodeError
from pode_py.observability.metrics.metrics import Metrics
from pode_py.server.phases import Start, Stop
from pode_py.server.shutdown import GracePeriod

Room = TypeVar("Room")
#: Gets the seconds that it may take.
StopJob = Callable[[float], object]


class RoomDirectory:
    """Filled while the server is built, by one thread. Any thread may find a room."""

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics
        self._rooms: dict[type, object] = {}
        self._checks: list[Callable[[], object]] = []
        self._starts: dict[Start, list[Callable[[], object]]] = {phase: [] for phase in Start}
        self._stops: dict[Stop, list[StopJob]] = {phase: [] for phase in Stop}
        self.add(metrics)

    def add(self, room: Room, *, start: Start | None = None, stop: Stop | None = None) -> Room:
        """Take in a room, and use what it has of these methods.

        `check()` raises StartError after the set-up for what was forgotten in it. `start()` and
        `stop(timeout)` are called in the phases that are given. `metrics()` returns what is
        counted.
        """
        known: Any = room
        self._rooms[type(room)] = room
        if start is not None:
            self.at_start(start, known.start)
        if stop is not None:
            self.at_stop(stop, known.stop)
        if hasattr(room, "check"):
            self._checks.append(known.check)
        if hasattr(room, "metrics"):
            self.metrics.add_source(known.metrics)
        return room

    def at_start(self, phase: Start, job: Callable[[], object]) -> None:
        """Run `job` in this phase, for a room that has more than one. What it raises ends it."""
        self._starts[phase].append(job)

    def at_stop(self, phase: Stop, job: StopJob) -> None:
        """Run `job` in this phase, for a room that has more than one."""
        self._stops[phase].append(job)

    def room(self, kind: type[Room]) -> Room:
        """The room of this type. Raises PodeError if this server has none."""
        try:
            return cast("Room", self._rooms[kind])
        except KeyError:
            raise PodeError(f"This server has no {kind.__name__}.") from None

    def check_rooms(self) -> None:
        """Raise StartError for what was forgotten in the set-up."""
        for check in self._checks:
            check()

    def start_rooms(self, *phases: Start) -> None:
        """Go through these phases of the start."""
        for phase in phases:
            for job in self._starts[phase]:
                job()

    def stop_rooms(self, grace: GracePeriod) -> None:
        """Go through the whole stop. A job that raises leaves none of the others out."""
        jobs = [(phase, job) for phase in Stop for job in self._stops[phase]]
        with ExitStack() as stack:
            for phase, job in reversed(jobs):
                stack.callback(grace.wait, job, phase.at_least, phase.at_most)
