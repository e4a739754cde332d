"""PowerShell-shaped arguments made plain: choices in any case, one or several, durations."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

Duration = int | float | timedelta

#: Seconds of a hundred years. Longer times are beyond what systems and calendars count with.
LONGEST: Final = 100 * 365 * 86_400
#: What things without a name are called: a UUID.
_RANDOM: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: How many threads or runs anything may have. Memory ends far below it.
MOST_THREADS: Final = 10_000


def one_of(name: str, value: str, choices: Collection[str]) -> str:
    """`value` in lower case if it is one of `choices`, in any case; ValueError otherwise."""
    if type(value) is str and value in choices:  # as nearly all are written
        return value
    if isinstance(value, str) and (lower := value.lower()) in choices:
        return lower
    listed = ", ".join(repr(choice) for choice in choices)
    raise ValueError(f"{name}={value!r} is not known.{meant(value, choices)} Use one of: {listed}.")


def some_of(name: str, value: str | Iterable[str], choices: Iterable[str]) -> list[str]:
    """One or several of `choices`, each as `one_of` returns it."""
    allowed = list(choices)
    return [one_of(name, item, allowed) for item in as_list(value)]


def meant(value: object, known: Iterable[str], *, likeness: float = 0.6) -> str:
    """A question for a misspelt name, with a space before it: " Did you mean 'get'?"; or ""."""
    if not isinstance(value, str):
        return ""
    by_lower = {one.lower(): one for one in known if one}
    found = get_close_matches(value.lower(), by_lower, n=1, cutoff=likeness)
    return f" Did you mean {by_lower[found[0]]!r}?" if found else ""


def names_listed(names: Iterable[str]) -> str:
    """Names for a message: those that users have chosen. Random ones say nothing to them."""
    return ", ".join(repr(name) for name in names if not _RANDOM.fullmatch(name)) or "none"


def as_list(value: Any) -> list[Any]:
    """None is no item, a str or any single value is one, any other iterable is its items."""
    if value is None:
        return []
    if isinstance(value, (str, bytes, dict)) or not isinstance(value, Iterable):
        return [value]
    return list(value)


def seconds(name: str, value: Duration, *, minimum: float = 0, never: str = "") -> float:
    """A duration as seconds, from a number or a timedelta.

    ValueError below `minimum` and above LONGEST. `never` is what users write for no end.
    """
    if isinstance(value, timedelta):
        number: int | float = value.total_seconds()
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        number = value
    else:
        raise TypeError(
            f"{name} takes seconds as a number or a timedelta, not {value!r}.{_unquoted(value)}"
        )
    if minimum <= number <= LONGEST:
        return float(number)
    if number < minimum:
        raise ValueError(f"{name}={shown(value)} must be at least {minimum:g} seconds.")
    if number > LONGEST:
        instead = f" {name}={never} means no end." if never else ""
        raise ValueError(
            f"{name}={shown(value)} must be at most {LONGEST} seconds, a hundred years.{instead}"
        )
    raise ValueError(f"{name}={value!r} is no number of seconds.")


def whole_number(name: str, value: Any, *, minimum: int = 0, maximum: int | None = None) -> int:
    """`value` if it is an int within the bounds; TypeError or ValueError otherwise."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} takes a whole number, not {value!r}.{_unquoted(value)}")
    if value < minimum or (maximum is not None and value > maximum):
        bounds = f"at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"
        raise ValueError(f"{name}={shown(value)} must be {bounds}.")
    return value


def filled(name: str, value: Any) -> str:
    """`value` if it is a str with something in it; TypeError or ValueError otherwise."""
    if not isinstance(value, str):
        raise TypeError(f"{name} takes a str, not {value!r}.{instead_of(value)}")
    if not value.strip():
        raise ValueError(f"{name} must not be empty.")
    return value


def instead_of(value: Any) -> str:
    """How a value that is no str is written as one, with a space before it; "" if unknown."""
    if isinstance(value, bytes):
        return f" Write {value.decode(errors='replace')!r}, without the b."
    if isinstance(value, Path):
        return f" Write {str(value)!r}."
    return ""


def shown(value: object) -> str:
    """A value for a message, cut if it is long."""
    try:
        text = repr(value)
    except ValueError:  # an int of thousands of digits
        text = f"<{type(value).__name__} of {value.bit_length()} bits>"  # type: ignore[attr-defined]
    return text if len(text) <= 100 else f"{text[:97]}..."


def _unquoted(value: Any) -> str:
    """The advice for a number that was written as text."""
    if not isinstance(value, str):
        return ""
    try:
        float(value)
    except ValueError:
        return ""
    return f" Write {value.strip()}, without quotes."
