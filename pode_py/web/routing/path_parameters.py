"""Path parameters as parameters of the handler: `def user(id: int)` for ``/users/:id``.

What converts a value is chosen when the route is added. A value that does not fit is 404: there is
no such page.
"""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Mapping
from types import NoneType, SimpleNamespace, UnionType
from typing import Any

from pode_py.core import ambient
from pode_py.core.errors import PodeError, StatusError
from pode_py.core.handlers import Handler
from pode_py.core.paths import calling_frame
from pode_py.http.getters import reader_of
from pode_py.http.patterns import parameter_names
from pode_py.web.event import WebEvent

#: Raises ValueError or OverflowError for what does not fit.
Converter = Callable[[str], Any]


class PathBinder:
    """Fills the handler's parameters that its path names. Belongs to one route."""

    __slots__ = ("_converters",)

    def __init__(self, converters: Mapping[str, Converter | None]) -> None:
        self._converters = tuple(converters.items())

    def bind(self, event: WebEvent) -> dict[str, Any]:
        """The parameters by name. StatusError 404 for a value that does not fit."""
        values = event.parameters
        try:
            return {
                name: values[name] if convert is None else convert(values[name])
                for name, convert in self._converters
            }
        except (ValueError, OverflowError):
            raise StatusError(404) from None


def names_on_offer(what: str, path: str) -> tuple[str, ...]:
    """The path's parameters. PodeError if one has the name of the event."""
    names = parameter_names(path)
    if ambient.WEB.name in names:
        raise PodeError(
            f"{what}: the parameter :{ambient.WEB.name} of the path has the name of the event. "
            "Give it another one, such as :id."
        )
    return names


def binder_of(handler: Handler) -> PathBinder | None:
    """What fills the parameters that the path offers; None if the function has none of them.

    Raises PodeError for an annotation that no text of a path can become.
    """
    if not handler.bound:
        return None
    return PathBinder({name: _converter(handler, one) for name, one in handler.bound.items()})


def _converter(handler: Handler, parameter: inspect.Parameter) -> Converter | None:
    """What a text of the path goes through; None if it stays as it is."""
    kind = _kind(_annotation(handler, parameter))
    if kind in (parameter.empty, Any, object, str):
        return None
    if typing.get_origin(kind) is typing.Literal:
        return _choice(typing.get_args(kind))
    try:
        return reader_of(kind)[0]
    except TypeError:
        shown = kind.__name__ if isinstance(kind, type) else kind
        raise PodeError(
            f"{handler}, gets {parameter.name!r} from its path as text, which cannot become "
            f"{shown}. Annotate it as str, int, float, bool, date, UUID or an Enum, and make of it "
            "in the function what you need."
        ) from None


def _annotation(handler: Handler, parameter: inspect.Parameter) -> Any:
    """What the annotation means; a text if the module has `from __future__ import annotations`."""
    written = parameter.annotation
    if written is parameter.empty:
        return written
    function: Any = inspect.unwrap(handler.function)
    while isinstance(function, functools.partial):
        function = function.func
    frame = calling_frame()
    # A class that the set-up function defines is a local name of it.
    known = {} if frame is None else dict(frame.f_locals)
    names = getattr(function, "__globals__", None)
    if names is None:  # an object that is called
        names = getattr(type(function).__call__, "__globals__", {})
    holder = SimpleNamespace(__annotations__={parameter.name: written})
    try:
        return typing.get_type_hints(holder, {**names}, known)[parameter.name]
    except (NameError, SyntaxError, TypeError, AttributeError) as error:
        raise PodeError(
            f"{handler}, gets {parameter.name!r} from its path, and its annotation {written!r} "
            f"cannot be read: {error}. Import what it names, outside of `if TYPE_CHECKING:`."
        ) from None


def _kind(annotation: Any) -> Any:
    """The type itself, of one that may be None as well."""
    if typing.get_origin(annotation) in (typing.Union, UnionType):
        some = [one for one in typing.get_args(annotation) if one is not NoneType]
        if len(some) == 1:
            return some[0]
    return annotation


def _choice(choices: tuple[Any, ...]) -> Converter:
    """One of the values of a Literal."""
    by_text = {str(choice): choice for choice in choices}

    def convert(text: str) -> Any:
        if text not in by_text:
            raise ValueError
        return by_text[text]

    return convert
