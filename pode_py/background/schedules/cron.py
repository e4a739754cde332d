"""Cron: one cron expression in Pode's form, and the instants it means. Pure: no clock, no chance.

Pode's form: five fields (minute, hour, day of month, month, day of week), predefined words such
as @hourly, names such as JAN and MON, and R for a random value. A day must suit both day fields,
as in Pode (src/Private/CronParser.ps1, Test-PodeCronExpression); in Unix cron one is enough.
croniter finds the next time on the wall clock. What that time means on a day when the clocks
change is decided here:

* An expression for every hour, whose minutes look the same before and after the change, goes by
  real time: `*/5 * * * *` runs every five minutes, whatever the clocks do.
* Any other goes by the clock: a time that is skipped runs at the moment of the change, once for
  all times that were skipped together; a time that comes twice runs the first time only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from croniter import CroniterBadDateError, croniter

from pode_py.background.schedules.cron_fields import (
    DAYS_IN_MONTHS,
    FIELDS,
    Field,
    check_dates,
    parse_fields,
)
from pode_py.background.schedules.zones import DAY, SECOND, Zone

MINUTE = timedelta(minutes=1)
# Places of fields.
DATE, MONTH = 2, 3
# A leap year, so that 29 February is near.
_ANY_TIME = datetime(2024, 1, 1)

PREDEFINED = {
    "@minutely": "* * * * *",
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 1,4,7,10 *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@twice-hourly": "0,30 * * * *",
    "@twice-daily": "0 0,12 * * *",
    "@twice-weekly": "0 0 * * 0,4",
    "@twice-monthly": "0 0 1,15 * *",
    "@twice-yearly": "0 0 1 1,6 *",
    "@twice-annually": "0 0 1 1,6 *",
}

# Returns a whole number from the first to the second, both included: random.Random.randint.
Draw = Callable[[int, int], int]


@dataclass(frozen=True, slots=True)
class Cron:
    """An expression with the values that its random fields have at present."""

    raw: str
    fields: tuple[Field, ...]
    # What croniter reads: the values of every field.
    plain: str

    @property
    def is_random(self) -> bool:
        """Whether a field has an R."""
        return any(field.random for field in self.fields)

    def redrawn(self, draw: Draw) -> Cron:
        """The same expression with new random values. Itself if nothing is random."""
        if not self.is_random:
            return self
        return _made(self.raw, _drawn(self.fields, draw))

    def next_after(self, instant: datetime, zone: Zone) -> datetime:
        """The first instant (UTC) of the expression after `instant`, in this zone."""
        base = instant.replace(second=0, microsecond=0)
        shown = zone.wall(base)
        while True:
            offset = zone.offset(base)
            wall = self.next_wall(shown)
            found = (wall - offset).replace(tzinfo=base.tzinfo)
            change = zone.next_change(base, found)
            if change is not None:
                if self._catches_up(wall, change, offset, zone) and change > instant:
                    return change
                base, shown = change, zone.wall(change) - SECOND
            elif found > instant and not self._is_repetition(found, zone):
                return found
            else:
                base, shown = found, wall

    def next_wall(self, wall: datetime) -> datetime:
        """The next time on a clock that is never changed."""
        found = croniter(self.plain, wall, ret_type=datetime, day_or=False).get_next(datetime)
        assert isinstance(found, datetime)
        return found

    def _catches_up(self, wall: datetime, change: datetime, offset: timedelta, zone: Zone) -> bool:
        """Whether `wall` is skipped at this change, and must run all the same."""
        skipped_to = zone.wall(change)
        return wall < skipped_to and not self._follows_real_time(zone.offset(change) - offset)

    def _follows_real_time(self, shift: timedelta) -> bool:
        minutes, hours = self.fields[0].values, self.fields[1].values
        moved = {(minute + shift // MINUTE) % 60 for minute in minutes}
        return len(hours) == 24 and moved == set(minutes)

    def _is_repetition(self, instant: datetime, zone: Zone) -> bool:
        """Whether the clocks showed this time before, and once is enough."""
        if zone.fixed:
            return False
        set_back = zone.offset(instant - DAY) - zone.offset(instant)
        if set_back <= timedelta(0) or self._follows_real_time(set_back):
            return False
        change = zone.next_change(instant - DAY, instant)
        return change is not None and instant < change + set_back


def parse_cron(expression: str, draw: Draw) -> Cron:
    """Read an expression, and draw its random values. ValueError says what is wrong with it."""
    if not isinstance(expression, str):
        raise TypeError(f"cron takes a str such as '0 2 * * *', not {expression!r}.")
    text = expression.strip().lower()
    if text == "@reboot":
        raise ValueError("cron '@reboot' is not known. Pass on_start=True to run at the start.")
    if text.startswith("@") and text not in PREDEFINED:
        raise ValueError(f"cron {expression!r} is not known. Use one of: {', '.join(PREDEFINED)}.")
    parts = PREDEFINED.get(text, text).split()
    if len(parts) != len(FIELDS):
        raise ValueError(
            f"cron {expression!r} needs five fields and has {len(parts)}. They are: minute, hour, "
            "day of month, month, day of week."
        )
    fields = parse_fields(expression, parts)
    check_dates(expression, fields)
    cron = _made(expression, _drawn(fields, draw, initial=True))
    _check_that_it_comes(cron)
    return cron


def _made(raw: str, fields: tuple[Field, ...]) -> Cron:
    return Cron(raw, fields, " ".join(field.plain for field in fields))


def _drawn(fields: tuple[Field, ...], draw: Draw, *, initial: bool = False) -> tuple[Field, ...]:
    """The fields with values for those that are random."""
    drawn = list(fields)
    # The month before the day, so that the day can be one that the month has.
    for index in (0, 1, 4, MONTH, DATE):
        field = drawn[index]
        if not field.random:
            continue
        if initial and field.initial is not None:
            value = field.initial
        else:
            choices = _choices(index, drawn, initial)
            value = choices[draw(0, len(choices) - 1)]
        drawn[index] = replace(field, values=(value,))
    return tuple(drawn)


def _choices(index: int, fields: list[Field], initial: bool) -> list[int]:
    """The values that chance may choose from: with those of the other fields, the date exists."""
    kind, date = fields[index].kind, fields[DATE]
    every = list(range(kind.lowest, kind.highest + 1))
    if index == DATE:
        longest = max(_days_each_year(month) for month in fields[MONTH].values)
        return [day for day in every if day <= longest]
    if index != MONTH:
        return every
    first = date.values[0] if not date.random else (date.initial or 1) if initial else 1
    return [month for month in every if first <= _days_each_year(month)]


def _days_each_year(month: int) -> int:
    return 28 if month == 2 else DAYS_IN_MONTHS[month - 1]


def _check_that_it_comes(cron: Cron) -> None:
    try:
        cron.next_wall(_ANY_TIME)
    except CroniterBadDateError as error:
        raise ValueError(f"cron {cron.raw!r} names a date that never comes.") from error
