"""Pode's logging functions that decide where log lines go. What is logged: ../functions.py."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal, overload

from pode_py.core.ambient import room
from pode_py.core.arguments import Duration, filled, seconds, whole_number
from pode_py.core.checks import checked
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


@checked
def new_log_batch_info(size: int = 1, timeout: Duration = 0) -> BatchInfo:
    """Make a rule for a log method that gets its items in bulk. Pode: New-PodeLogBatchInfo.

    size: number of items in a batch.
    timeout: seconds after which a method gets what there is, full batch or not; 0 waits until the
        batch is full or the server stops.

        new_log_file_method("requests", batch_info=new_log_batch_info(10, 2.5))
    """
    return BatchInfo(whole_number("size", size, minimum=1), seconds("timeout", timeout, never="0"))


@checked
def new_log_terminal_method(*, id: str | None = None, batch_info: BatchInfo | None = None) -> str:
    """Write log lines to standard output. Pode: New-PodeLogTerminalMethod.

    Errors and warnings are coloured on a terminal, unless NO_COLOR is set.

    id: by default a new one.
    batch_info: what `new_log_batch_info` returned.

    Returns the method's id.

        enable_log_error_type(new_log_terminal_method())
    """
    return room(Logs).add_terminal_method(id, batch_info or BatchInfo())


@checked
def new_log_file_method(
    name: str,
    *,
    path: str = "./logs",
    max_days: int = 0,
    max_size: int = 0,
    id: str | None = None,
    batch_info: BatchInfo | None = None,
) -> str:
    """Write log lines to a file for each day. Pode: New-PodeLogFileMethod.

    name: the beginning of the files' names: ``<name>_<date>_<number>.log``.
    path: the folder.
    max_days: files older than that many days are deleted; 0 keeps all.
    max_size: bytes; a file that would grow beyond them is followed by the next number. 0 means no
        limit.
    id: by default a new one.
    batch_info: what `new_log_batch_info` returned.

    Returns the method's id.
    Raises PodeError if the folder cannot be made.

        enable_log_request_type(new_log_file_method("requests", max_days=4, max_size=10 * 1024**2))
    """
    logs = room(Logs)
    days = whole_number("max_days", max_days, maximum=36_500)
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


@checked
def new_log_custom_method(
    handler: Function | None = None,
    *,
    argument_list: Arguments = None,
    version: Literal[1, 2] = 1,
    id: str | None = None,
    batch_info: BatchInfo | None = None,
) -> str | Registration:
    """Pass log items to your own function, on the log thread. Pode: New-PodeLogCustomMethod.

    If the function raises, its items are lost, and standard error names it; other methods are not
    affected.

    handler: gets the item, `argument_list`, and the raw data; what it has no parameter for is left
        out. With a batch size above 1 it gets lists.
    argument_list: values for the handler's parameters, a list by position or a dict by name.
    version: with 2 the handler gets a list of log items (`.data`, `.event`, `str()`) and
        `argument_list`.
    id: by default a new one; a decorator needs one.
    batch_info: what `new_log_batch_info` returned.

    Returns the method's id, or a decorator if there is no handler.

        enable_log_error_type(new_log_custom_method(print))
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


@checked
def remove_log_method(id: str) -> None:
    """Remove a log method from all its types. Pode: Remove-PodeLogMethod.

    What was logged before is still written.

        remove_log_method("audit")
    """
    room(Logs).remove_method(id)


def clear_log_methods() -> None:
    """Remove all log methods. Pode: Clear-PodeLogMethods.

    clear_log_methods()
    """
    room(Logs).clear_methods()


@checked
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
    """Make a terminal, file or custom log method; Pode's old function. Pode: New-PodeLoggingMethod.

    terminal: as `new_log_terminal_method`; the default.
    file: as `new_log_file_method`, with `path`, `name`, `max_days` and `max_size`.
    batch: number of items in a batch.
    batch_timeout: seconds after which a method gets what there is; 0 waits for a full batch.
    max_days: files older than that many days are deleted; 0 keeps all.
    max_size: bytes; a file that would grow beyond them is followed by the next number.
    custom: as `new_log_custom_method`, with `handler` and `argument_list`.
    handler: as in `new_log_custom_method`.

    Returns the method's id.
    Raises ValueError if more than one kind is chosen.

        enable_error_logging(new_logging_method(terminal=True))
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
