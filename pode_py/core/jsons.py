"""JSON text of Python values, as responses and server-sent events carry it. Not a parser."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from os import PathLike, fspath
from typing import Any
from uuid import UUID

from pode_py.core.arguments import shown

#: How many levels down a message says where in a value something stands.
_DEEPEST = 20


def to_json(value: Any) -> str:
    """Compact JSON.

    Besides what JSON has: dataclasses (objects), datetime, date and time (ISO 8601; UTC as Z),
    timedelta (seconds), Decimal (a number), UUID, Enum (its value), paths, sets, and bytes in
    UTF-8. Dictionary keys may be of these types, too. TypeError for anything else; ValueError for
    NaN, infinity, and a value that contains itself: JSON has no text for them. Both say where in
    the value it stands.

    >>> to_json({"id": UUID(int=1), "tags": ("a",)})
    '{"id":"00000000-0000-0000-0000-000000000001","tags":["a"]}'
    """
    try:
        text = _encode(value)
    except TypeError as error:
        if "keys must be" not in str(error):
            raise TypeError(f"{error}{_place_in(value)}") from None
        text = _with_other_keys(value)
    except RecursionError:
        raise ValueError("This value is nested too deeply for JSON.") from None
    except ValueError as error:
        raise ValueError(f"This value has no JSON text: {error}.{_place_in(value)}") from None
    return text if text.isascii() or _is_utf8(text) else json.dumps(json.loads(text))


def _plain(value: Any) -> Any:
    """What JSON can say for a value that it does not know."""
    for kind, convert in _CONVERSIONS:
        if isinstance(value, kind):
            return convert(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(
        f"{type(value).__name__} can't be made JSON. Give a dict, a list, a dataclass or a str "
        "of it instead."
    )


def _of_decimal(value: Decimal) -> int | float:
    return int(value) if value.is_finite() and value == value.to_integral_value() else float(value)


def _of_datetime(value: datetime) -> str:
    """ISO 8601. Times in UTC end in Z, as those of .NET and JavaScript do."""
    text = value.isoformat()
    return f"{text[:-6]}Z" if text.endswith("+00:00") else text


def _of_bytes(value: bytes | bytearray | memoryview) -> str:
    try:
        return bytes(value).decode("utf-8")
    except UnicodeDecodeError:
        raise TypeError(
            "These bytes are not UTF-8 text and can't be made JSON. Encode them as base64."
        ) from None


# In this order: a datetime is a date, too.
_CONVERSIONS: tuple[tuple[Any, Any], ...] = (
    (datetime, _of_datetime),
    ((date, time), lambda value: value.isoformat()),
    (timedelta, timedelta.total_seconds),
    (Decimal, _of_decimal),
    (UUID, str),
    (Enum, lambda value: value.value),
    (PathLike, fspath),
    ((set, frozenset), list),
    ((bytes, bytearray, memoryview), _of_bytes),
)

_encode = json.JSONEncoder(
    separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain
).encode


def _with_other_keys(value: Any) -> str:
    try:
        return _encode(_with_plain_keys(value))
    except TypeError as error:
        raise TypeError(f"{error}{_place_in(value)}") from None
    except ValueError as error:
        raise ValueError(f"This value has no JSON text: {error}.{_place_in(value)}") from None


def _place_in(value: Any) -> str:
    """Where the first part stands that has no text, with a space before it; "" if it is `value`."""
    place = ""
    for _ in range(_DEEPEST):
        try:
            parts = _parts(value)
        except (TypeError, ValueError):
            break
        found = next((one for one in parts if not _has_text(one[1])), None)
        if found is None:
            break
        key, value = found
        place += f"[{key!r}]"
    return f" It stands at {place}." if place else ""


def _parts(value: Any) -> list[tuple[Any, Any]]:
    """What it is made of, by key; nothing if it is one."""
    if isinstance(value, Mapping):
        return list(value.items())
    if isinstance(value, (list, tuple)):
        return list(enumerate(value))
    if value is None or isinstance(value, (str, int, float)):
        return []
    return _parts(_plain(value))


def _has_text(value: Any) -> bool:
    try:
        _encode(_with_plain_keys(value))
    except (RecursionError, TypeError, ValueError):
        return False
    return True


def _with_plain_keys(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_key(key): _with_plain_keys(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_with_plain_keys(item) for item in value]
    if value is None or isinstance(value, (str, int, float)):
        return value
    return _with_plain_keys(_plain(value))


def _key(key: Any) -> str | int | float | None:
    if key is None or isinstance(key, (str, int, float)):
        return key
    try:
        plain = _plain(key)
    except TypeError:
        plain = ()
    if plain is None or isinstance(plain, (str, int, float)):
        return plain
    raise TypeError(f"The key {shown(key)} can't be one in JSON. Use a str.")


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair: JSON can only say it as an escape
        return False
    return True
