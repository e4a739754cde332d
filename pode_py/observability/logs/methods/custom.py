"""CustomSink: hands items to a user's function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pode_py.core.handlers import Arguments, Function
from pode_py.observability.logs.log_function import LogFunction
from pode_py.observability.logs.records import BatchInfo, LogItem


@dataclass(frozen=True, slots=True)
class CustomOptions:
    """What a custom method calls. Version 1 passes data, arguments and raw data; 2 passes items."""

    handler: Function
    arguments: Arguments = None
    version: int = 1


class CustomSink:
    """Calls with one item, or with a list if the batch size is more than one."""

    joins = False

    def __init__(self, call: LogFunction, version: int, batch: BatchInfo) -> None:
        self._call = call
        self._version = version
        self._several = batch.size > 1

    def write(self, items: Sequence[LogItem]) -> None:
        if self._version == 2:
            self._call(list(items))
        elif self._several:
            self._call([item.data for item in items], [item.event.data for item in items])
        else:
            self._call(items[0].data, items[0].event.data)
