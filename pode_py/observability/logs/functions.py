"""Pode's logging functions that decide what is logged. Where it goes: methods/functions.py."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pode_py.core import ambient
from pode_py.core.ambient import room
from pode_py.core.arguments import as_list, filled, one_of, some_of
from pode_py.core.checks import checked, decorates
from pode_py.core.errors import ServerStopped
from pode_py.core.handlers import Arguments, Function
from pode_py.core.registration import Registration, waiting
from pode_py.observability.logs.log_types import ERRORS, REQUESTS, RequestOptions, TypeOptions
from pode_py.observability.logs.logs import Logs, write_late
from pode_py.observability.logs.records import KINDS, LEVELS, SERIOUS, Kind, Level

__all__ = [
    "add_log_type",
    "add_logger",
    "clear_log_types",
    "clear_loggers",
    "disable_error_logging",
    "disable_log_error_type",
    "disable_log_request_type",
    "disable_request_logging",
    "enable_error_logging",
    "enable_log_error_type",
    "enable_log_request_type",
    "enable_request_logging",
    "protect_log_item",
    "remove_log_type",
    "remove_logger",
    "use_logging",
    "write_error_log",
    "write_log",
]

LevelOrAll = Level | Literal["*"]


@checked
def enable_log_request_type(
    method: str | Sequence[str],
    *,
    name: str | None = None,
    username_property: str = "username",
    format: Literal["common", "combined"] = "combined",
    handler: Function | None = None,
    argument_list: Arguments = None,
    remote_ip_header: str | Sequence[str] | None = None,
    as_utc: bool = False,
    raw: bool = False,
) -> None:
    """Log every answered request, with one or several log methods. Pode: Enable-PodeLogRequestType.

    username_property: where the authenticated user has its name; dots lead deeper.
    format: "combined", or "common", which has no referrer and no user agent.
    handler: gets the log event (`.data` is the raw dict) and `argument_list`, and returns what is
        logged instead of a formatted line; None logs nothing.
    argument_list: values for the handler's parameters, a list by position or a dict by name.
    remote_ip_header: request headers whose first address is logged instead of that of the
        connection. Use it only behind a proxy that sets them.
    as_utc: times are UTC, not local.
    raw: the methods get the raw dict.

    Raises PodeError if a method does not exist, or a log type of this name does.

        enable_log_request_type(new_log_terminal_method())
    """
    room(Logs).add_request_type(
        name or REQUESTS,
        as_list(method),
        _with_handler(
            "enable_log_request_type", TypeOptions(as_utc=as_utc), handler, argument_list, raw
        ),
        RequestOptions(
            format=one_of("format", format, ("common", "combined")),
            username_property=filled("username_property", username_property),
            remote_ip_header=tuple(as_list(remote_ip_header)),
        ),
    )


@checked
def disable_log_request_type(name: str | None = None) -> None:
    """Stop logging requests. Pode: Disable-PodeLogRequestType.

    What was logged before is still written.

        disable_log_request_type()
    """
    room(Logs).remove_type(name or REQUESTS)


@checked
def enable_log_error_type(
    method: str | Sequence[str],
    *,
    name: str | None = None,
    levels: LevelOrAll | Sequence[LevelOrAll] = SERIOUS,
    kind: Kind | Sequence[Kind] = "server",
    handler: Function | None = None,
    argument_list: Arguments = None,
    as_utc: bool = False,
    raw: bool = False,
) -> None:
    """Log errors with one or several log methods. Pode: Enable-PodeLogErrorType.

    These are the exceptions that handlers raise, and what `write_error_log` gets. While no error
    type is enabled, errors of the default levels are printed to standard error.

    levels: one or several of "emergency", "alert", "critical", "error", "warning", "notice",
        "informational", "verbose" and "debug"; "*" means all.
    kind: "server" is what went wrong here; "client" what a request got wrong (4xx), "timeout" a
        request that came too slowly.
    handler: gets the log event (`.data` is the raw dict) and `argument_list`, and returns what is
        logged instead of a formatted record; None logs nothing.
    argument_list: values for the handler's parameters, a list by position or a dict by name.
    as_utc: times are UTC, not local.
    raw: the methods get the raw dict.

    Raises PodeError if a method does not exist, or a log type of this name does.

        enable_log_error_type(new_log_file_method("errors"), levels="*")
    """
    room(Logs).add_error_type(
        name or ERRORS,
        as_list(method),
        _with_handler(
            "enable_log_error_type",
            TypeOptions(levels=_levels(levels), as_utc=as_utc),
            handler,
            argument_list,
            raw,
        ),
        frozenset(some_of("kind", kind, KINDS)),
    )


@checked
def disable_log_error_type(name: str | None = None) -> None:
    """Stop logging errors. Pode: Disable-PodeLogErrorType.

    What was logged before is still written.

        disable_log_error_type()
    """
    room(Logs).remove_type(name or ERRORS)


@decorates('add_log_type(method, "name")')
def add_log_type(
    method: str | Sequence[str],
    name: str,
    handler: Function | None = None,
    *,
    levels: LevelOrAll | Sequence[LevelOrAll] = "informational",
    argument_list: Arguments = None,
    version: Literal[1, 2] = 1,
    metadata: Mapping[str, Any] | None = None,
    log_header: str | Sequence[str] | None = None,
    as_utc: bool = False,
    raw: bool = False,
) -> Registration:
    """Add a log type of your own, for `write_log`. Pode: Add-PodeLogType.

    handler: runs on the log thread. It gets what was written and `argument_list`, and returns what
        is logged; None logs nothing.
    levels: as in `enable_log_error_type`.
    argument_list: values for the handler's parameters, a list by position or a dict by name.
    version: with 2 the handler gets the log event instead of its data.
    metadata: added to each log event.
    log_header: lines that are logged once, before the first item.
    as_utc: times are UTC, not local.
    raw: log the data as it is.

    Returns a decorator if there is no handler, unless `raw` is set.
    Raises PodeError if a method does not exist, or a log type of this name does.

        @add_log_type(new_log_terminal_method(), "sales")
        def sale(item):
            return f"{item['amount']} {item['customer']}"
    """
    filled("name", name)
    base = TypeOptions(
        levels=_levels(levels),
        version=_version(version),
        as_utc=as_utc,
        header=tuple(as_list(log_header)),
        metadata=dict(metadata or {}),
    )

    what = f'add_log_type(..., "{name}")'
    room(Logs).check_methods(as_list(method))

    def register(function: Function | None) -> None:
        made = _with_handler(what, base, function, argument_list, raw)
        room(Logs).add_custom_type(name, as_list(method), made)

    if handler is None and raw:
        register(None)
        return Registration(what)
    return waiting(what, register, handler)


@checked
def remove_log_type(name: str) -> None:
    """Remove a log type. Pode: Remove-PodeLogType.

    What was logged before is still written.

        remove_log_type("sales")
    """
    room(Logs).remove_type(name)


def clear_log_types() -> None:
    """Remove all log types, also those of requests and errors. Pode: Clear-PodeLogTypes.

    clear_log_types()
    """
    room(Logs).clear_types()


def write_log(
    input_object: Any,
    name: str | Sequence[str],
    *,
    level: Level = "informational",
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Log an object with one or several types of `add_log_type`. Pode: Write-PodeLog.

    Never waits and never fails. For a name that does not exist nothing is logged but a warning,
    once a minute at most. An object of a level that the type does not take is ignored.

    input_object: the log thread reads it later: do not change it afterwards.
    level: one of those of `enable_log_error_type`.
    metadata: added to that of the type.

        write_log({"customer": "Ada", "amount": 3}, "sales")
    """
    names = as_list(name)
    if not all(isinstance(one, str) for one in names):
        raise TypeError(
            f"name takes names of log types, not {name!r}. The object to log comes first: "
            "write_log(object, name)."
        )
    room(Logs).write(names, one_of("level", level, LEVELS), input_object, metadata)


def write_error_log(
    exception: BaseException | str | None = None,
    *,
    message: str | None = None,
    level: Level = "error",
    metadata: Mapping[str, Any] | None = None,
    check_inner_exception: bool = False,
) -> None:
    """Log an exception or a message with the error types. Pode: Write-PodeErrorLog.

    After the server has stopped it goes to standard error.

    exception: by default the exception that is being handled.
    message: a text, instead of an exception.
    level: one of those of `enable_log_error_type`.
    metadata: added to the log event.
    check_inner_exception: log also what the exception was raised from, as records of their own.

    Raises ValueError if there is nothing to log.

        try:
            1 / 0
        except ZeroDivisionError:
            write_error_log()
    """
    one_of("level", level, LEVELS)
    found = exception if exception is not None else message
    found = found if found is not None else sys.exception()
    if found is None:
        raise ValueError(
            "write_error_log has nothing to log. Pass an exception or a message, or call it "
            "inside of an except block."
        )
    event = ambient.WEB.variable.get(None)
    try:
        logs = room(Logs)
    except ServerStopped:  # a thread that the user has started, and that outlives the server
        for error in _chain(found, check_inner_exception):
            write_late(error, _caller(), level.lower())
        return
    for error in _chain(found, check_inner_exception):
        logs.write_exception(
            error,
            where=_caller(),
            level=level.lower(),
            context_id=getattr(event, "context_id", None),
            metadata=metadata,
        )


def protect_log_item(item: str) -> str:
    """Return a text with its secrets masked. Pode: Protect-PodeLogItem.

    For custom log methods, which get their items unmasked.

        protect_log_item("/login?token=abc")  # /login?token=********
    """
    return room(Logs).masking.protect(item)


@checked
def use_logging(path: str = "logging") -> None:
    """Run every Python file below a folder; each can set up logging. Pode: Use-PodeLogging.

    path: the folder; by default `logging` next to the server's script.

    Raises PodeError if the folder does not exist.

        use_logging()
    """
    room(Logs).load(path)


# Pode's old names, which its samples still use.
enable_request_logging = enable_log_request_type
disable_request_logging = disable_log_request_type
enable_error_logging = enable_log_error_type
disable_error_logging = disable_log_error_type
add_logger = add_log_type
remove_logger = remove_log_type
clear_loggers = clear_log_types


def _with_handler(
    what: str, base: TypeOptions, handler: Function | None, arguments: Arguments, raw: bool
) -> TypeOptions:
    if raw and handler is not None:
        raise ValueError("raw=True logs the data as it is: leave handler out, or raw.")
    maker = None if handler is None else room(Logs).log_function(what, handler, arguments)
    return replace(base, maker=maker, raw=raw)


def _levels(levels: str | Sequence[str]) -> frozenset[str]:
    wanted = some_of("levels", levels, (*LEVELS, "*"))
    return frozenset(LEVELS if "*" in wanted else wanted)


def _version(version: int) -> int:
    if version not in (1, 2):
        raise ValueError(f"version={version!r} is not known. Use one of: 1, 2.")
    return version


def _chain(error: BaseException | str, inner: bool) -> Iterator[BaseException | str]:
    """The error, then what it was raised from or while handling, each once."""
    seen: set[int] = set()
    current: BaseException | str | None = error
    while current is not None and id(current) not in seen:
        yield current
        seen.add(id(current))
        if not inner or isinstance(current, str):
            return
        current = current.__cause__ or current.__context__


def _caller() -> str:
    """File and line of the user's call."""
    frame = sys._getframe(2)
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
