"""Log types: which records become items, what the items look like, and which methods get them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from pode_py.core.arguments import meant
from pode_py.core.paths import line_of_call
from pode_py.observability.logs.formats import (
    REQUEST_FORMATS,
    client_address,
    error_text,
    raw_error,
    raw_request,
    tone_of,
    user_name,
)
from pode_py.observability.logs.log_function import LogFunction
from pode_py.observability.logs.masking import Masking
from pode_py.observability.logs.methods.method import LogMethod, reason
from pode_py.observability.logs.rate_limited_warning import RateLimitedWarning
from pode_py.observability.logs.records import (
    SERIOUS,
    ErrorRecord,
    LogEvent,
    LogItem,
    RequestRecord,
    WrittenRecord,
)

REQUESTS: Final = "__pode_log_requests__"
ERRORS: Final = "__pode_log_errors__"


@dataclass(frozen=True, slots=True)
class TypeOptions:
    """What every type has. `maker` makes the item of the event; of its data, if `version` is 1."""

    levels: frozenset[str] = frozenset({"informational"})
    maker: LogFunction | None = None
    version: int = 2
    raw: bool = False
    as_utc: bool = False
    header: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """What only request types have."""

    format: str = "combined"
    username_property: str = "username"
    remote_ip_header: tuple[str, ...] = ()


class LogType:
    """One type. `methods` is replaced as a whole, under the service's lock; the rest is fixed."""

    def __init__(self, name: str, options: TypeOptions, warning: RateLimitedWarning) -> None:
        self.name = name
        self.options = options
        self.warning = warning
        self.methods: tuple[LogMethod, ...] = ()
        self._header_due = bool(options.header)

    def takes(self, level: str) -> bool:
        """Whether this type logs events of `level`."""
        return level in self.options.levels

    def spread(self, record: Any, masking: Masking) -> None:
        """On the log thread: make the item of `record` and give it to every method."""
        try:
            item = self._item(record, masking)
        except BaseException as error:  # noqa: BLE001 - a background run; SystemExit ends no thread
            self.warning.add(1, reason(error))
            return
        if item is None:
            return
        for line in self._headers():
            self._give(LogItem(line, item.event, item.tone))
        self._give(item)

    def _give(self, item: LogItem) -> None:
        for method in self.methods:
            method.add(item)

    def _headers(self) -> tuple[str, ...]:
        if not self._header_due:
            return ()
        self._header_due = False
        return self.options.header

    def _item(self, record: Any, masking: Masking) -> LogItem | None:
        raise NotImplementedError

    def _from(self, event: LogEvent, tone: str) -> LogItem | None:
        """The item of an event that the built-in formats have nothing to do with."""
        data = event.data
        if self.options.maker is not None and not self.options.raw:
            data = self.options.maker(data if self.options.version == 1 else event)
        return None if data is None else LogItem(data, event, tone)

    @property
    def _needs_raw(self) -> bool:
        options = self.options
        if options.raw or options.maker is not None:
            return True
        return any(method.kind == "custom" for method in self.methods)

    def _when(self, moment: datetime) -> datetime:
        return moment.astimezone(UTC) if self.options.as_utc else moment.astimezone()


class RequestType(LogType):
    """Logs answered requests."""

    def __init__(
        self, name: str, options: TypeOptions, warning: RateLimitedWarning, request: RequestOptions
    ) -> None:
        super().__init__(name, options, warning)
        self._request = request
        self._format = REQUEST_FORMATS[request.format]

    def _item(self, record: RequestRecord, masking: Masking) -> LogItem | None:
        when = self._when(record.timestamp)
        who = None
        if record.user is not None:
            who = user_name(record.user, self._request.username_property)
        host = client_address(record, self._request.remote_ip_header)
        data: Any = record
        if self._needs_raw:
            data = raw_request(record, host, who, when, masking)
        event = LogEvent(self.name, "informational", data, when)
        tone = tone_of(record.status)
        if self.options.raw or self.options.maker is not None:
            return self._from(event, tone)
        return LogItem(self._format(record, host, who, when, masking), event, tone)


class ErrorType(LogType):
    """Logs errors of its levels and kinds."""

    def __init__(
        self,
        name: str,
        options: TypeOptions,
        warning: RateLimitedWarning,
        kinds: frozenset[str] = frozenset({"server"}),
    ) -> None:
        super().__init__(name, options, warning)
        self._kinds = kinds

    def takes_error(self, level: str, kind: str) -> bool:
        """Whether this type logs errors of `level` and `kind`."""
        return self.takes(level) and kind in self._kinds

    def _item(self, record: ErrorRecord, masking: Masking) -> LogItem | None:
        when = self._when(record.timestamp)
        data = raw_error(record, when, masking) if self._needs_raw else record
        event = LogEvent(self.name, record.level, data, when, record.metadata)
        if self.options.raw or self.options.maker is not None:
            return self._from(event, record.level)
        return LogItem(error_text(record, when, masking), event, record.level)


class CustomType(LogType):
    """Logs what users write to it by name."""

    def _item(self, record: WrittenRecord, masking: Masking) -> LogItem | None:  # noqa: ARG002 - methods mask what users write
        when = self._when(record.timestamp)
        event = LogEvent(self.name, record.level, record.data, when, record.metadata)
        return self._from(event, record.level)


def fallback_type(method: LogMethod) -> ErrorType:
    """Where serious errors go while no error type is enabled: nobody may lose a traceback."""
    hint = (
        "No error log is enabled, so errors come here. To choose where they go, call "
        "enable_log_error_type(new_log_terminal_method()), or another method."
    )
    options = TypeOptions(levels=frozenset(SERIOUS) | {"warning"}, header=(hint,))
    made = ErrorType("__pode_log_fallback__", options, method.warning)
    made.methods = (method,)
    return made


def no_such_type(name: str, known: Iterable[str], data: object) -> str:
    """What to say of a `write_log` to a type that does not exist, with the user's line."""
    own = [one for one in known if not one.startswith("__pode_")]
    if isinstance(data, str) and data in own:
        instead = f" The object comes first: write_log(object, {data!r})."
    else:
        listed = ", ".join(map(repr, own)) or "none"
        instead = f"{meant(name, own)} There are: {listed}. Add it before it is used."
    return f"{line_of_call()}write_log has nowhere to log: there is no log type {name!r}.{instead}"
