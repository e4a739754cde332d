"""Texts: the four kinds of quotes, with what is escaped and expanded in them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from pode_py.server.configuration.psd1.conversions import text_of
from pode_py.server.configuration.psd1.scanner import Scanner

# What word processors make of quotes is taken for quotes, as PowerShell does.
SINGLE: Final = "'\u2018\u2019\u201a\u201b"
DOUBLE: Final = '"\u201c\u201d\u201e'
_ESCAPES: Final = {
    "0": "\0",
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
}
_UNICODE: Final = re.compile(r"\{([0-9A-Fa-f]{1,6})\}")
_HEAD: Final = re.compile(r"[ \t]*(?:\r\n|[\r\n])")
_FEET: Final = {
    quote: re.compile(rf"(?:\r\n|[\r\n])[{quotes}]@")
    for quotes in (SINGLE, DOUBLE)
    for quote in quotes
}

#: Reads what a `$` in a text stands for, from behind the `$`: whether for anything, and its value.
Expand = Callable[[Scanner], tuple[bool, Any]]


def single_quoted(scanner: Scanner) -> str:
    """Text that is what it says. A quote in it is doubled."""
    start = scanner.at
    parts: list[str] = []
    scanner.at += 1
    while not scanner.at_end:
        one = scanner.next()
        scanner.at += 1
        if one in SINGLE:
            if not (scanner.next() and scanner.next() in SINGLE):
                return "".join(parts)
            scanner.at += 1
        parts.append(one)
    raise _endless(scanner, start)


def double_quoted(scanner: Scanner, expand: Expand) -> str:
    """Text with escapes, and with values in it."""
    start = scanner.at
    parts: list[str] = []
    scanner.at += 1
    while not scanner.at_end:
        one = scanner.next()
        if one in DOUBLE:
            scanner.at += 1
            if not (scanner.next() and scanner.next() in DOUBLE):
                return "".join(parts)
            parts.append(one)
            scanner.at += 1
        else:
            parts.append(_piece(scanner, expand))
    raise _endless(scanner, start)


def here_string(scanner: Scanner, expand: Expand | None) -> str:
    """The lines between ``@'`` and ``'@``. With `expand`, those of a double-quoted text."""
    start = scanner.at
    foot = _FEET[scanner.text[start + 1]]
    scanner.at += 2
    if scanner.match(_HEAD) is None:
        raise scanner.error(
            f"The text of a here-string begins in the line after {scanner.text[start : start + 2]}."
        )
    scanner.at -= 1  # the line end before an empty text is that of its foot, too
    first = scanner.at + 1
    parts: list[str] = []
    while not scanner.at_end:
        found = foot.match(scanner.text, scanner.at)
        if found is not None:
            scanner.at = found.end()
            return "".join(parts)[1:] if parts else ""
        if expand is None or scanner.at < first:
            parts.append(scanner.next())
            scanner.at += 1
        else:
            parts.append(_piece(scanner, expand))
    raise scanner.error(
        "The here-string that begins here has no end. Its last quote and the @ stand at the very "
        "beginning of a line.",
        start,
    )


def _piece(scanner: Scanner, expand: Expand) -> str:
    """One character, one escape or one value of a double-quoted text."""
    start = scanner.at
    one = scanner.next()
    scanner.at += 1
    if one == "`":
        return _escape(scanner)
    if one != "$":
        return one
    found, value = expand(scanner)
    if not found:
        return one
    try:
        return text_of(value)
    except ValueError as error:
        raise scanner.error(f"`{scanner.shown(start)}` can't be read: {error}.", start) from error


def _escape(scanner: Scanner) -> str:
    start = scanner.at - 1
    one = scanner.next()
    scanner.at += 1
    if one != "u":
        return _ESCAPES.get(one, one)
    found = scanner.match(_UNICODE)
    code = int(found[1], 16) if found is not None else 0x110000
    if code > 0x10FFFF:
        raise scanner.error("The escape `u takes a character's number: `u{1F600}.", start)
    return chr(code)


def _endless(scanner: Scanner, start: int) -> Exception:
    quote = scanner.text[start]
    return scanner.error(
        f"The text that begins here has no end: `{scanner.shown(start)}`. Write {quote} behind it.",
        start,
    )
