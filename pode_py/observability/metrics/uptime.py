"""Uptime as text: a duration for people, in the forms that Pode has. Pure."""

from __future__ import annotations

from typing import Final

FORMATS: Final = ("milliseconds", "concise", "compact", "verbose")

_UNITS: Final = (("d", "day"), ("h", "hour"), ("m", "minute"), ("s", "second"))


def readable(milliseconds: int, form: str, *, exclude_milliseconds: bool = False) -> str:
    """A duration as "concise", "compact" or "verbose" text. A unit that is 0 is left out.

    >>> readable(93_784_005, "concise")
    '1d 2h 3m 4s 5ms'
    >>> readable(93_784_005, "compact")
    '01:02:03:04.005'
    >>> readable(93_784_005, "verbose", exclude_milliseconds=True)
    '1 day, 2 hours, 3 minutes, 4 seconds'
    """
    whole, rest = divmod(milliseconds, 1000)
    numbers = (whole // 86400, whole // 3600 % 24, whole // 60 % 60, whole % 60)
    if form == "compact":
        text = ":".join(f"{number:02d}" for number in numbers)
        return text if exclude_milliseconds else f"{text}.{rest:03d}"
    parts = list(zip(numbers, _UNITS, strict=True))
    shown = [(number, units) for number, units in parts if number]
    if (rest and not exclude_milliseconds) or not shown:
        shown.append((rest, ("ms", "millisecond")))
    if form == "concise":
        return " ".join(f"{number}{short}" for number, (short, _) in shown)
    return ", ".join(f"{number} {long}{'s' * (number != 1)}" for number, (_, long) in shown)
