"""Builds a cron expression from plain words, as Pode's New-PodeCron does. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

PARTS: Final = ("minute", "hour", "date", "month", "day")


@dataclass(frozen=True, slots=True)
class Every:
    """What one choice of `every` sets, and the part that its interval belongs to."""

    interval_of: str | None = None
    parts: dict[str, str] = field(default_factory=dict)


_MIDNIGHT: Final = {"minute": "0", "hour": "0"}

EVERY: Final = {
    "minute": Every("minute"),
    "hour": Every("hour", {"minute": "0"}),
    "day": Every("day", _MIDNIGHT),
    "date": Every("date", _MIDNIGHT),
    "month": Every("month", {**_MIDNIGHT, "date": "1"}),
    "quarter": Every(None, {**_MIDNIGHT, "date": "1", "month": "1,4,7,10"}),
    "year": Every(None, {**_MIDNIGHT, "date": "1", "month": "1"}),
    "none": Every(None),
}


def build_cron(values: dict[str, list[int]], every: str, interval: int) -> str:
    """The expression. `values` has a list for each of `PARTS`; `interval` is 0 for none.

    >>> values = {"minute": [], "hour": [1], "date": [], "month": [], "day": [2, 5]}
    >>> build_cron(values, "day", 0)
    '0 1 * * 2,5'
    """
    choice = EVERY[every]
    parts = {**dict.fromkeys(PARTS, "*"), **choice.parts}
    if every == "month" and values["day"]:
        # "Every Monday in June": the weekdays replace the first of the month.
        parts["date"] = "*"
    counted = None
    if interval > 0:
        counted = _interval_part(choice, every)
        parts[counted] = _interval(counted, values[counted], interval)
    for part in PARTS:
        if values[part] and part != counted:
            parts[part] = ",".join(map(str, values[part]))
    return " ".join(parts[part] for part in PARTS)


def _interval_part(choice: Every, every: str) -> str:
    if choice.interval_of is not None:
        return choice.interval_of
    if every == "none":
        raise ValueError("An interval needs every=, such as every='minute', interval=15.")
    raise ValueError(f"every={every!r} takes no interval. Leave it out, or use every='month'.")


def _interval(part: str, start: list[int], interval: int) -> str:
    if len(start) > 1:
        raise ValueError(f"With an interval, {part} takes one value: the one to start at.")
    return f"{start[0] if start else '*'}/{interval}"
