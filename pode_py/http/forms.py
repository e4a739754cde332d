"""Urlencoded pairs: query strings, and bodies of application/x-www-form-urlencoded."""

from __future__ import annotations

from urllib.parse import unquote_plus

from pode_py.core.errors import StatusError

MAX_PAIRS = 1000


def parse_pairs(text: str) -> list[tuple[str, str]]:
    """The pairs of ``a=1&b=2``, decoded as UTF-8. Only ``&`` separates; a lone name gets "".

    Raises StatusError 400 above 1,000 pairs: nobody sends them by hand.

    >>> parse_pairs("name=J+D%C3%B6&empty&a=1&a=2")
    [('name', 'J Dö'), ('empty', ''), ('a', '1'), ('a', '2')]
    """
    if not text:
        return []
    if text.count("&") >= MAX_PAIRS:
        raise StatusError(400, f"A query or form may have {MAX_PAIRS} names at most.")
    pairs = []
    for part in text.split("&"):
        if part:
            name, _, value = part.partition("=")
            pairs.append((_decoded(name), _decoded(value)))
    return pairs


def _decoded(text: str) -> str:
    return unquote_plus(text) if "%" in text or "+" in text else text
