"""Conversions: what PowerShell makes of a value where it wants another kind of value."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from pode_py.server.configuration.psd1.numbers import NUMBER, Number, number_of

_WHOLE: Final = {
    "byte": (0, 2**8),
    "sbyte": (-(2**7), 2**7),
    "short": (-(2**15), 2**15),
    "int16": (-(2**15), 2**15),
    "ushort": (0, 2**16),
    "uint16": (0, 2**16),
    "int": (-(2**31), 2**31),
    "int32": (-(2**31), 2**31),
    "uint": (0, 2**32),
    "uint32": (0, 2**32),
    "long": (-(2**63), 2**63),
    "int64": (-(2**63), 2**63),
    "ulong": (0, 2**64),
    "uint64": (0, 2**64),
}
_REAL: Final = ("double", "single", "float")
_BOOL: Final = ("bool", "boolean")
#: The types that a data file may cast to.
TYPES: Final = (*_WHOLE, *_REAL, *_BOOL, "char")
_NO_NUMBERS: Final = {"infinity": "inf", "-infinity": "-inf", "nan": "nan"}


class Char(str):
    """A text that came from `[char]`: as a number it is the number of its character."""

    __slots__ = ()


def cast(kind: str, value: Any) -> Any:
    """`value` as a PowerShell type, in lower case. ValueError if there is none."""
    if kind in _BOOL:
        return truth(value)
    if isinstance(value, (list, dict)):
        raise ValueError("one value can be cast, not several")
    if kind == "char":
        return _char(value)
    return float(_number(value)) if kind in _REAL else _whole(_number(value), *_WHOLE[kind])


def negated(value: Any) -> Number:
    return -_number(value)


def truth(value: Any) -> bool:
    """An empty list is false, and one of a single item is what that is."""
    if isinstance(value, list):
        first = value[0] if value else None
        return len(value) > 1 or (bool(first) if isinstance(first, list) else truth(first))
    if isinstance(value, Char):
        return value != "\0"
    return isinstance(value, dict) or bool(value)


def text_of(value: Any) -> str:
    """`value` inside of a text. ValueError for a hashtable, and for a list in a list."""
    if isinstance(value, dict):
        raise ValueError("a hashtable has no text")
    if isinstance(value, list):
        if any(isinstance(one, list) for one in value):
            raise ValueError("a list in a list has no text")
        return " ".join(map(text_of, value))
    if value is None:
        return ""
    return _real_text(value) if isinstance(value, float) else str(value)


def _real_text(value: float) -> str:
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    mantissa, _, exponent = f"{value:.15g}".partition("e")
    return f"{mantissa}E{exponent}" if exponent else mantissa


def _number(value: Any) -> Number:
    if value is None:
        return 0
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (int, float, Decimal)):
        return value
    if isinstance(value, Char):
        return ord(value)
    if isinstance(value, str):
        return _number_of_text(value.strip().replace(",", ""))
    raise ValueError("it is no number")


def _number_of_text(text: str) -> Number:
    if text.lower() in _NO_NUMBERS:
        return float(_NO_NUMBERS[text.lower()])
    sign, digits = (text[0], text[1:]) if text[:1] in ("+", "-") else ("", text)
    found = re.fullmatch(NUMBER, digits)
    if text and (found is None or not digits.isascii()):
        raise ValueError("the text is no number")
    return number_of(found, negative=sign == "-") if found is not None else 0


def _whole(value: Number, lowest: int, beyond: int) -> int:
    try:
        whole = round(value)
    except (ValueError, OverflowError):
        raise ValueError("it is no whole number") from None
    if not lowest <= whole < beyond:
        raise ValueError(f"the type takes numbers from {lowest} to {beyond - 1}")
    return whole


def _char(value: Any) -> Char:
    if isinstance(value, str) and len(value) == 1:
        return Char(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**16:
        return Char(chr(value))
    raise ValueError("a char is one character, or its number")


#: What the operators before a value do.
UNARY: Final[dict[str, Callable[[Any], Any]]] = {
    "-": negated,
    "+": _number,
    "!": lambda value: not truth(value),
    "-not": lambda value: not truth(value),
}
