"""Handler: a user's function, looked at once and called many times. Who calls it: core/calls.py.

A handler may take the current event as a parameter of the event's name (`web_event`), and gets
`argument_list` for its other parameters: a list by position, a dict by name. A route's path offers
the values of its parameters under their names. What can be wrong with it is said when it is added,
not at its first run.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import AsyncGeneratorType, GeneratorType
from typing import Any

from pode_py.core.ambient import Slot
from pode_py.core.arguments import meant
from pode_py.core.errors import PodeError

Function = Callable[..., Any]
Arguments = Sequence[Any] | Mapping[str, Any] | None


class Handler:
    """Calls `function` with what its parameters ask for. A PodeError if it can't be.

    The parameter that is called as the `slot` is gets the event. `values` stand for what every
    call is going to hand over by position: words for messages. Those of `offered` that the
    function has parameters for are `bound`: each call fills them by name. Values that it has no
    parameter for are left out, as in Pode. A generator is welcome if it `streams`. `what` is how
    users wrote the call that added it.
    """

    __slots__ = (
        "_event_name",
        "_fixed",
        "_parameters",
        "_slot",
        "arguments",
        "bound",
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
        offered: Collection[str] = (),
    ) -> None:
        if not callable(function):
            raise TypeError(
                f"handler takes a function, not {function!r}. Give {what.partition('(')[0]} the "
                "function itself, without () behind its name."
            )
        self.function = function
        self.arguments = arguments
        self.what = what
        self.streams = streams
        self.is_async = _is(inspect.iscoroutinefunction, function)
        self._slot = slot
        self._parameters = _Parameters(self, slot, offered, values)
        self._event_name = slot.name if slot is not None and self._parameters.takes_event else None
        self.bound: Mapping[str, inspect.Parameter] = self._parameters.bound
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
            if self.bound:
                named = {**named, **_named(extra)}
            else:
                positional, named = self._parameters.fill(self.arguments, extra)
        if self._event_name is not None:
            return self.function(*positional, **{**named, self._event_name: event})
        if not named and not positional:
            return self.function()
        return self.function(*positional, **named)

    def check_values(self, extra: Arguments) -> None:
        """Raise PodeError if a call could not hand these over, besides the registered ones."""
        if extra is not None:
            self._parameters.fill(self.arguments, extra)

    def accept(self, value: Any) -> Any:
        """The value that the function has returned. PodeError for what nobody reads or awaits: its
        code would not run, and what it says would not be heard."""
        if self.streams:
            return value
        if type(value) not in _GENERATORS:
            if hasattr(value, "__await__"):  # a Task, say: a coroutine has been awaited by now
                raise PodeError(
                    f"{self}, returned {type(value).__name__}, which nobody awaits here. Make the "
                    "handler `async def`, and `await` it there."
                )
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
        "bound",
        "first",
        "handler",
        "leading",
        "names",
        "offered",
        "only_named",
        "required",
        "slot",
        "star",
        "star_star",
        "takes_event",
    )

    def __init__(
        self,
        handler: Handler,
        slot: Slot | None,
        offered: Collection[str],
        first: Sequence[Any],
    ) -> None:
        self.handler = handler
        #: What each call hands over by position.
        self.first = first
        self.slot = slot
        self.offered = offered
        self.names: list[str] = []
        #: How many of them take no name.
        self.leading = 0
        self.only_named: set[str] = set()
        self.required: set[str] = set()
        self.bound: dict[str, inspect.Parameter] = {}
        self.star = self.star_star = self.takes_event = False
        for parameter in _signature(handler.function):
            self._look_at(parameter)

    def _look_at(self, parameter: inspect.Parameter) -> None:
        name, kind = parameter.name, parameter.kind
        if kind is parameter.VAR_POSITIONAL:
            self.star = True
            return
        if kind is parameter.VAR_KEYWORD:
            self.star_star = True
            return
        is_event = self.slot is not None and name == self.slot.name
        if kind is parameter.POSITIONAL_ONLY and (is_event or name in self.offered):
            raise PodeError(
                f"{self.handler}, takes {name} by position only. It is filled by name: remove the "
                "'/' from its parameters."
            )
        if is_event:
            self.takes_event = True
            return
        if name in self.offered:
            self.bound[name] = parameter
        self.leading += kind is parameter.POSITIONAL_ONLY
        self.names.append(name)
        if kind is parameter.KEYWORD_ONLY:
            self.only_named.add(name)
        if parameter.default is parameter.empty:
            self.required.add(name)

    def fill(
        self, arguments: Arguments, extra: Arguments
    ) -> tuple[Sequence[Any], Mapping[str, Any]]:
        values = [*listed(arguments), *listed(extra)]
        named = {**_named(arguments), **_named(extra)}
        self._check_names(named)
        free = [
            name
            for name in self.names
            if name not in named and name not in self.only_named and name not in self.bound
        ]
        if len(values) > len(free):
            if self.bound:
                raise PodeError(
                    f"{self.handler}, gets {_listed(self.bound)} from its path, and argument_list "
                    f"has {_count(len(values))} for {_count(len(free))} of its other parameters. "
                    "Leave the first out of argument_list, or give it another name in the path."
                )
            if self.star and not named:
                self._check_star()
                return values, named
        named.update(zip(free, values, strict=False))
        self._check_filled(named, len(values))
        return [named.pop(name) for name in self.names[: self.leading] if name in named], named

    def _check_names(self, named: Mapping[str, Any]) -> None:
        for name in named:
            if name in self.bound:
                raise PodeError(
                    f"{self.handler}, gets {name!r} from its path, and argument_list names it, "
                    "too. Leave it out of argument_list, or give it another name in the path."
                )
            if self.slot is not None and name == self.slot.name and self.takes_event:
                raise PodeError(
                    f"{self.handler}, gets the event as {name!r}, and argument_list names it, too. "
                    "Leave it out of argument_list, or give it another name."
                )
            if name not in self.names and not self.star_star:
                raise PodeError(
                    f"{self.handler}, has no parameter {name!r}, but argument_list names it."
                    f"{meant(name, self.names)} Its parameters: {', '.join(self.names) or 'none'}."
                )

    def _check_star(self) -> None:
        """Values by position, beyond those with names: nothing else may stand before them."""
        if self.takes_event and self.slot is not None:
            for parameter in _signature(self.handler.function):
                if parameter.kind is parameter.VAR_POSITIONAL:
                    return  # the event comes after it, by name
                if parameter.name == self.slot.name:
                    raise PodeError(
                        f"{self.handler}, takes {self.slot.name} before the values of "
                        "argument_list, which would fill it. Put it behind the parameter with the "
                        f"star, as in `def handler(*values, {self.slot.name})`."
                    )

    def _check_filled(self, named: Mapping[str, Any], given: int) -> None:
        for name in self.names:
            if name in self.required and name not in named and name not in self.bound:
                raise PodeError(
                    f"{self.handler}, has the parameter {name!r}, and nothing fills it."
                    f"{self._advice(name, given)}"
                )

    def _advice(self, name: str, given: int) -> str:
        """What was meant, what such a handler may have, and what else to write."""
        slot = self.slot
        if slot is None:
            may = f" It is given {_count(given)} by position." if given else ""
            return f"{may} Remove it, or give it a default."
        if self.first:
            what = str(self.first[0])
            first = what.rpartition(" ")[2]
            written = f"def {_name(self.handler.function)}({first}, {slot.name})"
            return (
                f" It gets {what} first, and may have {slot.name} after it: `{written}`. Other "
                "parameters need a default."
            )
        known = [slot.name, *self.offered]
        nearest = meant(name, known) or (f" Did you mean {slot.name!r}?" * (name in _EVENTS))
        path = f", and parameters of its path: {_listed(self.offered)}" if self.offered else ""
        instead = "" if nearest else slot.advice.format(name=name)
        if name in slot.fields:
            instead = f" It is {slot.name}.{name}: write that in the function."
        return (
            f"{nearest} It may have {slot.name}{path}.{instead} Other parameters need a default, "
            f"or argument_list, as in argument_list={{{name!r}: ...}}."
        )


#: What users of other frameworks call what a handler gets.
_EVENTS = ("args", "context", "ctx", "e", "ev", "event", "evt", "req", "self", "sender", "state")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))


def _count(number: int) -> str:
    return "1 value" if number == 1 else f"{number} values"


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
    while isinstance(function, partial):
        function = function.func
    name = getattr(function, "__qualname__", None) or type(function).__name__
    return str(name.rpartition("<locals>.")[2])


def describe(function: Function) -> str:
    """A name for messages: ``tick (server.py:14)``."""
    found: Any = inspect.unwrap(function) if callable(function) else function
    while isinstance(found, partial):
        found = found.func
    code = getattr(found, "__code__", None)
    if code is None:  # an object that is called
        code = getattr(getattr(type(found), "__call__", None), "__code__", None)  # noqa: B004
    if code is None:
        return _name(function)
    return f"{_name(function)} ({Path(code.co_filename).name}:{code.co_firstlineno})"
