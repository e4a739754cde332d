"""Numbers: what PowerShell's literals of numbers mean."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

Number = int | float | Decimal

NUMBER: Final = re.compile(
    r"""(?aix)
    (?: 0x (?P<hex> [0-9a-f]+ ) | 0b (?P<binary> [01]+ )
      | (?P<decimal> (?: \d+ (?: \. (?!\.) \d* )? | \.\d+ ) (?: e [+-]?\d+ )? ) )
    (?P<suffix> u?[ysl] | u | n | d )?
    (?P<multiplier> [kmgtp]b )?
    (?! \w | \. (?!\.) )
    """
)
_MULTIPLIERS: Final = {"kb": 2**10, "mb": 2**20, "gb": 2**30, "tb": 2**40, "pb": 2**50}
# Digits whose first bit is the sign, as .NET reads them.
_SIGNED_HEX: Final = (8, 16)
_SIGNED_BINARY: Final = (8, 16, 32, 64)
_RANGES: Final = {
    "y": (-(2**7), 2**7),
    "uy": (0, 2**8),
    "s": (-(2**15), 2**15),
    "us": (0, 2**16),
    "l": (-(2**63), 2**63),
    "ul": (0, 2**64),
    "u": (0, 2**64),
    # .NET's largest decimal. Beyond it Python's would take more memory than there is.
    "d": (-(2**96), 2**96),
}


def number_of(found: re.Match[str], *, negative: bool = False) -> Number:
    """The value of a literal. ValueError if it is too large for its suffix.

    >>> [number_of(NUMBER.match(text)) for text in ("0x1F", "1.5kb", "5L", "1e3")]
    [31, 1536.0, 5, 1000.0]
    """
    suffix = (found["suffix"] or "").lower()
    value = _unsigned(found, suffix)
    if negative:  # Decimal's own sign rounds to 28 digits
        value = value.copy_negate() if isinstance(value, Decimal) else -value
    if suffix in _RANGES and suffix != "d":
        value = round(value)
    if found["multiplier"]:
        value *= _MULTIPLIERS[found["multiplier"].lower()]
    lowest, beyond = _RANGES.get(suffix, (None, None))
    if lowest is not None and beyond is not None and not lowest <= value < beyond:
        raise ValueError(f"it is too large for the suffix {found['suffix']}")
    return value


def _unsigned(found: re.Match[str], suffix: str) -> Number:
    if found["hex"] is not None:
        return _whole(found["hex"], 16, _SIGNED_HEX, suffix)
    if found["binary"] is not None:
        return _whole(found["binary"], 2, _SIGNED_BINARY, suffix)
    digits = found["decimal"]
    if suffix == "d":
        return Decimal(digits)
    return int(digits) if digits.isdecimal() else float(digits)


def _whole(digits: str, base: int, signed: tuple[int, ...], suffix: str) -> int:
    value = int(digits, base)
    bits = len(digits) * (4 if base == 16 else 1)
    negative = value >> (bits - 1) and len(digits) in signed and not suffix.startswith("u")
    return value - 2**bits if negative else value
