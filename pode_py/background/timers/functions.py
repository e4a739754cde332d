"""Pode's timer functions: work that repeats after an interval in seconds."""

from __future__ import annotations

from collections.abc import Sequence

from pode_py.background.timers.service import Timers
from pode_py.background.timers.timer import Timer
from pode_py.core import ambient
from pode_py.core.ambient import room
from pode_py.core.arguments import Duration, as_list, filled, seconds, whole_number
from pode_py.core.files import load_folder
from pode_py.core.handlers import Arguments, Function, Handler
from pode_py.core.paths import Folders, StrPath
from pode_py.core.registration import Registration, decorates, registered

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

    The triggers stay on the grid of the interval, however long a run takes. A timer that is due
    while it still runs is skipped, with one warning in the log; other timers are not affected.

    interval: seconds as int, float or timedelta.
    limit: the number of runs after which the timer is done; 0 for no end.
    skip: how many triggers pass at first without a run.
    argument_list: values for the handler's parameters, a list by position or a dict by name.
    on_start: also run as soon as the server has started; counts toward `limit`.
    every_process: with several worker processes, run in each of them, and not in one. Ours.

    Without `handler` and `file_path` it is a decorator. Raises PodeError if the name is taken, or
    if the handler has a parameter that nothing fills or is a generator function.

        @add_timer("heartbeat", 5)
        def heartbeat():
            send_sse_event("beat", name="clock")
    """
    name = filled("name", name)
    every = seconds("interval", interval, minimum=SHORTEST_INTERVAL)
    limit, skip = whole_number("limit", limit), whole_number("skip", skip)

    def add(runner: Handler) -> None:
        room(Timers).add(Timer(name, every, runner, limit, skip, on_start, every_process))

    what = f'add_timer("{name}", {interval!r})'
    return registered(what, add, handler, file_path, ambient.TIMER, argument_list)


def edit_timer(
    name: str,
    interval: Duration | None = None,
    handler: Function | None = None,
    *,
    argument_list: Arguments = None,
) -> None:
    """Change what is given of a timer, and keep the rest. Pode: Edit-PodeTimer.

    interval: seconds; a new interval counts from now.

    Raises PodeError if there is no such timer.

        edit_timer("heartbeat", 10)
    """
    every = None
    if interval is not None:
        every = seconds("interval", interval, minimum=SHORTEST_INTERVAL)
    room(Timers).edit(name, every, handler, argument_list)


def invoke_timer(name: str, *, argument_list: Arguments = None) -> None:
    """Run a timer's handler now, and return when it has ended. Pode: Invoke-PodeTimer.

    The run does not count toward the timer's limit and moves no trigger. What the handler raises
    is logged. Called from `async def` code, an `async def` handler runs later, on its own.

    argument_list: values that come after those of `add_timer`, or replace them by name.

    Raises PodeError if there is no such timer.

        invoke_timer("report", argument_list=["today"])  # of: def report(day="yesterday")
    """
    room(Timers).invoke(name, argument_list)


def remove_timer(name: str) -> None:
    """Remove a timer. A run of it goes on. Pode: Remove-PodeTimer.

    remove_timer("heartbeat")
    """
    room(Timers).remove(name)


def clear_timers() -> None:
    """Remove all timers. Pode: Clear-PodeTimers.

    clear_timers()
    """
    room(Timers).clear()


def get_timer(name: str | Sequence[str] | None = None) -> list[Timer]:
    """The timers with these names, or all. Pode: Get-PodeTimer.

    A name that does not exist gives no timer and no error.

        for timer in get_timer():
            print(timer.name, timer.next_trigger_time)
    """
    return room(Timers).get(as_list(name))


def test_timer(name: str) -> bool:
    """Whether there is a timer with this name. Pode: Test-PodeTimer.

    if not test_timer("heartbeat"): ...
    """
    return room(Timers).exists(name)


def use_timers(path: StrPath | None = None) -> None:
    """Run every Python file below a folder, so that each may add timers. Pode: Use-PodeTimers.

    path: the folder, `timers` beside the server's script by default. Files whose names begin
    with an underscore are left out. Raises PodeError if the folder does not exist.

        use_timers("jobs/timers")
    """
    load_folder(room(Folders).resolve(path or "timers"))
