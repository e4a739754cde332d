"""Logs: the service. Knows the types and methods there are, and hands lines to the log thread."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from traceback import TracebackException
from typing import Any, Final, Literal

from pode_py.core.clock import Clock
from pode_py.core.errors import PodeError
from pode_py.core.handlers import Arguments, Function
from pode_py.core.notes import add_note
from pode_py.core.once_a_minute import OnceAMinute
from pode_py.core.registry import Registry
from pode_py.core.runtime import Runtime
from pode_py.core.tracebacks import described
from pode_py.http.statuses import reason
from pode_py.http.strictness import ProtocolError
from pode_py.observability.logs.formats import error_text
from pode_py.observability.logs.line_queue import BYTES, LINES, LineQueue
from pode_py.observability.logs.log_function import LogFunction
from pode_py.observability.logs.log_types import (
    ERRORS,
    REQUESTS,
    CustomType,
    ErrorType,
    LogType,
    RequestOptions,
    RequestType,
    TypeOptions,
    fallback_type,
    no_such_type,
)
from pode_py.observability.logs.masking import Masking
from pode_py.observability.logs.methods.custom import CustomOptions, CustomSink
from pode_py.observability.logs.methods.daily_file import FileOptions, FileSink
from pode_py.observability.logs.methods.method import LogMethod, Sink
from pode_py.observability.logs.methods.terminal import TerminalSink
from pode_py.observability.logs.rate_limited_warning import RateLimitedWarning
from pode_py.observability.logs.records import (
    BatchInfo,
    ErrorRecord,
    LogItem,
    RequestRecord,
    WrittenRecord,
)
from pode_py.observability.logs.streams import StandardStream
from pode_py.observability.logs.text import as_record
from pode_py.observability.logs.writer import Writer

STOP_TIMEOUT: Final = 5.0
# How long a line to standard error waits for its reader once the log thread has ended.
_LAST_PATIENCE = 0.5
#: What adds the log types whose names users do not choose.
_ENABLING = {REQUESTS: "enable_log_request_type", ERRORS: "enable_log_error_type"}
_TOO_SLOW = 408


class Logs:
    """Any thread may call this. Writing never waits, never raises, and does no I/O.

    `wants_requests` is False while nobody would see a request: callers build nothing then. So is
    `wants_client_errors` while nobody would see what requests get wrong. If it is not `enabled`, no
    type logs anything, and errors go to standard error.
    """

    def __init__(
        self,
        runtime: Runtime,
        *,
        enabled: bool = True,
        masking: Masking | None = None,
        queue_lines: int = LINES,
        queue_bytes: int = BYTES,
    ) -> None:
        self.wants_requests = False
        self.wants_client_errors = False
        self.masking = masking or Masking()
        self._enabled = enabled
        self._runtime = runtime
        self._clock = clock = runtime.clock
        self._lock = threading.Lock()
        self._types: Registry[LogType] = Registry("Log type")
        self._removed: set[str] = set()
        self._unknown = OnceAMinute(clock, lambda text: runtime.warn(text, "Logging"))
        self._methods: Registry[LogMethod] = Registry(
            "Log method", "Pass what new_log_terminal_method() or another method has returned."
        )
        self._requests: tuple[RequestType, ...] = ()
        self._errors: tuple[ErrorType, ...] = ()
        stderr = self._method("stderr", "terminal", TerminalSink(self._text, "stderr"))
        self._fallback = fallback_type(stderr)
        # What the log thread writes to: a removed method stays until its lines are written.
        self._active: tuple[LogMethod, ...] = (stderr,)
        queue: LineQueue[Any] = LineQueue(queue_lines, queue_bytes)
        dropped = RateLimitedWarning(clock, self._tell_dropped)
        self._stopped = False
        self._writer = Writer(queue, self, clock, runtime.context, dropped)

    # -- writing

    def write_request(self, record: RequestRecord) -> None:
        """Log an answered request with every request type."""
        if self._requests:
            self._writer.put(self._requests, record)

    def write_exception(
        self,
        error: BaseException | str,
        *,
        where: str,
        level: str = "error",
        kind: str = "server",
        context_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Log an error with every error type that takes its level and kind.

        While no error type is enabled, serious ones go to standard error. `where` says in a few
        words what was going on: "GET /users", "Timer 'tick'".
        """
        types = [one for one in self._errors or (self._fallback,) if one.takes_error(level, kind)]
        if not types:
            return
        if isinstance(error, BaseException):
            add_note(error)
        record = _record_of(error, where, level, kind, self._clock.now())
        if context_id is not None or metadata:
            record = replace(record, context_id=context_id, metadata=metadata or {})
        if self._stopped:
            write_past(record, self.masking)
        else:
            self._writer.put(types, record)

    def write_refusal(self, error: ProtocolError, address: str) -> None:
        """Log what a client at `address` sent that was no request, or took too long to be one."""
        if self.wants_client_errors:
            kind = "timeout" if error.status == _TOO_SLOW else "client"
            text = f"{error.status} {reason(error.status)}: {error}"
            self.write_exception(text, where=f"Connection of {address}", kind=kind)

    def write(
        self, names: Iterable[str], level: str, data: Any, metadata: Mapping[str, Any] | None = None
    ) -> None:
        """Log `data` with the types of these names, if they are there and take its level."""
        names = list(names)
        found = [self._types.get(name) for name in names]
        if None in found:
            self._warn_of_unknown(names, data)
        types = [one for one in found if one is not None and one.takes(level)]
        if types and self._enabled:
            self._writer.put(types, WrittenRecord(level, data, self._clock.now(), metadata or {}))

    def flush(self, timeout: float = STOP_TIMEOUT) -> bool:
        """Wait until everything logged so far is written, unfinished batches too."""
        written = threading.Event()

        def write_rest() -> None:
            for method in self._active:
                method.write_rest()
            written.set()

        return not self._writer.order(write_rest) or written.wait(timeout)

    def stop(self, timeout: float = STOP_TIMEOUT) -> bool:
        """Take no more lines, and write those there are. False if that took too long."""
        self._stopped = True
        left = self._writer.stop(timeout)
        if left:
            _complain(f"{left} log lines could not be written within {timeout:g} seconds.")
        return not left

    # -- methods

    def add_terminal_method(self, id: str | None, batch: BatchInfo) -> str:
        """Write to standard output."""
        return self._add_method(id, "terminal", TerminalSink(self._text), batch)

    def add_file_method(self, id: str | None, options: FileOptions, batch: BatchInfo) -> str:
        """Write to daily files."""
        return self._add_method(id, "file", FileSink(options, self._clock, self._text), batch)

    def add_custom_method(self, id: str | None, options: CustomOptions, batch: BatchInfo) -> str:
        """Hand items to a user's function."""
        what = "new_log_custom_method"
        raw = () if options.version == 2 else ("the raw data",)
        call = self.log_function(what, options.handler, options.arguments, *raw)
        return self._add_method(id, "custom", CustomSink(call, options.version, batch), batch)

    def remove_method(self, id: str) -> None:
        """Forget a method once what was logged for it is written. Unknown ids are no error."""
        method = self._methods.remove(id)
        if method is not None:
            self._writer.order(lambda: self._detach(method))

    def clear_methods(self) -> None:
        """Forget all methods."""
        for id in self._methods.names():
            self.remove_method(id)

    # -- types

    def add_request_type(
        self, name: str, methods: Sequence[str], options: TypeOptions, request: RequestOptions
    ) -> None:
        """From now on, requests are logged by these methods. PodeError if they don't exist."""
        self._add_type(RequestType(name, options, self._warning(name), request), methods)

    def add_error_type(
        self, name: str, methods: Sequence[str], options: TypeOptions, kinds: frozenset[str]
    ) -> None:
        """From now on, errors of these kinds are logged by these methods."""
        self._add_type(ErrorType(name, options, self._warning(name), kinds), methods)

    def add_custom_type(self, name: str, methods: Sequence[str], options: TypeOptions) -> None:
        """From now on, `write` with this name goes to these methods."""
        self._add_type(CustomType(name, options, self._warning(name)), methods)

    def check_methods(self, methods: Sequence[str]) -> None:
        """PodeError if one of them does not exist."""
        for id in methods:
            self._methods.need(id)

    def remove_type(self, name: str) -> None:
        """What was logged before is still written. Unknown names are no error."""
        with self._lock:
            if self._types.remove(name) is not None:
                self._removed.add(name.casefold())
            self._refresh()

    def clear_types(self) -> None:
        """Forget all types."""
        with self._lock:
            self._removed.update(kind.name.casefold() for kind in self._types.clear())
            self._refresh()

    # -- for functions.py

    def log_function(
        self, what: str, function: Function, arguments: Arguments, *last: str
    ) -> LogFunction:
        """A user's function that runs on the log thread. `last`: what it gets after the item."""
        return LogFunction(what, function, arguments, last, self._runtime)

    def file_options(self, name: str, path: str, max_days: int, max_size: int) -> FileOptions:
        """Options of a file method whose `path` is relative to the server's folder."""
        return FileOptions(name, self._runtime.folders.resolve(path), max_days, max_size)

    def load(self, path: str) -> int:
        """Run the Python files below a folder. Returns how many there were."""
        return self._runtime.folders.load(path)

    # -- for the log thread

    def all_types(self) -> Iterable[LogType]:
        """The types there are."""
        return self._types.select()

    def all_methods(self) -> Iterable[LogMethod]:
        """The methods that may have something to write."""
        return self._active

    # -- inside

    def _add_method(self, id: str | None, kind: str, sink: Sink, batch: BatchInfo) -> str:
        name = id or str(uuid.uuid4())
        method = self._method(name, kind, sink, batch)
        with self._lock:
            self._methods.add(name, method)
            self._active = (*self._active, method)
        return name

    def _method(self, id: str, kind: str, sink: Sink, batch: BatchInfo | None = None) -> LogMethod:
        def warn(lost: int, why: str) -> None:
            _complain(
                f"The log method {id!r} ({kind}) fails: {why}. {_lines(lost)} lost. "
                "It is tried again with every line, and this is said once a minute at most."
            )

        return LogMethod(
            id, kind, sink, batch or BatchInfo(), RateLimitedWarning(self._clock, warn)
        )

    def _detach(self, method: LogMethod) -> None:
        method.write_rest()
        with self._lock:
            self._active = tuple(one for one in self._active if one is not method)
            for kind in self._types.select():
                kind.methods = tuple(one for one in kind.methods if one is not method)
            self._refresh()

    def _add_type(self, kind: LogType, methods: Sequence[str]) -> None:
        kind.methods = tuple(self._methods.need(id) for id in methods)
        with self._lock:
            function = _ENABLING.get(kind.name)
            if function is not None and self._types.get(kind.name) is not None:
                raise PodeError(
                    f"{function} was called before. Pass several methods as a list, as in "
                    f"{function}([file, terminal]), or give the second log type a name of its own: "
                    "name=."
                )
            self._types.add(kind.name, kind)
            self._refresh()

    def _refresh(self) -> None:
        types = self._types.select() if self._enabled else []
        requests = (one for one in types if isinstance(one, RequestType))
        self._requests = tuple(one for one in requests if one.methods)
        self._errors = tuple(one for one in types if isinstance(one, ErrorType))
        self.wants_requests = bool(self._requests)
        self.wants_client_errors = any(
            one.takes_error("error", kind) for one in self._errors for kind in ("client", "timeout")
        )

    def _warning(self, name: str) -> RateLimitedWarning:
        def warn(lost: int, why: str) -> None:
            _complain(f"The handler of the log type {name!r} fails: {why}. {_lines(lost)} lost.")

        return RateLimitedWarning(self._clock, warn)

    def _tell_dropped(self, lost: int, _: str) -> None:
        """On the log thread: an error line of its own, past the queue that was full."""
        record = ErrorRecord(
            level="error",
            kind="server",
            category="",
            message=f"{lost} log lines were dropped, because they came faster than they could "
            "be written.",
            where="Logging",
            timestamp=self._clock.now(),
            thread=threading.current_thread().name,
            thread_id=threading.get_ident(),
        )
        for kind in self._errors or (self._fallback,):
            if kind.takes_error("error", "server"):
                kind.spread(record, self.masking)

    def _warn_of_unknown(self, names: Iterable[str], data: Any) -> None:
        """Nobody logs under one of these names. Types that were removed are missing on purpose."""
        missing = [one for one in names if one not in self._types]
        unknown = [one for one in missing if one.casefold() not in self._removed]
        if unknown and not self._stopped:
            self._unknown.say(lambda: no_such_type(unknown[0], self._types.names(), data))

    def _text(self, item: LogItem) -> str:
        """The safe text of an item; a broken `__str__` must not take other lines with it."""
        try:
            return as_record(self.masking.protect(str(item)))
        except Exception as error:  # noqa: BLE001 - a background run: users' objects make the text
            kind = type(item.data).__name__
            return f"(An item of the type {kind} could not be shown: {type(error).__name__}.)"


def write_late(error: BaseException | str, where: str, level: str) -> None:
    """Log an error when there is no server any more: to standard error."""
    write_past(_record_of(error, where, level, "server", Clock().now()), Masking())


def write_past(record: ErrorRecord, masking: Masking) -> None:
    """Write a record to standard error, as there is no log thread any more."""
    text = as_record(error_text(record, record.timestamp.astimezone(), masking))
    with suppress(OSError, ValueError):
        StandardStream("stderr").write(f"{text}\n", _LAST_PATIENCE)


def _record_of(
    error: BaseException | str, where: str, level: str, kind: str, moment: datetime
) -> ErrorRecord:
    thread = threading.current_thread()
    trace, category, message = _described(error)
    return ErrorRecord(
        level=level,
        kind=kind,
        category=category,
        message=message,
        where=where,
        timestamp=moment,
        thread=thread.name,
        thread_id=thread.ident or 0,
        trace=trace,
    )


def _described(error: BaseException | str) -> tuple[TracebackException | None, str, str]:
    """What a traceback prints, the class and the message, without keeping the frames alive."""
    if isinstance(error, str):
        return None, "", error
    trace = described(error)
    category = type(error).__qualname__
    lines = [line for line in trace.format_exception_only() if not line[:1].isspace()]
    message = lines[0].rstrip("\n") if lines else ""
    _, colon, rest = message.partition(": ")
    return trace, category, rest if colon else ""


def _lines(count: int) -> str:
    return "1 line was" if count == 1 else f"Up to {count} lines were"


def _complain(text: str) -> None:
    kind: Literal["stderr"] = "stderr"
    with suppress(OSError, ValueError):
        StandardStream(kind).write(as_record(f"pode_py: {text}") + "\n", 0.0)
