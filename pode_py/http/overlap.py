"""Overlap: whether a path can fit two patterns. For set-ups; requests never ask."""

from __future__ import annotations

import re

from pode_py.http.patterns import Pattern

_TOKEN = re.compile(r":\w+|\*+|.", re.DOTALL)
# What a step of a pattern takes: one character, or one of these kinds.
_NO_SLASH, _ANY = "no slash", "any"

# A kind, and whether it may come any number of times, also none.
_Step = tuple[str, bool]


def overlap(one: Pattern, other: Pattern) -> bool:
    """Whether some path fits both.

    >>> overlap(Pattern("/api/*"), Pattern("/:kind/users"))
    True
    >>> overlap(Pattern("/api"), Pattern("/api/users"))
    False
    """
    if one.is_literal or other.is_literal:
        return one.fits(other.path) if other.is_literal else other.fits(one.path)
    first, second = _steps(one.path), _steps(other.path)
    seen = {(0, 0)}
    waiting = [(0, 0)]
    while waiting:
        i, j = waiting.pop()
        if i == len(first) and j == len(second):
            return True
        following = []
        if i < len(first) and first[i][1]:
            following.append((i + 1, j))
        if j < len(second) and second[j][1]:
            following.append((i, j + 1))
        if i < len(first) and j < len(second) and _share(first[i][0], second[j][0]):
            following.append((i + (not first[i][1]), j + (not second[j][1])))
        waiting += [pair for pair in following if pair not in seen]
        seen.update(following)
    return False


def shape_of(path: str) -> str:
    """The path without the names of its parameters: those of one shape take the same requests.

    >>> shape_of("/Users/:id")
    '/users/:'
    """
    return re.sub(r":\w+", ":", path).lower()


def _steps(path: str) -> list[_Step]:
    steps: list[_Step] = []
    for token in _TOKEN.findall(path.lower()):
        if token[0] == "*":
            steps.append((_ANY, True))
        elif token[0] == ":" and len(token) > 1:
            steps += [(_NO_SLASH, False), (_NO_SLASH, True)]
        else:
            steps.append((token, False))
    return steps


def _share(one: str, other: str) -> bool:
    """Whether there is a character that both take."""
    if _ANY in (one, other):
        return True
    if _NO_SLASH in (one, other):
        return "/" not in (one, other)
    return one == other
