"""The five fields of a cron expression: their forms, values and limits. Knows nothing of time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NoReturn

DAYS_IN_MONTHS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
# In the order of cron, where 0 is Sunday.
WEEKDAYS: Final = (
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
)  # fmt: skip

_RANDOM = re.compile(r"r|(?:(\d+)|\*)/r", re.ASCII)
_PART = re.compile(r"(?:\*|(\d+)(?:-(\d+))?)(?:/(\d+))?", re.ASCII)
_NAME = re.compile(r"[a-z]+")


@dataclass(frozen=True, slots=True)
class Kind:
    """What one of the five fields is called and may hold."""

    name: str
    lowest: int
    highest: int
    names: tuple[str, ...] = ()


def _short(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name[:3].lower() for name in names)


FIELDS: Final = (
    Kind("minute", 0, 59),
    Kind("hour", 0, 23),
    Kind("day of month", 1, 31),
    Kind("month", 1, 12, _short(MONTHS)),
    Kind("day of week", 0, 6, _short(WEEKDAYS)),
)


@dataclass(frozen=True, slots=True)
class Field:
    """The values of one field, in order; none yet if it is random.

    `initial` is the first value of a random one (the x of `x/R`). `literal` says that somebody
    wrote each value down, instead of a range or an interval.
    """

    kind: Kind
    values: tuple[int, ...] = ()
    random: bool = False
    initial: int | None = None
    literal: bool = False

    @property
    def plain(self) -> str:
        """The values as every reader of cron understands them."""
        if len(self.values) == self.kind.highest - self.kind.lowest + 1:
            return "*"
        return ",".join(map(str, self.values))


class _Reader:
    """Reads one field; its errors name the expression and the field."""

    def __init__(self, expression: str, kind: Kind) -> None:
        self.expression = expression
        self.kind = kind

    def field(self, text: str) -> Field:
        text = self._numbers(text)
        if match := _RANDOM.fullmatch(text):
            if "/" not in text:
                return Field(self.kind, random=True)
            first = self.kind.lowest if match[1] is None else self._checked(int(match[1]))
            return Field(self.kind, random=True, initial=first)
        values: set[int] = set()
        for part in text.split(","):
            values |= self._part(part)
        literal = re.fullmatch(r"[\d,]+", text, re.ASCII) is not None
        return Field(self.kind, tuple(sorted(values)), literal=literal)

    def _part(self, part: str) -> set[int]:
        match = _PART.fullmatch(part)
        if match is None:
            self._fail(
                f"{part!r} is not understood. Use *, a number, a list 1,2, a range 1-5, "
                "an interval */5 or 10/5, or R (alone, or as 10/R)"
            )
        first, last, step = match[1], match[2], match[3]
        if step is not None and int(step) == 0:
            self._fail(f"the interval of {part!r} must be at least 1")
        start = self.kind.lowest if first is None else self._checked(int(first))
        if last is not None:
            end = self._checked(int(last))
        else:
            end = start if first is not None and step is None else self.kind.highest
        if start > end:
            self._fail(f"the range {part!r} must go from the lower to the higher value")
        return set(range(start, end + 1, int(step or 1)))

    def _numbers(self, text: str) -> str:
        """`text` with numbers for names."""
        return _NAME.sub(lambda match: self._number(match[0]), text)

    def _number(self, name: str) -> str:
        if name == "r":
            return name
        if name not in self.kind.names:
            allowed = f"the names {', '.join(self.kind.names).upper()}" if self.kind.names else "R"
            self._fail(f"{name.upper()!r} is not known. Use numbers or {allowed}")
        return str(self.kind.names.index(name) + self.kind.lowest)

    def _checked(self, value: int) -> int:
        if not self.kind.lowest <= value <= self.kind.highest:
            sunday = ", where 0 is Sunday" if self.kind.name == "day of week" else ""
            bounds = f"from {self.kind.lowest} to {self.kind.highest}"
            self._fail(f"{value} must be {bounds}{sunday}")
        return value

    def _fail(self, problem: str) -> NoReturn:
        raise ValueError(f"cron {self.expression!r}, {self.kind.name}: {problem}.")


def parse_fields(expression: str, parts: list[str]) -> tuple[Field, ...]:
    """The five fields of lower-case `parts`. `expression` is what messages show."""
    return tuple(
        _Reader(expression, kind).field(part) for kind, part in zip(FIELDS, parts, strict=True)
    )


def check_dates(expression: str, fields: tuple[Field, ...]) -> None:
    """ValueError if a day and a month were both written down, and that month has no such day."""
    days, months = fields[2], fields[3]
    if not (days.literal and months.literal):
        return
    for month in months.values:
        longest = DAYS_IN_MONTHS[month - 1]
        if days.values[-1] > longest:
            raise ValueError(
                f"cron {expression!r}: {MONTHS[month - 1]} has only {longest} days, "
                f"but the day of month is {days.values[-1]}."
            )
