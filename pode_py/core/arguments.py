"""PowerShell-shaped arguments made plain: choices in any case, one or several, durations."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

Duration = int | float | timedelta


def one_of(name: str, value: str, choices: Iterable[str]) -> str:
    """`value` in lower case if it is one of `choices`, in any case; ValueError otherwise."""
    allowed = choices if isinstance(choices, tuple) else list(choices)
    if isinstance(value, str) and (lower := value.lower()) in allowed:
        return lower
    listed = ", ".join(repr(choice) for choice in allowed)
    raise ValueError(f"{name}={value!r} is not known. Use one of: {listed}.")


def some_of(name: str, value: str | Iterable[str], choices: Iterable[str]) -> list[str]:
    """One or several of `choices`, each as `one_of` returns it."""
    allowed = list(choices)
    return [one_of(name, item, allowed) for item in as_list(value)]


def as_list(value: Any) -> list[Any]:
    """None is no item, a str or any single value is one, any other iterable is its items."""
    if value is None:
        return []
    if isinstance(value, (str, bytes, dict)) or not isinstance(value, Iterable):
        return [value]
    return list(value)


def as_tuple(value: Any) -> tuple[Any, ...]:
    """As `as_list`, quickly for a str: events are sent by the million."""
    if value is None:
        return ()
    return (value,) if type(value) is str else tuple(as_list(value))


def seconds(name: str, value: Duration, *, minimum: float = 0) -> float:
    """A duration as seconds, from a number or a timedelta; ValueError below `minimum`."""
    if isinstance(value, timedelta):
        number = value.total_seconds()
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        number = float(value)
    else:
        raise TypeError(f"{name} takes seconds as a number or a timedelta, not {value!r}.")
    if not minimum <= number < float("inf"):
        raise ValueError(f"{name}={value!r} must be at least {minimum:g} seconds.")
    return number


def whole_number(name: str, value: Any, *, minimum: int = 0, maximum: int | None = None) -> int:
    """`value` if it is an int within the bounds; TypeError or ValueError otherwise."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} takes a whole number, not {value!r}.")
    if value < minimum or (maximum is not None and value > maximum):
        bounds = f"at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"
        raise ValueError(f"{name}={value!r} must be {bounds}.")
    return value


def filled(name: str, value: Any) -> str:
    """`value` if it is a str with something in it; TypeError or ValueError otherwise."""
    if not isinstance(value, str):
        raise TypeError(f"{name} takes a str, not {value!r}.")
    if not value.strip():
        raise ValueError(f"{name} must not be empty.")
    return value
