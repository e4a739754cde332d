"""Figures of the rooms that do not count for the metrics themselves: timers, schedules, engine."""

from __future__ import annotations

from collections.abc import Iterable

from pode_py.background.schedules.service import Schedules
from pode_py.background.timers.service import Timers
from pode_py.engine.port import EnginePort
from pode_py.observability.metrics.figure import Figure


def background_figures(timers: Timers, schedules: Schedules) -> Iterable[Figure]:
    """How often each timer and schedule has triggered a run."""
    return (
        Figure("counter", "pode_timer_runs", "Runs by timer.", _runs(timers), "timer"),
        Figure("counter", "pode_schedule_runs", "Runs by schedule.", _runs(schedules), "schedule"),
    )


def engine_figures(engine: EnginePort) -> Iterable[Figure]:
    """How many clients are connected, whatever they do."""
    return (Figure("gauge", "pode_connections", "Open connections.", engine.connections),)


def _runs(room: Timers | Schedules) -> dict[str, int]:
    return {one.name: one.count for one in room.get()}
