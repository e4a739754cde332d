"""Pode's timer functions: work that repeats after an interval in seconds."""

from __future__ import annotations

from collections.abc import Sequence

from pode_py.background.timers.service import Timers
from pode_py.background.timers.timer import Timer
from pode_py.core import ambient
from pode_py.core.ambient import room
from pode_py.core.arguments import LONGEST, Duration, as_list, filled, seconds, whole_number
from pode_py.core.checks import checked, decorates
from pode_py.core.handlers import Arguments, Function, Handler
from pode_py.core.paths import Folders, StrPath
from pode_py.core.registration import Registration, registered

__all__ = [
    "add_timer",
    "clear_timers",
    "edit_timer",
    "get_timer",
    "invoke_timer",
    "remove_timer",
    "test_timer",
    "use_timers",
]

# Shorter ones are meant to be something else.
SHORTEST_INTERVAL = 0.001


@decorates('add_timer("name", 5)')
def add_timer(
    name: str,
    interval: Duration,
    handler: Function | None = None,
    *,
    limit: int = 0,
    skip: int = 0,
    file_path: StrPath | None = None,
    argument_list: Arguments = None,
    on_start: bool = False,
    every_process: bool = False,
) -> Registration:
    """Run a handler every `interval` seconds. Pode: Add-PodeTimer.

    Triggers stay on the grid of the interval, however long a run takes. A timer that is due while
    its last run still goes on is skipped, with one warning in the log; other timers are not
    affected.

    interval: seconds, as int, float or timedelta; at least 0.001.
    handler: can have the parameter `timer_event`, and others that `argument_list` fills or that
        have defaults.
    limit: number of runs after which the timer is done; 0 means no end.
    skip: number of triggers that pass without a run at first.
    file_path: a Python file that defines the handler, instead of `handler`.
    argument_list: values for the handler's parameters, a list by position or a dict by name.
    on_start: run also as soon as the server has started; counts toward `limit`.
    every_process: run in each worker process instead of one. Not in Pode.

    Returns a decorator if there is no handler.
    Raises PodeError if the name is taken, or if the handler has a parameter that nothing fills or
    is a generator function; ValueError if the interval is too short.

        @add_timer("heartbeat", 5)
        def heartbeat():
            send_sse_event("beat", name="clock")
    """
    name = filled("name", name)
    every = seconds("interval", interval, minimum=SHORTEST_INTERVAL)
    limit = whole_number("limit", limit)
    skip = whole_number("skip", skip, maximum=int(LONGEST / every))

    def add(runner: Handler) -> None:
        room(Timers).add(Timer(name, every, runner, limit, skip, on_start, every_process))

    what = f'add_timer("{name}", {interval!r})'
    return registered(what, add, handler, file_path, ambient.TIMER, argument_list)


@checked
def edit_timer(
    name: str,
    interval: Duration | None = None,
    handler: Function | None = None,
    *,
    argument_list: Arguments = None,
) -> None:
    """Change the parts of a timer that are given, and keep the rest. Pode: Edit-PodeTimer.

    interval: seconds; a new interval counts from now.
    handler: as in `add_timer`.
    argument_list: values for the handler's parameters, instead of those of `add_timer`.

    Raises PodeError if there is no such timer.

        edit_timer("heartbeat", 10)
    """
    every = None
    if interval is not None:
        every = seconds("interval", interval, minimum=SHORTEST_INTERVAL)
    room(Timers).edit(name, every, handler, argument_list)


@checked
def invoke_timer(name: str, *, argument_list: Arguments = None) -> None:
    """Run a timer's handler now, and wait until it has ended. Pode: Invoke-PodeTimer.

    The run does not count toward the timer's limit and moves no trigger. If the handler raises, the
    error is logged. Called from `async def` code, an `async def` handler runs later, on its own.

    argument_list: values that come after those of `add_timer`, or replace them by name.

    Raises PodeError if there is no such timer.

        invoke_timer("report", argument_list=["today"])  # of: def report(day="yesterday")
    """
    room(Timers).invoke(name, argument_list)


@checked
def remove_timer(name: str) -> None:
    """Remove a timer; a run that has begun goes on. Pode: Remove-PodeTimer.

    remove_timer("heartbeat")
    """
    room(Timers).remove(name)


def clear_timers() -> None:
    """Remove all timers. Pode: Clear-PodeTimers.

    clear_timers()
    """
    room(Timers).clear()


@checked
def get_timer(name: str | Sequence[str] | None = None) -> list[Timer]:
    """Return the timers with these names, or all timers. Pode: Get-PodeTimer.

    name: one or several names; a name that does not exist is ignored.

        for timer in get_timer():
            print(timer.name, timer.next_trigger_time)
    """
    return room(Timers).get(as_list(name))


@checked
def test_timer(name: str) -> bool:
    """Return whether there is a timer with this name. Pode: Test-PodeTimer.

    if not test_timer("heartbeat"):
        add_timer("heartbeat", 5, lambda: print("beat"))
    """
    return room(Timers).exists(name)


@checked
def use_timers(path: StrPath | None = None) -> None:
    """Run every Python file below a folder, so that each can add timers. Pode: Use-PodeTimers.

    path: the folder; by default `timers` next to the server's script. Files whose names begin with
        an underscore are left out.

    Raises PodeError if the folder does not exist.

        use_timers("jobs/timers")
    """
    room(Folders).load(path or "timers")
