"""Ranges of bytes that a client asks for (RFC 9110, 14). Nothing here knows of files."""

from __future__ import annotations

import re

MAX_RANGES = 16

Range = tuple[int | None, int | None]

_RANGES = re.compile(r"bytes=([0-9, \t-]+)\Z", re.IGNORECASE)
_RANGE = re.compile(r"(\d{0,18})-(\d{0,18})\Z")


def parse_ranges(header: str | None) -> list[Range] | None:
    """First and last byte of each range; None if the field is to be ignored.

    RFC 9110, 14.2: a malformed field or an unknown unit is as good as none. So is a field that
    asks for more than 16 ranges.

    >>> parse_ranges("bytes=0-99, -500")
    [(0, 99), (None, 500)]
    """
    found = _RANGES.match(header.strip()) if header else None
    if found is None or found[1].count(",") >= MAX_RANGES:
        return None
    ranges: list[Range] = []
    for part in found[1].split(","):
        parsed = _RANGE.match(part.strip())
        if parsed is None or not (parsed[1] or parsed[2]):
            return None
        first = int(parsed[1]) if parsed[1] else None
        last = int(parsed[2]) if parsed[2] else None
        if first is not None and last is not None and last < first:
            return None
        ranges.append((first, last))
    return ranges


def resolve_range(asked: Range, size: int) -> tuple[int, int] | None:
    """Offset and length within `size` bytes; None if nothing of the range is there.

    >>> resolve_range((None, 500), 2000), resolve_range((1900, 9999), 2000)
    ((1500, 500), (1900, 100))
    """
    first, last = asked
    if first is None:
        length = min(last or 0, size)
        return (size - length, length) if length else None
    if first >= size:
        return None
    end = size if last is None else min(last + 1, size)
    return first, end - first
