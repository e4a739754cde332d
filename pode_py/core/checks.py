"""Checks: the arguments of a call against the annotations of the function, in words.

For functions that set something up: they are called some dozen times, and what is wrong with their
arguments would show much later, as an AttributeError or as nothing at all. What a request calls is
not checked: Python's own errors have to do there, with a note (names.py).
"""

from __future__ import annotations

import inspect
import json
import os
import re
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, wraps
from itertools import permutations
from pathlib import Path
from types import CoroutineType, FunctionType, NoneType, UnionType
from typing import Any, Final, TypeVar, cast

from pode_py.core.arguments import as_list, instead_of, one_of, shown
from pode_py.core.errors import PodeError
from pode_py.core.handlers import describe
from pode_py.core.names import example_of, how_to_call, meant_parameter
from pode_py.core.tracebacks import behind_call

F = TypeVar("F", bound=Callable[..., Any])


def checked(call: F) -> F:
    """Check the arguments of each call, and say in words what is wrong with them."""
    return _checked(call, "")


def decorates(example: str) -> Callable[[F], F]:
    """As `checked`, for functions that take a handler: they can stand above one.

    `example` is how they are written there.
    """

    def wrap(call: F) -> F:
        return _checked(call, example)

    return wrap


def _checked(call: F, decorator: str) -> F:
    @wraps(call)
    def wrapped(*given: Any, **named: Any) -> Any:
        if decorator and len(given) == 1 and not named and type(given[0]) is FunctionType:
            raise PodeError(
                f"@{call.__name__} above `{describe(given[0])}` lacks its arguments. Write them "
                f"behind it, as in @{decorator}."
            )
        try:
            _check(call, given, named)
            return call(*given, **named)
        except Exception as error:  # a bare raise adds no line of this one to its traceback
            error.__traceback__ = behind_call(error)
            raise

    return cast(F, wrapped)


@dataclass(frozen=True, slots=True)
class _Expected:
    """What one parameter takes. `words` finish the sentence "name takes"; without any the function
    itself says what is wrong.
    """

    words: str
    fits: Callable[[Any], bool]
    #: The words to choose from, of a parameter that takes nothing else.
    choices: tuple[str, ...] = ()


def _check(call: Callable[..., Any], given: tuple[Any, ...], named: dict[str, Any]) -> None:
    """Raise TypeError or ValueError for arguments that do not fit."""
    signature, expected = _signature(call)
    try:
        bound = signature.bind(*given, **named)
    except TypeError:
        raise TypeError(_misfit(call, signature, given, named)) from None
    wrong = [
        name
        for name, value in bound.arguments.items()
        if name in expected and not expected[name].fits(value)
    ]
    if not wrong:
        return
    order = list(bound.arguments)[: len(given)]
    if any(name in order for name in wrong):
        _check_order(call, order, expected, given)
    wrong = [name for name in wrong if expected[name].words]
    if not wrong:
        return
    name, value = wrong[0], bound.arguments[wrong[0]]
    if isinstance(value, CoroutineType):
        value.close()
    example = example_of(call) if name in order else ""
    example = f" For example: {example}" if example else ""
    takes_others = _FUNCTION.words in expected[name].words and not isinstance(value, str)
    if expected[name].choices and not takes_others:
        for item in as_list(value) or [value]:
            _check_choice(name, item, expected[name].choices, example)
    raise TypeError(
        f"{name} takes {expected[name].words}, not {_seen(call, name, value)}."
        f"{_instead(call, name, expected[name], value) or example}"
    )


def _may_be_secret(call: Callable[..., Any], *names: str) -> bool:
    """Whether a value of one of these parameters may be a secret: messages are logged."""
    return any(_SECRET.search(name) for name in (call.__name__, *names))


def _seen(call: Callable[..., Any], name: str, value: Any) -> str:
    """A value for a message, unless it may be a secret."""
    if _may_be_secret(call, name):
        return f"a value of type {type(value).__name__}"
    return _written(value) if isinstance(value, FunctionType) else shown(value)


def _check_choice(name: str, value: Any, choices: tuple[str, ...], example: str) -> None:
    try:
        one_of(name, value, choices)
    except ValueError as error:
        raise ValueError(f"{error}{example}") from None


def complaint(call: Callable[..., Any], named: dict[str, Any]) -> str | None:
    """What is wrong with these arguments of a call; None if they fit."""
    parameters = inspect.signature(call).parameters.values()
    if any(one.kind not in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY) for one in parameters):
        return None  # by name alone it can't be called
    try:
        _check(call, (), named)
    except (TypeError, ValueError) as error:
        return f"{call.__name__}: {error}"
    return None


def _misfit(
    call: Callable[..., Any],
    signature: inspect.Signature,
    given: tuple[Any, ...],
    named: dict[str, Any],
) -> str:
    """What is wrong with a call whose arguments have no parameters, or the other way round."""
    what, known = call.__name__, signature.parameters
    usage = how_to_call(call)
    unknown = [name for name in named if name not in known]
    if unknown:
        question = meant_parameter(unknown[0], list(known))
        if what == "start_server" and unknown[0] in _OF_ENDPOINTS:
            one = f"{_OF_ENDPOINTS[unknown[0]]}={_written(named[unknown[0]])}"
            question = (
                f" Where it listens is said in the function that sets it up: add_endpoint({one})."
            )
        return f"{what} has no parameter {unknown[0]!r}.{question or f' {usage}'}"
    by_position = [one.name for one in known.values() if one.kind is one.POSITIONAL_OR_KEYWORD]
    star = any(one.kind is one.VAR_POSITIONAL for one in known.values())
    if len(given) > len(by_position) and not star:
        return f"{what} takes {len(by_position)} by position, and is given {len(given)}. {usage}"
    twice = [name for name in by_position[: len(given)] if name in named]
    if twice:
        return f"{what} is given {twice[0]} twice, by position and by name. {usage}"
    missing = [
        one.name
        for one in list(known.values())[len(given) :]
        if one.default is one.empty and one.name not in named
    ]
    return f"{what} needs {' and '.join(missing)}. {usage}"


def _check_order(
    call: Callable[..., Any],
    names: list[str],
    expected: Mapping[str, _Expected],
    given: tuple[Any, ...],
) -> None:
    """Raise TypeError if the arguments would fit in another order."""
    for order in permutations(given):
        pairs = list(zip(names, order, strict=True))
        if all(name not in expected or expected[name].fits(value) for name, value in pairs):
            hidden = _may_be_secret(call, *names)
            written = ", ".join(names if hidden else [_written(value) for value in order])
            raise TypeError(
                f"{call.__name__} takes {', '.join(names)} in this order. Write "
                f"{call.__name__}({written})."
            )


def _written(value: Any) -> str:
    """A value as a user would write it."""
    if isinstance(value, FunctionType):
        return value.__name__
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else shown(value)


def _instead(call: Callable[..., Any], name: str, expected: _Expected, value: Any) -> str:
    """What to write, with a space before it; "" if there is no more to say."""
    if _FUNCTION.words in expected.words:
        if isinstance(value, str) and value.endswith(".py"):
            return f" Write file_path={value!r} for a file."
        if isinstance(value, str) and value.isidentifier():
            return f" Give {call.__name__} the function itself: its name without quotes or ()."
        return f" Give {call.__name__} the function itself, without () behind its name."
    if isinstance(value, str):
        text = value.strip().lower()
        if "number" in expected.words and text.lstrip("+-").replace(".", "", 1).isdigit():
            return f" Write {value.strip()}, without quotes."
        if expected.words == _SWITCH.words and text in _SWITCH_WORDS:
            return f" Write {name}={_SWITCH_WORDS[text]}."
    if isinstance(value, FunctionType):
        return f" Call it: {value.__name__}()."
    return "" if _may_be_secret(call, name) else instead_of(value)


#: What other frameworks take where they start, and what it is called in add_endpoint.
_OF_ENDPOINTS: Final = {
    "address": "address",
    "bind": "address",
    "certificate": "certificate",
    "host": "address",
    "hostname": "hostname",
    "port": "port",
    "protocol": "protocol",
}
_SECRET: Final = re.compile("password|secret|token", re.IGNORECASE)
_SWITCH_WORDS: Final = {
    **dict.fromkeys(("true", "yes", "on", "1", "$true"), True),
    **dict.fromkeys(("false", "no", "off", "0", "$false"), False),
}


@cache
def _signature(call: Callable[..., Any]) -> tuple[inspect.Signature, Mapping[str, _Expected]]:
    hints = typing.get_type_hints(call)
    signature = inspect.signature(call)
    # One with a star takes several values: the function itself looks at each.
    single = [one for one in signature.parameters.values() if one.kind is not one.VAR_POSITIONAL]
    made = {one.name: _expected(hints[one.name]) for one in single if one.name in hints}
    return signature, {name: one for name, one in made.items() if one is not None}


def _expected(annotation: Any) -> _Expected | None:
    """What an annotation asks for; None for anything."""
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, UnionType):
        return _union(typing.get_args(annotation))
    if origin is typing.Literal:
        return _literal(typing.get_args(annotation))
    if origin is not None and issubclass(origin, Mapping):
        return _Expected("a dict", lambda value: isinstance(value, Mapping))
    if origin is type:  # which class, the function says
        return _Expected("", inspect.isclass)
    if origin is not None and issubclass(origin, Callable):  # type: ignore[arg-type]
        return _FUNCTION
    if origin is not None and issubclass(origin, Iterable):
        return _several(_expected(typing.get_args(annotation)[0]))
    if annotation in (Any, object) or not isinstance(annotation, type):
        return None
    return _KINDS.get(annotation) or _Expected(
        f"{'an' if annotation.__name__[0] in 'AEIOU' else 'a'} {annotation.__name__}",
        lambda value: isinstance(value, annotation),
    )


def _union(annotations: tuple[Any, ...]) -> _Expected | None:
    optional = NoneType in annotations
    if timedelta in annotations:  # a duration: seconds() says more
        return _Expected(
            "",
            lambda value: (
                (isinstance(value, (int, float, timedelta)) and not isinstance(value, bool))
                or (optional and value is None)
            ),
        )
    kinds = [one for one in annotations if one is not NoneType]
    if {str, Path} <= set(kinds):
        kinds = [one for one in kinds if one is not str]  # Path stands for both
    some = [_expected(one) for one in kinds]
    found = [one for one in some if one is not None]
    if len(found) < len(some):
        return None
    words = dict.fromkeys(one.words for one in found)
    return _Expected(
        " or ".join(words) if all(words) else "",
        lambda value: (optional and value is None) or any(one.fits(value) for one in found),
        next((one.choices for one in found if one.choices), ()),
    )


def _literal(values: tuple[Any, ...]) -> _Expected:
    if all(isinstance(value, str) for value in values):
        choices = tuple(dict.fromkeys(value.lower() for value in values))
        return _Expected(
            f"one of {', '.join(map(repr, choices))}",
            lambda value: isinstance(value, str) and value.lower() in choices,
            choices,
        )
    words = f"one of {', '.join(map(repr, values))}"
    return _Expected(words, lambda value: value in values and type(value) in map(type, values))


def _several(one: _Expected | None) -> _Expected | None:
    if one is None:
        return None
    return _Expected(
        "a list of them",
        lambda value: (
            not isinstance(value, (str, bytes, Mapping))
            and isinstance(value, Iterable)
            and all(one.fits(item) for item in as_list(value))
        ),
        one.choices,
    )


_FUNCTION: Final = _Expected("a function", callable)
_SWITCH: Final = _Expected("True or False", lambda value: isinstance(value, bool))
_KINDS: Final[Mapping[Any, _Expected]] = {
    str: _Expected("a str", lambda value: isinstance(value, str)),
    bytes: _Expected("bytes", lambda value: isinstance(value, (bytes, bytearray, memoryview))),
    bool: _SWITCH,
    int: _Expected(
        "a whole number", lambda value: isinstance(value, int) and not isinstance(value, bool)
    ),
    float: _Expected(
        "a number",
        lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    ),
    Path: _Expected("a path", lambda value: isinstance(value, (str, os.PathLike))),
}
