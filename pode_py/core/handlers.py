"""Handler: a user's function, looked at once and called many times. Who calls it: core/calls.py.

A handler may take the current event as a parameter of the event's name (`web_event`), and gets
`argument_list` for its other parameters: a list by position, a dict by name. What can be wrong
with it is said when it is added, not at its first run.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import AsyncGeneratorType, GeneratorType
from typing import Any

from pode_py.core.ambient import Slot
from pode_py.core.errors import PodeError

Function = Callable[..., Any]
Arguments = Sequence[Any] | Mapping[str, Any] | None


class Handler:
    """Calls `function` with what its parameters ask for. A PodeError if it can't be.

    The parameter that is called as the `slot` is gets the event. `values` stand for what every
    call is going to hand over; only their number counts. With `fits`, those that the function has
    no parameter for are left out. A generator is welcome if it `streams`. `what` is how users
    wrote the call that added it.
    """

    __slots__ = (
        "_event_name",
        "_fixed",
        "_parameters",
        "_slot",
        "arguments",
        "function",
        "is_async",
        "streams",
        "what",
    )

    def __init__(
        self,
        function: Function,
        slot: Slot | None = None,
        arguments: Arguments = None,
        *,
        what: str,
        streams: bool = False,
        values: Sequence[Any] = (),
        fits: bool = False,
    ) -> None:
        if not callable(function):
            raise TypeError(f"handler takes a function, not {function!r}.")
        self.function = function
        self.arguments = arguments
        self.what = what
        self.streams = streams
        self.is_async = _is(inspect.iscoroutinefunction, function)
        self._slot = slot
        self._parameters = _Parameters(self, None if slot is None else slot.name, fits)
        self._event_name = slot.name if slot is not None and self._parameters.takes_event else None
        # What calls without values of their own need no second look for.
        self._fixed = self._parameters.fill(arguments, values)
        if not streams and _is_generator_function(function):
            raise PodeError(
                f"{self}, is a generator function. Nothing reads what it yields here, so none of "
                "its code would run. Make it a plain function: return instead of yield, or call "
                f"the generator in it and loop over it, as in `for _ in {_name(function)}(): ...`."
            )

    def call(self, event: Any, extra: Arguments = None) -> Any:
        """Call the function. `extra` comes after the registered arguments, or overrides by name.

        An async function returns its coroutine; whoever calls decides where it runs.
        """
        positional, named = self._fixed
        if extra is not None:
            positional, named = self._parameters.fill(self.arguments, extra)
        if self._event_name is not None:
            return self.function(*positional, **{**named, self._event_name: event})
        if not named and not positional:
            return self.function()
        return self.function(*positional, **named)

    def accept(self, value: Any) -> Any:
        """The value that the function has returned; a PodeError for a generator nobody reads."""
        if self.streams or type(value) not in _GENERATORS:
            return value
        if type(value) is GeneratorType:  # an async one that was not begun needs no end
            value.close()
        raise PodeError(
            f"{self}, returned a generator. Nothing reads what it yields here, so its code does "
            "not run. Loop over it in the handler, and return a value or nothing."
        )

    def changed(self, function: Function | None, arguments: Arguments) -> Handler:
        """The same with another function, or other arguments, if they are given."""
        return Handler(
            self.function if function is None else function,
            self._slot,
            self.arguments if arguments is None else arguments,
            what=self.what,
            streams=self.streams,
        )

    def __str__(self) -> str:
        return f"`{describe(self.function)}`, the handler of {self.what}"

    def __repr__(self) -> str:
        return f"<Handler {describe(self.function)}>"


class _Parameters:
    """What a function can be given."""

    __slots__ = (
        "event_name",
        "fits",
        "handler",
        "leading",
        "names",
        "only_named",
        "required",
        "star",
        "star_star",
        "takes_event",
    )

    def __init__(self, handler: Handler, event_name: str | None, fits: bool) -> None:
        self.handler = handler
        self.event_name = event_name
        self.fits = fits
        self.names: list[str] = []
        #: How many of them take no name.
        self.leading = 0
        self.only_named: set[str] = set()
        self.required: set[str] = set()
        self.star = self.star_star = self.takes_event = False
        for parameter in _signature(handler.function):
            self._look_at(parameter)

    def _look_at(self, parameter: inspect.Parameter) -> None:
        if parameter.kind is parameter.VAR_POSITIONAL:
            self.star = True
        elif parameter.kind is parameter.VAR_KEYWORD:
            self.star_star = True
        elif parameter.name == self.event_name:
            if parameter.kind is parameter.POSITIONAL_ONLY:
                raise PodeError(
                    f"{self.handler}, takes {parameter.name} by position only. It is filled by "
                    "name: remove the '/' from its parameters."
                )
            self.takes_event = True
        else:
            self.leading += parameter.kind is parameter.POSITIONAL_ONLY
            self.names.append(parameter.name)
            if parameter.kind is parameter.KEYWORD_ONLY:
                self.only_named.add(parameter.name)
            if parameter.default is parameter.empty:
                self.required.add(parameter.name)

    def fill(
        self, arguments: Arguments, extra: Arguments
    ) -> tuple[Sequence[Any], Mapping[str, Any]]:
        values = [*listed(arguments), *listed(extra)]
        named = {**_named(arguments), **_named(extra)}
        unknown = [name for name in named if name not in self.names]
        if unknown and not self.star_star:
            raise PodeError(
                f"{self.handler}, has no parameter {unknown[0]!r}, but argument_list names it. "
                f"Its parameters: {', '.join(self.names) or 'none'}."
            )
        free = [name for name in self.names if name not in named and name not in self.only_named]
        if len(values) > len(free):
            if self.star and not (self.fits and named):
                return values, named
            if not self.fits:
                raise PodeError(
                    f"{self.handler}, has {len(free)} parameters to fill, but is given "
                    f"{len(values)} values. Give it as many parameters, or a *name for the rest."
                )
        named.update(zip(free, values, strict=False))
        self._check(named)
        return [named.pop(name) for name in self.names[: self.leading] if name in named], named

    def _check(self, named: Mapping[str, Any]) -> None:
        for name in self.names:
            if name in self.required and name not in named:
                event = "" if self.event_name is None else f" The event comes as {self.event_name}."
                raise PodeError(
                    f"{self.handler}, has the parameter {name!r}, and nothing fills it. Give it a "
                    f"default, or fill it with argument_list, as in {{{name!r}: ...}}.{event}"
                )


_GENERATORS = (GeneratorType, AsyncGeneratorType)


def _signature(function: Function) -> Iterable[inspect.Parameter]:
    try:
        return inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some built-in functions have none: they take what comes
        return (inspect.Parameter("values", inspect.Parameter.VAR_POSITIONAL),)


def _is(kind: Callable[[Any], bool], function: Function) -> bool:
    """Whether the function is of this kind, or an object whose call is."""
    return kind(function) or kind(getattr(function, "__call__", None))  # noqa: B004


def _is_generator_function(function: Function) -> bool:
    return _is(inspect.isgeneratorfunction, function) or _is(inspect.isasyncgenfunction, function)


def listed(arguments: Arguments) -> list[Any]:
    """The values that go by position: none of a dict, and a single value is one."""
    if arguments is None or isinstance(arguments, Mapping):
        return []
    if isinstance(arguments, (str, bytes)) or not isinstance(arguments, Sequence):
        return [arguments]
    return list(arguments)


def _named(arguments: Arguments) -> dict[str, Any]:
    return dict(arguments) if isinstance(arguments, Mapping) else {}


def _name(function: Function) -> str:
    name = getattr(function, "__qualname__", None) or type(function).__name__
    return str(name.rpartition("<locals>.")[2])


def describe(function: Function) -> str:
    """A name for messages: ``tick (server.py:14)``."""
    code = getattr(inspect.unwrap(function) if callable(function) else function, "__code__", None)
    if code is None:
        return _name(function)
    return f"{_name(function)} ({Path(code.co_filename).name}:{code.co_firstlineno})"
