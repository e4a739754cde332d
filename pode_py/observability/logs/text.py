"""Text that is safe to log: no field can start a new line, close a quote or move a terminal.

A record starts at the first column; its further lines are indented. So whatever a client sends,
it can't forge a record of its own.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from pode_py.core.jsons import to_json

INDENT: Final = "    "

# C0, DEL and C1 controls, line and paragraph separators, and what changes the writing direction.
_UNSAFE: Final = "\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
_IN_QUOTES: Final = re.compile(f'[{_UNSAFE}"\\\\]')
_IN_BARE: Final = re.compile(f'[{_UNSAFE}"\\\\\\s]')
_IN_RECORD: Final = re.compile(f"(?![\t\n])[{_UNSAFE}]")
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}


def quoted(value: str | None) -> str:
    """`value` for a place between double quotes; "-" if there is none."""
    if not value:
        return "-"
    return _IN_QUOTES.sub(_escape, value) if _IN_QUOTES.search(value) else value


def bare(value: str | None) -> str:
    """`value` for a place between spaces; "-" if there is none."""
    if not value:
        return "-"
    return _IN_BARE.sub(_escape, value) if _IN_BARE.search(value) else value


def one_line(value: str) -> str:
    """`value` with its line ends and other control characters escaped."""
    return _IN_RECORD.sub(_escape, value).replace("\n", "\\n").replace("\t", "\\t")


def as_record(text: str) -> str:
    """`text` as one record: controls escaped, every line after the first one indented."""
    if text.isprintable():  # nearly all are, and this is much faster than a search
        return text
    text = text.replace("\r\n", "\n").rstrip("\n")
    if _IN_RECORD.search(text):
        text = _IN_RECORD.sub(_escape, text)
    return text.replace("\n", "\n" + INDENT) if "\n" in text else text


def text_of(data: Any) -> str:
    """`data` as it is if it is text, as compact JSON otherwise."""
    if isinstance(data, str):
        return data
    if isinstance(data, bytes):
        return data.decode("utf-8", "backslashreplace")
    try:
        return to_json(data)
    except (TypeError, ValueError):
        return _rough(data)


def _rough(data: Any) -> str:
    """What has no JSON text: with `str` for what is unknown, or Python's own notation."""
    try:
        return json.dumps(data, default=str, ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):  # odd keys, circles
        return repr(data)


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
