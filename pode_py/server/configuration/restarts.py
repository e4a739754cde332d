"""Restarts: the timer and the schedules by which a server restarts as its configuration says."""

from __future__ import annotations

import re
from collections.abc import Callable

from pode_py.background.schedules.schedule import Schedule
from pode_py.background.schedules.service import Schedules
from pode_py.background.timers.service import Timers
from pode_py.background.timers.timer import Timer
from pode_py.core.handlers import Handler
from pode_py.server.configuration.configuration import Configuration
from pode_py.server.configuration.settings import RestartConfig

# Pode's names, so that a script can look for them, or remove them.
PERIOD = "__pode_restart_period__"
TIMES = "__pode_restart_times__"
CRONS = "__pode_restart_crons__"

_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")


def add_restarts(
    wanted: RestartConfig,
    configuration: Configuration,
    timers: Timers,
    schedules: Schedules,
    restart: Callable[[], object],
) -> None:
    """Add what the configuration asks for, for this process. Raises StartError for a time or an
    expression that can't be read."""
    handler = Handler(restart, what="Server.Restart")
    if wanted.period:
        timers.add(Timer(PERIOD, wanted.period * 60, handler, every_process=True))
    times = [_cron(time, configuration) for time in wanted.times]
    for name, part, expressions in ((TIMES, "Times", times), (CRONS, "Crons", list(wanted.crons))):
        if not expressions:
            continue
        try:
            schedules.add(Schedule(name, expressions, handler, every_process=True))
        except ValueError as error:
            raise configuration.error(f"Server.Restart.{part}", f"can't be used: {error}") from None


def _cron(time: str, configuration: Configuration) -> str:
    """The expression of a time of day: "09:30" is ``30 9 * * *``."""
    found = _TIME.fullmatch(time.strip())
    if found is None:
        raise configuration.error(
            "Server.Restart.Times", f'has {time!r}, which is no time of day. Write it as "09:30".'
        )
    return f"{int(found[2])} {int(found[1])} * * *"
