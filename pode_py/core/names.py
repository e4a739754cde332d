"""Names: what to write instead of a name or a call that there is not. Knows Pode's names, too.

Users write Pode's functions from memory, functions that are planned, or forget an import.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Collection
from functools import cache
from pathlib import Path
from typing import Any, Final, NoReturn

from pode_py.core.arguments import meant
from pode_py.core.pode_names import NAMES, NO_MEANING, ODD

_KEYWORD: Final = re.compile(r"unexpected keyword argument '(\w+)'")
#: Parameters whose name here is not Pode's, or that of other frameworks.
_PARAMETERS: Final = {
    "callback": "handler",
    "host": "address",
    "script_block": "handler",
    "scriptblock": "handler",
}


def spelled(pode: str) -> str:
    """Pode's name as Python writes it.

    >>> spelled("ConvertTo-PodeSseConnection")
    'convert_to_sse_connection'
    """
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", pode)
    words = re.split(r"[-_]+", name.lower())
    return "_".join(word for word in words if word and (word != "pode" or len(words) == 1))


def instead_of_name(name: str, public: Collection[str]) -> str | None:
    """What to write instead of a name; None if it has nothing to do with pode_py."""
    ours = spelled(name)
    pode = _pode_names().get(ours)
    if ours in public:
        if ours == name:
            return f"{name} is a name of pode_py: write `from pode_py import {name}`."
        return f"{name} is called {ours} here: write `{ours}`."
    if pode is None:
        return None
    reason = _rows(NO_MEANING).get(ours)
    if reason is not None:
        return f"{ours} (Pode: {pode}) has no meaning in Python or on Linux: {reason}."
    return f"{ours} (Pode: {pode}) is planned, not there yet."


def example_of(function: Callable[..., Any]) -> str:
    """The first line of code of the example in its docstring."""
    call = re.compile(rf"(?<!\w){function.__name__}\b")
    lines = (function.__doc__ or "").splitlines()
    return next((one.strip() for one in lines if call.search(one) and "`" not in one), "")


def missing_names(public: Collection[str], file: str) -> Callable[[str], Any]:
    """The `__getattr__` of the front door: what to say of a name that it does not have."""
    folder = Path(file).parent

    def look_up(name: str) -> NoReturn:
        known = f"module 'pode_py' has no attribute {name!r}"
        if name.startswith("_") or (folder / name).is_dir() or (folder / f"{name}.py").is_file():
            raise AttributeError(known)
        planned = _pode_names().keys() - _rows(NO_MEANING).keys()
        said = instead_of_name(name, public)
        said = said or f"pode_py has no {name}.{meant(name, [*public, *planned])}"
        # Of an AttributeError `from pode_py import ...` would say no more than that it failed.
        if sys._getframe(1).f_code.co_name == "_handle_fromlist":
            raise ImportError(said, name="pode_py")
        raise AttributeError(f"{known}. {said}")

    return look_up


@cache
def _pode_names() -> dict[str, str]:
    """Pode's names by ours."""
    names = ["Pode"]
    for line in NAMES.splitlines():
        verb, *nouns = line.split()
        names += [f"{verb}-Pode{noun}" for noun in nouns]
    odd = _rows(ODD)
    return {odd.get(name) or spelled(name): name for name in names}


def _rows(text: str) -> dict[str, str]:
    """Lines of a key and what stands behind it."""
    return dict(line.split(" ", 1) for line in text.splitlines())


def how_to_call(function: Callable[..., Any], text: str = "") -> str:
    """Its parameters and an example. `text` is what Python says of the call."""
    every = inspect.signature(function).parameters.values()
    parameters = [one for one in every if one.name != "self"]
    first = [one.name for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD]
    shown = [*first, *(f"{one.name} ..." for one in parameters if one.kind is one.VAR_POSITIONAL)]
    rest = [f"{one.name}=" for one in parameters if one.kind is one.KEYWORD_ONLY]
    unknown = _KEYWORD.search(text)
    question = "" if unknown is None else meant_parameter(unknown[1], [*first, *rest]).lstrip()
    by_position = f"By position it takes {', '.join(shown) or 'nothing'}"
    by_name = f", by name {', '.join(rest)}" if rest else ""
    example = example_of(function)
    return (
        f"{question} {by_position}{by_name}." + (f" For example: {example}" if example else "")
    ).lstrip()


def meant_parameter(name: str, known: Collection[str]) -> str:
    """As `meant`, for a parameter that there is not; Pode's spelling counts."""
    names = [one.rstrip("=") for one in known]
    ours = spelled(name)
    ours = _PARAMETERS.get(ours, ours)
    return f" Did you mean {ours!r}?" if ours in names else meant(ours, names)
