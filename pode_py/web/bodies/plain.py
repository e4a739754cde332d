"""plain: values as trees of dict, list, str, int, float, bool and None, as XML, CSV and YAML take
them. What each type becomes is as in our JSON; objects become dicts of their public attributes."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import KeysView, Mapping, ValuesView
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from os import PathLike, fspath
from typing import Any
from uuid import UUID

from pode_py.core.jsons import to_json

MAX_DEPTH = 128

_LISTS = (list, tuple, set, frozenset, deque, KeysView, ValuesView)

_HALF = re.compile("[\ud800-\udfff]")
#: What JSON has a text for, as one.
_TEXTS = (datetime, date, time, UUID, PathLike, bytes, bytearray, memoryview)


def plain(value: Any, *, what: str, depth: int = 0) -> Any:
    """The value as such a tree. `what` is the format, for messages.

    ValueError for more than 128 levels, as of a value that contains itself; TypeError for one that
    has no text, such as bytes that are not UTF-8.
    """
    if depth > MAX_DEPTH:
        raise ValueError(f"This value has more than {MAX_DEPTH} levels, too many for {what}.")
    if isinstance(value, Enum):
        return plain(value.value, what=what, depth=depth)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _clean(str.__str__(value))
    if isinstance(value, (int, float)):
        return int(value) if isinstance(value, int) else float(value)
    if isinstance(value, Decimal):
        whole = value.is_finite() and value == value.to_integral_value()
        return int(value) if whole else float(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, _TEXTS):
        return _text_of(value)
    if isinstance(value, Mapping):
        return {_key(key): plain(item, what=what, depth=depth + 1) for key, item in value.items()}
    if isinstance(value, _LISTS):
        return [plain(item, what=what, depth=depth + 1) for item in value]
    names = _attributes(value)
    if names is None:
        raise TypeError(
            f"{type(value).__name__} can't be made {what}. Give a dict, a list, a dataclass or a "
            "str of it instead."
        )
    return {name: plain(getattr(value, name), what=what, depth=depth + 1) for name in names}


def text_of(value: Any) -> str:
    """A plain value without items as text: as Python and PowerShell write it."""
    return "" if value is None else str(value)


def _text_of(value: Any) -> str:
    if isinstance(value, PathLike):
        return str(fspath(value))
    return _clean(str(json.loads(to_json(value))))


def _clean(text: str) -> str:
    """The text, as UTF-8 can carry it: half of a surrogate pair becomes U+FFFD."""
    return text if text.isascii() else _HALF.sub("\ufffd", text)


def _key(key: Any) -> str:
    if isinstance(key, Enum):
        return _key(key.value)
    if isinstance(key, str):
        return _clean(str.__str__(key))
    return _text_of(key) if isinstance(key, _TEXTS) else text_of(key)


def _attributes(value: Any) -> list[str] | None:
    """The names of what an object holds; None for one that holds nothing to show."""
    if isinstance(value, type) or callable(value):
        return None
    if is_dataclass(value):
        return [field.name for field in fields(value)]
    names = getattr(value, "__dict__", None)
    if not names:
        return None
    return [name for name in names if not name.startswith("_")]
