"""Handler: a user's function, looked at once and called many times; and decorator support.

A handler may take the current event as a parameter of the event's name (`web_event`), and gets
`argument_list` for its other parameters: a list by position, a dict by name.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pode_py.core.errors import PodeError, StartError
from pode_py.core.paths import calling_frame

F = TypeVar("F", bound=Callable[..., Any])
Arguments = Sequence[Any] | Mapping[str, Any] | None


class Handler:
    """Calls `function` with what its parameters ask for.

    `event_name` is the parameter that receives the event. With `lenient`, a parameter that
    nothing fills gets None, as a PowerShell script block's would; otherwise that is a PodeError
    at registration.
    """

    __slots__ = ("_arguments", "_event_name", "_fixed", "_parameters", "function", "is_async")

    def __init__(
        self,
        function: Callable[..., Any],
        event_name: str,
        arguments: Arguments = None,
        *,
        lenient: bool = False,
    ) -> None:
        if not callable(function):
            raise TypeError(f"handler takes a function, not {function!r}.")
        self.function = function
        self._arguments = arguments
        self.is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
            getattr(function, "__call__", None)  # noqa: B004 - an object with async __call__
        )
        self._parameters = _Parameters(function, event_name, lenient)
        self._event_name = event_name if self._parameters.takes_event else None
        self._fixed = None if lenient else self._parameters.fill(arguments, None)

    def call(self, event: Any, extra: Arguments = None) -> Any:
        """Call the function. `extra` comes after the registered arguments, or overrides by name.

        An async function gives its coroutine; whoever calls decides where it runs.
        """
        fixed = self._fixed
        if fixed is None or extra:
            fixed = self._parameters.fill(self._arguments, extra)
        positional, named = fixed
        if self._event_name is not None:
            return self.function(*positional, **{**named, self._event_name: event})
        if not named and not positional:
            return self.function()
        return self.function(*positional, **named)

    def accept(self, value: Any) -> Any:
        """What the function returned in the end, if that is something to go on with."""
        return value

    def __repr__(self) -> str:
        return f"<Handler {describe(self.function)}>"


class _Parameters:
    """What a function can be given."""

    __slots__ = ("label", "lenient", "names", "required", "star", "star_star", "takes_event")

    def __init__(self, function: Callable[..., Any], event_name: str, lenient: bool) -> None:
        self.label = describe(function)
        self.lenient = lenient
        self.names: list[str] = []
        self.required: set[str] = set()
        self.star = self.star_star = self.takes_event = False
        for parameter in _signature(function):
            self._look_at(parameter, event_name)

    def _look_at(self, parameter: inspect.Parameter, event_name: str) -> None:
        if parameter.kind is parameter.VAR_POSITIONAL:
            self.star = True
        elif parameter.kind is parameter.VAR_KEYWORD:
            self.star_star = True
        elif parameter.kind is parameter.POSITIONAL_ONLY:
            raise PodeError(
                f"{self.label} has the positional-only parameter {parameter.name!r}. "
                "A handler's parameters are filled by name: remove the '/'."
            )
        elif parameter.name == event_name:
            self.takes_event = True
        else:
            self.names.append(parameter.name)
            if parameter.default is parameter.empty:
                self.required.add(parameter.name)

    def fill(self, arguments: Arguments, extra: Arguments) -> tuple[list[Any], dict[str, Any]]:
        values = [*_positional(arguments), *_positional(extra)]
        named = {**_named(arguments), **_named(extra)}
        surplus = values[len(self.names) :]
        if surplus and not self.star:
            raise PodeError(
                f"{self.label} takes {len(self.names)} arguments, but argument_list "
                f"has {len(values)}."
            )
        if surplus:
            return values, named
        named = {**dict(zip(self.names, values, strict=False)), **named}
        unknown = [name for name in named if name not in self.names]
        if unknown and not self.star_star:
            raise PodeError(
                f"argument_list names {unknown[0]!r}, but {self.label} has no such parameter."
            )
        return [], self._complete(named)

    def _complete(self, named: dict[str, Any]) -> dict[str, Any]:
        missing = [name for name in self.names if name in self.required and name not in named]
        if not missing:
            return named
        if self.lenient:
            return {**named, **dict.fromkeys(missing)}
        raise PodeError(
            f"Nothing fills the parameter {missing[0]!r} of {self.label}. Give it a default, pass "
            "argument_list, or use the event's name as the parameter's name."
        )


def _signature(function: Callable[..., Any]) -> Iterable[inspect.Parameter]:
    try:
        return inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some built-in functions have none: call them with nothing
        return ()


def _positional(arguments: Arguments) -> list[Any]:
    if arguments is None or isinstance(arguments, Mapping):
        return []
    if isinstance(arguments, (str, bytes)) or not isinstance(arguments, Sequence):
        return [arguments]
    return list(arguments)


def _named(arguments: Arguments) -> dict[str, Any]:
    return dict(arguments) if isinstance(arguments, Mapping) else {}


def describe(function: Callable[..., Any]) -> str:
    """A name for messages: ``tick (server.py:14)``."""
    name = getattr(function, "__qualname__", None) or type(function).__name__
    name = name.rpartition("<locals>.")[2]
    code = getattr(inspect.unwrap(function) if callable(function) else function, "__code__", None)
    if code is None:
        return str(name)
    return f"{name} ({Path(code.co_filename).name}:{code.co_firstlineno})"


def load_file(path: Path) -> dict[str, Any]:
    """Run a Python file and return its globals. Raises PodeError if it is not there."""
    if not path.is_file():
        raise PodeError(f"The file {path} does not exist.")
    name = f"pode_py_file_{abs(hash(path)):x}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PodeError(f"{path} is not a Python file. Its name must end in .py.")
    module = importlib.util.module_from_spec(spec)
    # Compiled here: importlib takes a file that was changed twice in a second for the old one.
    code = compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    # Registered while it runs: dataclasses and pickling look their module up there.
    sys.modules[name] = module
    try:
        exec(code, module.__dict__)  # noqa: S102 - the user's own file
    finally:
        sys.modules.pop(name, None)
    return module.__dict__


def handler_from_file(path: Path) -> Callable[..., Any]:
    """The function called `handler` in a Python file."""
    handler = load_file(path).get("handler")
    if not callable(handler):
        raise PodeError(f"{path} must define a function called 'handler'.")
    return handler  # type: ignore[no-any-return]


def load_folder(folder: Path) -> int:
    """Run every .py file below `folder`, in order of their paths. Returns how many there were."""
    if not folder.is_dir():
        raise PodeError(f"The folder {folder} does not exist.")
    files = sorted(path for path in folder.rglob("*.py") if not path.name.startswith("_"))
    for path in files:
        load_file(path)
    return len(files)


class Decorator:
    """What `add_route("get", "/x")` without a handler returns: waits for its function."""

    def __init__(self, register: Callable[[Callable[..., Any]], object], what: str) -> None:
        self._register = register
        self.what = what
        self.where = _caller()
        self.used = False

    def __call__(self, function: F) -> F:
        if not callable(function):
            raise TypeError(f"{self.what} decorates a function, not {function!r}.")
        self._register(function)
        self.used = True
        return function


class Declarations:
    """The room that remembers decorators until they got their function."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Decorator] = []

    def decorator(self, register: Callable[[Callable[..., Any]], object], what: str) -> Decorator:
        """A decorator that hands its function to `register`. `what` names the call in messages."""
        made = Decorator(register, what)
        with self._lock:
            self._waiting = [known for known in self._waiting if not known.used]
            self._waiting.append(made)
        return made

    def check(self) -> None:
        """Raise StartError for the first decorator that never got a function."""
        with self._lock:
            forgotten = [known for known in self._waiting if not known.used]
        if forgotten:
            first = forgotten[0]
            raise StartError(
                f"{first.what} at {first.where} has no handler. Put it above a function as "
                f"@{first.what}, or pass the function to it."
            )


def _caller() -> str:
    """File and line of the user's call."""
    frame = calling_frame()
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame is not None else "unknown"
