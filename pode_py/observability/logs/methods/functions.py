"""Pode's logging functions that decide where log lines go. What is logged: ../functions.py."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal, overload

from pode_py.core.ambient import room
from pode_py.core.arguments import Duration, filled, seconds, whole_number
from pode_py.core.handlers import Arguments, Function
from pode_py.core.registration import Registration, waiting
from pode_py.observability.logs.logs import Logs
from pode_py.observability.logs.methods.custom import CustomOptions
from pode_py.observability.logs.records import BatchInfo

__all__ = [
    "clear_log_methods",
    "new_log_batch_info",
    "new_log_custom_method",
    "new_log_file_method",
    "new_log_terminal_method",
    "new_logging_method",
    "remove_log_method",
]


def new_log_batch_info(size: int = 1, timeout: Duration = 0) -> BatchInfo:
    """How a log method gets items in bulk: `size` at a time.

    Pode: New-PodeLogBatchInfo.

    After `timeout` seconds a method gets what there is, full batch or not; 0 waits until the
    batch is full or the server stops.

    >>> new_log_batch_info(10, 2.5)
    BatchInfo(size=10, timeout=2.5)
    """
    return BatchInfo(whole_number("size", size, minimum=1), seconds("timeout", timeout))


def new_log_terminal_method(*, id: str | None = None, batch_info: BatchInfo | None = None) -> str:
    """Write log lines to standard output. Returns the method's id.

    Pode: New-PodeLogTerminalMethod.

    Errors and warnings are coloured on a terminal, unless NO_COLOR is set.

    >>> enable_log_error_type(new_log_terminal_method())  # doctest: +SKIP
    """
    return room(Logs).add_terminal_method(id, batch_info or BatchInfo())


def new_log_file_method(
    name: str,
    *,
    path: str = "./logs",
    max_days: int = 0,
    max_size: int = 0,
    id: str | None = None,
    batch_info: BatchInfo | None = None,
) -> str:
    """Write log lines to a file a day, ``<name>_<date>_<number>.log``. Returns the method's id.

    Pode: New-PodeLogFileMethod.

    `path` is the folder. A file that would grow beyond `max_size` bytes is followed by the next
    number; files older than `max_days` days are deleted. 0 is no limit. PodeError if the folder
    cannot be made.

    >>> enable_log_request_type(  # doctest: +SKIP
    ...     new_log_file_method("requests", max_days=4, max_size=10 * 1024 * 1024)
    ... )
    """
    logs = room(Logs)
    days = whole_number("max_days", max_days)
    size = whole_number("max_size", max_size)
    options = logs.file_options(filled("name", name), path, days, size)
    return logs.add_file_method(id, options, batch_info or BatchInfo())


@overload
def new_log_custom_method(
    handler: Function,
    *,
    argument_list: Arguments = ...,
    version: Literal[1, 2] = ...,
    id: str | None = ...,
    batch_info: BatchInfo | None = ...,
) -> str: ...


@overload
def new_log_custom_method(
    handler: None = None,
    *,
    argument_list: Arguments = ...,
    version: Literal[1, 2] = ...,
    id: str,
    batch_info: BatchInfo | None = ...,
) -> Registration: ...


def new_log_custom_method(
    handler: Function | None = None,
    *,
    argument_list: Arguments = None,
    version: Literal[1, 2] = 1,
    id: str | None = None,
    batch_info: BatchInfo | None = None,
) -> str | Registration:
    """Hand log items to a function of yours, on the log thread. Returns the method's id.

    Pode: New-PodeLogCustomMethod.

    The function gets the item, `argument_list`, and the raw data; what it has no parameter for is
    left out. With a batch size above 1 it gets lists. With `version=2` it gets a list of log items
    (`.data`, `.event`, `str()`) and `argument_list`. A function that raises loses its items and
    is named on standard error; nothing else suffers. As a decorator it needs an `id`.

    >>> enable_log_error_type(new_log_custom_method(send_to_team))  # doctest: +SKIP
    """
    if version not in (1, 2):
        raise ValueError(f"version={version!r} is not known. Use one of: 1, 2.")
    batch = batch_info or BatchInfo()

    def register(function: Function) -> str:
        options = CustomOptions(function, argument_list, version)
        return room(Logs).add_custom_method(id, options, batch)

    if handler is not None:
        return register(handler)
    return waiting(f'new_log_custom_method(id="{filled("id", id)}")', register, None)


def remove_log_method(id: str) -> None:
    """Remove a log method from all its types. What was logged before is still written.

    Pode: Remove-PodeLogMethod.

        remove_log_method("audit")
    """
    room(Logs).remove_method(id)


def clear_log_methods() -> None:
    """Remove all log methods. Pode: Clear-PodeLogMethods.

    clear_log_methods()
    """
    room(Logs).clear_methods()


def new_logging_method(
    *,
    id: str | None = None,
    terminal: bool = False,
    file: bool = False,
    path: str = "./logs",
    name: str | None = None,
    batch: int = 1,
    batch_timeout: Duration = 0,
    max_days: int = 0,
    max_size: int = 0,
    custom: bool = False,
    handler: Function | None = None,
    argument_list: Arguments = None,
) -> str:
    """Pode's old function for the three above: `terminal` (the default), `file` or `custom`.

    Pode: New-PodeLoggingMethod. ValueError if more than one is chosen.

    >>> enable_error_logging(new_logging_method(terminal=True))  # doctest: +SKIP
    """
    if terminal + file + custom > 1:
        raise ValueError("new_logging_method makes one method: use terminal, file or custom.")
    batch_info = new_log_batch_info(batch, batch_timeout)
    make: Callable[..., str] = new_log_terminal_method
    if file:
        if name is None:
            raise ValueError("file=True needs a name: the beginning of the files' names.")
        make = partial(new_log_file_method, name, path=path, max_days=max_days, max_size=max_size)
    if custom:
        if handler is None:
            raise ValueError("custom=True needs a handler: the function that gets the items.")
        make = partial(new_log_custom_method, handler, argument_list=argument_list)
    return make(id=id, batch_info=batch_info)
