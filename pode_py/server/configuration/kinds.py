"""Kinds of values that a setting can have: what fits, and how it is read from text."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class SettingKind:
    """`what` and `example` are for errors. `read` raises ValueError for what does not fit."""

    what: str
    example: str
    read: Callable[[Any], Any]
    is_list: bool = False

    def from_text(self, text: str) -> Any:
        """What an environment variable says, to be read. A list is JSON, or has commas."""
        if self.is_list and not text.lstrip().startswith("["):
            return [one.strip() for one in text.split(",") if one.strip()]
        with suppress(ValueError):
            self.read(text)
            return text
        return value_of_text(text)


def value_of_text(text: str) -> Any:
    """What a text means if it is to be more than text: true, 8, 1.5, or JSON."""
    plain = text.strip()
    if plain.lower() in ("true", "false"):
        return plain.lower() == "true"
    try:
        return json.loads(plain)
    except (ValueError, RecursionError):
        return text


def whole(minimum: int = 0, maximum: int | None = None, example: str = "") -> SettingKind:
    """A whole number."""
    bounds = f"of at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"

    def read(value: Any) -> int:
        number = _number(value)
        if number != int(number) or number < minimum or (maximum is not None and number > maximum):
            raise ValueError
        return int(number)

    return SettingKind(f"a whole number {bounds}", example or str(max(minimum, 10)), read)


def number(minimum: float = 0, unit: str = "seconds", example: str = "30") -> SettingKind:
    """A number, with or without a fraction."""

    def read(value: Any) -> float:
        found = float(_number(value))
        if found < minimum:
            raise ValueError
        return found

    return SettingKind(f"a number of {unit}, at least {minimum:g}", example, read)


def choice(*choices: str) -> SettingKind:
    """One of several words, in any case."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or value.lower() not in choices:
            raise ValueError
        return value.lower()

    return SettingKind(f"one of {', '.join(map(repr, choices))}", f'"{choices[0]}"', read)


def texts(example: str, *choices: str) -> SettingKind:
    """Several texts; one stands for a list of one."""

    def read(value: Any) -> tuple[str, ...]:
        many = [value] if isinstance(value, str) else value
        if not isinstance(many, list) or not all(isinstance(one, str) for one in many):
            raise ValueError
        if not choices:
            return tuple(many)
        found = tuple(one.lower() for one in many)
        if not set(found) <= set(choices):
            raise ValueError
        return found

    what = "a list of texts" if not choices else f"a list of {', '.join(map(repr, choices))}"
    return SettingKind(what, example, read, is_list=True)


def _number(value: Any) -> int | float | Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise ValueError
    if not math.isfinite(value):
        raise ValueError
    return value


def _switch(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError
    return value


def _pairs(value: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, Mapping):
        raise ValueError
    return tuple((key, _text(one)) for key, one in value.items())


SWITCH = SettingKind("true or false", "true", _switch)
TEXT = SettingKind("a text", '"text"', _text)
PAIRS = SettingKind("a table of texts", '{ "/api/*" = "application/json" }', _pairs)
ANYTHING = SettingKind("anything", "", lambda value: value)
