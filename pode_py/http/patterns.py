"""Patterns: paths of routes with parameters and wildcards, matched in linear time.

``/users/:id`` takes one segment, or a part of one (``/img/:name.png``); ``*`` takes anything,
slashes included. As in Pode, case does not count in what is written, parameters keep theirs.

Theory: a path is hostile input. Nothing here backtracks: segments are compared one by one, and each
wildcard takes the shortest text up to what follows it, and keeps it (an atomic group), because any
later place of it would leave less for the rest.
"""

from __future__ import annotations

import re
from typing import Any

Parameters = dict[str, Any]

_TOKEN = re.compile(r":(\w+)|(\*)+")


def route_path(path: str) -> str:
    """The path as routes keep it: without query, with a leading slash.

    >>> route_path("users/:id?sort=name")
    '/users/:id'
    """
    path = path.partition("?")[0].strip()
    return path if path.startswith("/") else f"/{path}"


#: How other frameworks and regular expressions write what a path here writes otherwise.
_FOREIGN = (
    (re.compile(r"\w+://"), "Write the path only, without scheme and host."),
    (re.compile(r"\{\w+[^{}]*\}|<\w+[^<>]*>"), "Write :{name} for a parameter."),
    (re.compile(r":(\w+)\?\Z"), "A parameter is never optional: add a second route without it."),
    (
        re.compile(r"\\|^/?\^|\$\Z|\(\?|[\[\]]|\([^()]*[.*+|?][^()]*\)|(?:^|[/)])\.[*+](?:/|\Z)"),
        "Paths can't be regular expressions: write :name for one segment, * for anything.",
    ),
    (re.compile(r"#"), "A client never sends what follows a #."),
    (re.compile(r"[{}<>]"), "Write :name for a parameter."),
)


def check_path(path: str, what: str = "path") -> None:
    """Raise ValueError for a path in the form of another framework: no request would ever fit.

    >>> check_path("/users/{id}")
    Traceback (most recent call last):
        ...
    ValueError: path='/users/{id}' would be taken as text. Write :id for a parameter.
    """
    for pattern, instead in _FOREIGN:
        found = pattern.search(path)
        if found is None:
            continue
        if "{name}" in instead:  # {id}, {id:int}, <id>, <int:id>
            words = re.findall(r"\w+", found[0])
            name = words[-1] if found[0][0] == "<" else words[0]
            raise ValueError(f"{what}={path!r} would be taken as text. {instead.format(name=name)}")
        raise ValueError(f"{what}={path!r} would be taken as text. {instead}")


def parameter_names(path: str) -> tuple[str, ...]:
    """The parameters that the path of a route has.

    >>> parameter_names("/users/:id/*")
    ('id',)
    """
    return tuple(token[1] for token in _TOKEN.finditer(path) if token[1])


class Pattern:
    """One path of a route. `count` is its number of segments, None if it has a wildcard."""

    __slots__ = (
        "_expression",
        "_last",
        "_names",
        "_plain",
        "_prefix",
        "_segments",
        "count",
        "is_literal",
        "path",
    )

    def __init__(self, path: str) -> None:
        self.path = path
        self.is_literal = _TOKEN.search(path) is None
        names = parameter_names(path)
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"The path {path!r} has the parameter {name!r} twice.")
        self._segments: list[_Segment] = []
        self._expression: re.Pattern[str] | None = None
        self._names: list[str] = []
        self.count: int | None = None
        self._prefix = _TOKEN.split(path)[0].lower()
        self._last = re.split(r"[*]|:\w+", path)[-1].lower()
        if "*" in path:
            self._expression, self._names = _wildcard_expression(path)
        else:
            parts = path.split("/")
            self.count = len(parts)
            self._segments = [_Segment(part, path) for part in parts]
        self._plain = _whole_segments(self._segments)

    def match(self, path: str, lower: str, parts: list[str]) -> Parameters | None:
        """The parameters if `path` fits. Takes it in lower case and split at slashes, too."""
        if not lower.startswith(self._prefix) or not lower.endswith(self._last):
            return None
        if self._expression is None:
            return self._match_segments(parts)
        found = self._expression.match(path)
        if found is None:
            return None
        return _parameters_of(self._names, found.groups())

    def fits(self, path: str) -> bool:
        """Whether `path` fits."""
        lower = path.lower()
        if self.is_literal:
            return lower == self.path.lower()
        return self.match(path, lower, path.split("/")) is not None

    def _match_segments(self, parts: list[str]) -> Parameters | None:
        if len(parts) != self.count:
            return None
        parameters: Parameters = {}
        if self._plain is not None:
            for place, name in self._plain:
                if not parts[place]:
                    return None
                parameters[name] = parts[place]
            return parameters
        for segment, part in zip(self._segments, parts, strict=True):
            if not segment.match(part, parameters):
                return None
        return parameters


class _Segment:
    """What stands between two slashes: text and parameters in turn, text first and last."""

    __slots__ = ("_names", "_texts")

    def __init__(self, template: str, path: str) -> None:
        pieces = re.split(r":(\w+)", template)
        self._texts = [text.lower() for text in pieces[::2]]
        self._names = pieces[1::2]
        if "" in self._texts[1:-1]:
            raise ValueError(f"In the path {path!r} two parameters have nothing between them.")

    @property
    def is_text(self) -> bool:
        return not self._names

    @property
    def whole(self) -> str | None:
        """The parameter that takes the whole segment; None if there is none, or more."""
        return self._names[0] if len(self._names) == 1 and self._texts == ["", ""] else None

    def match(self, part: str, parameters: Parameters) -> bool:
        lower = part.lower()
        if len(lower) != len(part):  # a few letters get longer; offsets must stay those of `part`
            lower = part
        names, texts = self._names, self._texts
        if not names:
            return lower == texts[0]
        position, end = len(texts[0]), len(part) - len(texts[-1])
        if position >= end or not (lower.startswith(texts[0]) and lower.endswith(texts[-1])):
            return False
        for name, text in zip(names[:-1], texts[1:-1], strict=True):
            stop = lower.find(text, position + 1, end)
            if stop < 0:
                return False
            parameters[name] = part[position:stop]
            position = stop + len(text)
        parameters[names[-1]] = part[position:end]
        return position < end


def _whole_segments(segments: list[_Segment]) -> list[tuple[int, str]] | None:
    """Where the parameters are, if nothing has to be looked at besides them: each is a whole
    segment, and all text stands before the first, where the path's beginning has it."""
    first = next((place for place, one in enumerate(segments) if not one.is_text), len(segments))
    names = [one.whole for one in segments[first:]]
    if not names or None in names:
        return None
    return [(first + place, name) for place, name in enumerate(names) if name is not None]


def _wildcard_expression(path: str) -> tuple[re.Pattern[str], list[str]]:
    """The expression, and what its groups are: names of parameters, or ``*``."""
    first, *rest = re.split(r"\*+", path)
    last = rest.pop()
    names: list[str] = []
    source = _piece(first, path, names)
    for piece in rest:
        names.append("*")
        source += f"(?>(.*?){_piece(piece, path, names)})"
    names.append("*")
    source += f"(.*){_piece(last, path, names)}\\Z"
    return re.compile(source, re.IGNORECASE | re.DOTALL), names


def _piece(text: str, path: str, names: list[str]) -> str:
    """Text between wildcards. Parameters are whole segments: others make matching quadratic."""
    source = ""
    position = 0
    for token in re.finditer(r":(\w+)", text):
        before, after = text[: token.start()], text[token.end() :]
        is_end = not after and path.endswith(text)
        if not before.endswith("/") or not (after.startswith("/") or is_end):
            raise ValueError(
                f"In the path {path!r} a parameter is only a part of a segment. Beside a wildcard "
                "it must be a whole one, as in '/files/:name/*'."
            )
        names.append(token[1])
        source += re.escape(text[position : token.start()]) + "([^/]++)"
        position = token.end()
    return source + re.escape(text[position:])


def _parameters_of(names: list[str], values: tuple[str, ...]) -> Parameters:
    """The parameters by name, and what the wildcards took as ``*``."""
    parameters: Parameters = {}
    wild = []
    for name, value in zip(names, values, strict=True):
        if name == "*":
            wild.append(value)
        else:
            parameters[name] = value
    parameters["*"] = wild[0] if len(wild) == 1 else wild
    return parameters
