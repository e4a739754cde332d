"""Notes: what Python's own errors in users' code mean, where it has to do with pode_py.

A note is looked for when an error is logged or ends the set-up: so what requests call is not slower
for it. Python shows notes below the traceback.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Collection
from types import TracebackType
from typing import Any, Final

from pode_py.core.arguments import meant
from pode_py.core.checks import complaint
from pode_py.core.names import how_to_call, instead_of_name, spelled

#: What other frameworks call what requests have.
_FIELDS: Final = {
    **dict.fromkeys(("body", "form", "get_json", "json"), "data"),
    "args": "query",
    "params": "parameters",
    "path_params": "parameters",
    "query_params": "query",
}
#: Where the fields of a kind are, by what one of them is called.
_SENT: Final = {
    "cookie": "cookies",
    "field": "data",
    "path parameter": "parameters",
    "query parameter": "query",
}
_CALL: Final = re.compile(r"(?:Getters\.)?(\w+)\(\) (?:takes|got|missing) ")


def add_note(error: BaseException) -> None:
    """Add what to write instead to an error that ended users' code, if pode_py knows it."""
    door = sys.modules.get("pode_py")  # it stands above this room: looked up, never imported
    public: Collection[str] = getattr(door, "__all__", ())
    note: str | None = None
    if type(error) is NameError:
        name = error.name or ""
        # Python itself says so on a console, but not in a log, before 3.12.
        near = meant(name, public, likeness=0.85).strip()
        note = instead_of_name(name, public) or near
    elif type(error) is AttributeError and _is_ours(error.obj):
        note = _instead_of_field(error.obj, error.name or "")
    elif isinstance(error, (AttributeError, LookupError, TypeError, ValueError)):
        note = _instead_of_call(error, door, public)
    if note and note not in getattr(error, "__notes__", ()):
        error.add_note(note)


def _is_ours(value: object) -> bool:
    return type(value).__module__.partition(".")[0] == "pode_py"


def _instead_of_field(value: object, name: str) -> str | None:
    """Which field was meant of an event, a request, a response."""
    fields = [one for one in dir(value) if one[0] != "_"]
    sent = _SENT.get(getattr(value, "what", ""))
    if sent is not None:
        return meant(name, fields, likeness=0.8).strip() or (
            f'What was sent under a name stands in brackets: `web_event.{sent}["{name}"]`.'
        )
    ours = _FIELDS.get(name.lower(), spelled(name))
    if ours in fields:
        return f"{name} is called {ours} here."
    return meant(name, fields).strip() or None


def _instead_of_call(error: Exception, door: Any, public: Collection[str]) -> str | None:
    """What is wrong with the call of a function of pode_py that the error came from."""
    found = _CALL.match(str(error)) if type(error) is TypeError else None
    if found is not None and found[1] in public:
        function = getattr(door, found[1])
        return how_to_call(function, str(error)) if inspect.isfunction(function) else None
    if found is not None and found[1].startswith("get_"):
        getters = sys.modules.get("pode_py.http.getters")
        getter = None if getters is None else getattr(getters.Getters, found[1], None)
        return None if getter is None else how_to_call(getter, str(error))
    called = _called(error.__traceback__, door, public)
    return None if called is None else complaint(*called)


def _called(
    trace: TracebackType | None, door: Any, public: Collection[str]
) -> tuple[Callable[..., Any], dict[str, Any]] | None:
    """The last function of pode_py that users' code called before the error, with its arguments."""
    found = None
    while trace is not None:
        code = trace.tb_frame.f_code
        function = getattr(door, code.co_name) if code.co_name in public else None
        function = inspect.unwrap(function) if inspect.isfunction(function) else None
        if function is not None and function.__code__ is code:
            values = trace.tb_frame.f_locals
            names = inspect.signature(function).parameters
            found = function, {name: values[name] for name in names if name in values}
        trace = trace.tb_next
    return found
