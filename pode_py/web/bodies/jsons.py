"""JSON that strangers send: strictly JSON, bounded in depth, or StatusError 400."""

from __future__ import annotations

import json
import math
from typing import Any

from pode_py.core.errors import StatusError

MAX_DEPTH = 128


def parse_json(text: str) -> Any:
    """The value of a JSON text.

    400 for what RFC 8259 leaves open and parsers read differently: NaN and infinity, numbers too
    big to be held, one name twice in an object, more than 128 levels.

    >>> parse_json('{"a": [1, 2.5, null]}')
    {'a': [1, 2.5, None]}
    """
    try:
        value = _decoder.decode(text.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        raise StatusError(400, "The body is not the JSON it should be.") from None
    _check_depth(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("one name twice")
    return made


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("too big")
    return number


def _constant(text: str) -> Any:
    raise ValueError(text)


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_float=_float, parse_constant=_constant)


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for container in level
            if isinstance(container, (dict, list))
            for child in (container.values() if isinstance(container, dict) else container)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return
    raise StatusError(400, f"The JSON body has more than {MAX_DEPTH} levels.")
