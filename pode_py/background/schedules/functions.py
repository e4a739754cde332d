"""Pode's schedule functions: work at the times of cron expressions; and `new_cron`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any, Literal

from pode_py.background.runs import Timeout
from pode_py.background.schedules.builder import EVERY, build_cron
from pode_py.background.schedules.cron_fields import MONTHS, WEEKDAYS
from pode_py.background.schedules.process import ScheduleProcess
from pode_py.background.schedules.schedule import Schedule
from pode_py.background.schedules.service import Schedules
from pode_py.background.schedules.zones import Zone, zone_of
from pode_py.core import ambient
from pode_py.core.ambient import room
from pode_py.core.arguments import (
    MOST_THREADS,
    Duration,
    as_list,
    filled,
    one_of,
    seconds,
    some_of,
    whole_number,
)
from pode_py.core.checks import checked, decorates
from pode_py.core.handlers import Arguments, Function, Handler
from pode_py.core.paths import Folders, StrPath
from pode_py.core.registration import Registration, registered

__all__ = [
    "add_schedule",
    "clear_schedules",
    "edit_schedule",
    "get_schedule",
    "get_schedule_next_trigger",
    "get_schedule_process",
    "invoke_schedule",
    "new_cron",
    "remove_schedule",
    "set_schedule_concurrency",
    "test_schedule",
    "use_schedules",
]

TimeoutFrom = Literal["create", "start"]
ProcessState = Literal["all", "pending", "running", "completed", "failed"]
Month = Literal[
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
]  # fmt: skip
Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
EveryUnit = Literal["minute", "hour", "day", "date", "month", "quarter", "year", "none"]


@decorates('add_schedule("name", "@daily")')
def add_schedule(
    name: str,
    cron: str | Sequence[str],
    handler: Function | None = None,
    *,
    limit: int = 0,
    start_time: datetime | None = None,
    end_time: datetime | None = None,
    file_path: StrPath | None = None,
    argument_list: Arguments = None,
    timeout: Duration = -1,
    timeout_from: TimeoutFrom = "create",
    on_start: bool = False,
    every_process: bool = False,
    time_zone: str | tzinfo | None = None,
) -> Registration:
    """Run a handler at the times of one or several cron expressions. Pode: Add-PodeSchedule.

    Runs of one schedule can overlap; at most ten runs of all schedules go on at a time.

    cron: such as "0 7 * * MON" or "@daily"; several mean the times of all of them.
    handler: can have the parameter `schedule_event`, and others that `argument_list` fills or that
        have defaults.
    limit: number of runs after which the schedule is done; 0 means no end.
    start_time, end_time: no triggers before and after. A naive datetime is one of the time zone.
    file_path: a Python file that defines the handler, instead of `handler`.
    argument_list: values for the handler's parameters, a dict by name or a list by position.
    timeout: seconds after which a run counts as failed; -1 means never. Its thread goes on.
    timeout_from: whether these seconds count from the "create" of the run, when it can have to wait
        for a thread, or from its "start".
    on_start: run also as soon as the server has started; counts toward `limit`.
    every_process: run in each worker process instead of one. Not in Pode.
    time_zone: the zone of the expressions, such as "Europe/Berlin"; by default that of the machine.
        Not in Pode.

    Returns a decorator if there is no handler.
    Raises ValueError for an expression that is wrong or never comes; PodeError if the name is
    taken, or if the handler has a parameter that nothing fills or is a generator function.

        @add_schedule("report", "0 7 * * MON", time_zone="Europe/Berlin")
        def report():
            send_sse_event("Good morning", name="news")
    """
    zone = zone_of(time_zone)
    options: dict[str, Any] = {
        "limit": whole_number("limit", limit),
        "starts": _instant("start_time", start_time, zone),
        "ends": _instant("end_time", end_time, zone),
        "timeout": _timeout(timeout, timeout_from),
        "on_start": on_start,
        "every_process": every_process,
        "zone": zone,
    }
    name, expressions = filled("name", name), as_list(cron)
    if _is_cron(name) and not any(map(_is_cron, expressions)):
        raise ValueError(
            "add_schedule takes name, cron, handler in this order. Write "
            f'add_schedule("{expressions[0]}", "{name}").'
        )

    def add(runner: Handler) -> None:
        room(Schedules).add(Schedule(name, expressions, runner, **options))

    what = f'add_schedule("{name}", {cron!r})'
    return registered(what, add, handler, file_path, ambient.SCHEDULE, argument_list)


def _is_cron(text: str) -> bool:
    """Whether it looks like an expression, right or wrong."""
    fields = text.split()
    is_time = len(fields) == 5 and all(one[0] in "*0123456789" for one in fields[:2])
    return is_time or text.startswith("@")


@checked
def edit_schedule(
    name: str,
    cron: str | Sequence[str] | None = None,
    handler: Function | None = None,
    *,
    argument_list: Arguments = None,
) -> None:
    """Change the parts of a schedule that are given, and keep the rest. Pode: Edit-PodeSchedule.

    handler: as in `add_schedule`.
    argument_list: values for the handler's parameters, instead of those of `add_schedule`.

    Raises PodeError if there is no such schedule; ValueError for a wrong expression.

        edit_schedule("report", ["0 7 * * MON", "0 7 1 * *"])
    """
    room(Schedules).edit(name, as_list(cron), handler, argument_list)


@checked
def set_schedule_concurrency(maximum: int) -> None:
    """Set how many runs of all schedules can go on at a time. Pode: Set-PodeScheduleConcurrency.

    maximum: number of runs, 10 unless set; further runs wait.

        set_schedule_concurrency(25)
    """
    room(Schedules).set_concurrency(
        whole_number("maximum", maximum, minimum=1, maximum=MOST_THREADS)
    )


@checked
def invoke_schedule(name: str, *, argument_list: Arguments = None) -> None:
    """Run a schedule's handler now, on the schedules' threads. Pode: Invoke-PodeSchedule.

    It returns at once. The run does not count toward the schedule's limit and moves no trigger.

    argument_list: values that come after those of `add_schedule`, or replace them by name.

    Raises PodeError if there is no such schedule.

        invoke_schedule("report", argument_list={"day": "today"})
    """
    room(Schedules).invoke(name, argument_list)


@checked
def remove_schedule(name: str) -> None:
    """Remove a schedule; runs that have begun go on. Pode: Remove-PodeSchedule.

    remove_schedule("report")
    """
    room(Schedules).remove(name)


def clear_schedules() -> None:
    """Remove all schedules. Pode: Clear-PodeSchedules.

    clear_schedules()
    """
    room(Schedules).clear()


@checked
def get_schedule(
    name: str | Sequence[str] | None = None,
    *,
    start_time: datetime | None = None,
    end_time: datetime | None = None,
) -> list[Schedule]:
    """Return the schedules with these names, or all schedules. Pode: Get-PodeSchedule.

    start_time, end_time: only schedules that will trigger between these times. A naive datetime is
        one of each schedule's zone.

        for schedule in get_schedule():
            print(schedule.name, schedule.next_trigger_time)
    """
    schedules = room(Schedules).get(as_list(name))
    if start_time is None and end_time is None:
        return schedules
    return room(Schedules).between(schedules, start_time, end_time)


@checked
def test_schedule(name: str) -> bool:
    """Return whether there is a schedule with this name. Pode: Test-PodeSchedule.

    if not test_schedule("report"):
        add_schedule("report", "@daily", lambda: print("report"))
    """
    return room(Schedules).exists(name)


@checked
def get_schedule_next_trigger(name: str, date_time: datetime | None = None) -> datetime | None:
    """Return the first trigger of a schedule after a time. Pode: Get-PodeScheduleNextTrigger.

    date_time: by default now, or the start time if that is later. A naive datetime is one of the
        schedule's zone.

    Returns an aware datetime in the schedule's zone, or None if no trigger comes before its end
    time.
    Raises PodeError if there is no such schedule, or if `date_time` is outside of its times.

        from datetime import datetime

        get_schedule_next_trigger("report", datetime(2027, 3, 20))
    """
    return room(Schedules).next_trigger(name, date_time)


@checked
def use_schedules(path: StrPath | None = None) -> None:
    """Run every Python file below a folder; each can add schedules. Pode: Use-PodeSchedules.

    path: the folder; by default `schedules` next to the server's script. Files whose names begin
        with an underscore are left out.

    Raises PodeError if the folder does not exist.

        use_schedules("jobs/schedules")
    """
    room(Folders).load(path or "schedules")


@checked
def get_schedule_process(
    name: str | Sequence[str] | None = None,
    *,
    id: str | Sequence[str] | None = None,
    state: ProcessState | Sequence[ProcessState] = "all",
) -> list[ScheduleProcess]:
    """Return runs of schedules, oldest first. Pode: Get-PodeScheduleProcess.

    These are the runs that go on, and the last 100 that ended, of triggers and of
    `invoke_schedule`.

    id: one or several ids of runs.
    state: one or several of "pending", "running", "completed" and "failed"; "all" means each.

        for process in get_schedule_process("report", state="running"):
            print(process.id, process.start_time)
    """
    known = ["all", "pending", "running", "completed", "failed"]
    states = some_of("state", state, known)
    chosen = [] if "all" in states else states
    return room(Schedules).processes(as_list(name), as_list(id), chosen)


@checked
def new_cron(
    *,
    minute: int | Sequence[int] | None = None,
    hour: int | Sequence[int] | None = None,
    date: int | Sequence[int] | None = None,
    month: Month | Sequence[Month] | None = None,
    day: Day | Sequence[Day] | None = None,
    every: EveryUnit = "none",
    interval: int = 0,
) -> str:
    """Build a cron expression from words. Pode: New-PodeCron.

    minute: 0 to 59.
    hour: 0 to 23.
    date: the day of the month, 1 to 31.
    month: January to December, in any case of letters.
    day: Monday to Sunday.
    every: "minute", "hour", "day", "date", "month", "quarter" or "year" fills in the smaller parts:
        "day" means at 00:00, "hour" at minute 0. "none" fills in nothing.
    interval: with `every`, each `interval` minutes, hours, days, dates or months, counted from the
        one value that the part of `every` can have.

    Raises ValueError for a number out of bounds, or for an interval that has no part to count.

        new_cron(every="day", day=["tuesday", "friday"], hour=1)  # 0 1 * * 2,5
        new_cron(every="minute", interval=15, hour=[1, 2, 3])  # */15 1,2,3 * * *
    """
    values = {
        "minute": _numbers("minute", minute, 0, 59),
        "hour": _numbers("hour", hour, 0, 23),
        "date": _numbers("date", date, 1, 31),
        "month": [place + 1 for place in _places("month", month, MONTHS)],
        "day": _places("day", day, WEEKDAYS),
    }
    return build_cron(values, one_of("every", every, EVERY), whole_number("interval", interval))


def _numbers(name: str, value: int | Sequence[int] | None, lowest: int, highest: int) -> list[int]:
    return [whole_number(name, item, minimum=lowest, maximum=highest) for item in as_list(value)]


def _places(name: str, value: str | Sequence[str] | None, words: Sequence[str]) -> list[int]:
    known = [word.lower() for word in words]
    return [known.index(word) for word in some_of(name, value or [], known)]


def _instant(name: str, moment: datetime | None, zone: Zone) -> datetime | None:
    if moment is None:
        return None
    if not isinstance(moment, datetime):
        raise TypeError(f"{name} takes a datetime, not {moment!r}.")
    return zone.instant(moment)


def _timeout(value: Duration, since: str) -> Timeout:
    since = one_of("timeout_from", since, ("create", "start"))
    return Timeout(None if value == -1 else seconds("timeout", value, never="-1"), since)
