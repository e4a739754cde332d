"""FileSink: writes records to ``<name>_<date>_<number>.log``, a new file every day.

The file is opened for each write: one that was moved or removed comes back, and one that could
not be written works again as soon as its cause is gone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from pode_py.core.clock import Clock
from pode_py.core.errors import PodeError
from pode_py.observability.logs.records import LogItem
from pode_py.observability.logs.streams import write_all

PATIENCE: Final = 1.0
# O_NONBLOCK: opening a FIFO that nobody reads is an error then, and does not wait for a reader.
_FLAGS: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
_MODE: Final = 0o640


@dataclass(frozen=True, slots=True)
class FileOptions:
    """0 is no limit: of days a file is kept, of bytes a file holds."""

    name: str
    folder: Path
    max_days: int = 0
    max_size: int = 0


class FileSink:
    """Belongs to the log thread. `render` makes the safe text of an item."""

    joins = True

    def __init__(
        self, options: FileOptions, clock: Clock, render: Callable[[LogItem], str]
    ) -> None:
        if not options.name or options.name in {".", ".."} or set("/\\\0") & set(options.name):
            raise ValueError(
                f"name={options.name!r} must be the beginning of a file name, without a folder. "
                "Pass the folder as path."
            )
        self._options = options
        self._clock = clock
        self._render = render
        self._pattern = re.compile(
            re.escape(options.name) + r"_(\d{4}-\d\d-\d\d)_(\d{3,})\.log", re.ASCII
        )
        self._date: date | None = None
        self._number = 0
        self._torn = False
        self._patience = PATIENCE
        self._make_folder()

    def write(self, items: Sequence[LogItem]) -> None:
        today = self._clock.now().astimezone().date()
        records = [f"{self._render(item)}\n".encode("utf-8", "backslashreplace") for item in items]
        if today != self._date:
            self._begin(today)
        start = 0
        while start < len(records):
            start = self._append(records, start)

    def _begin(self, today: date) -> None:
        """A new day: go on with its last file if there is one, and remove what is too old."""
        self._options.folder.mkdir(parents=True, exist_ok=True)
        self._number = max((number for day, number, _ in self._files() if day == today), default=1)
        self._date = today
        if self._options.max_days:
            self._remove_older_than(today - timedelta(days=self._options.max_days))

    def _append(self, records: list[bytes], start: int) -> int:
        """Write what fits into the current file, at least one record; where to go on."""
        descriptor = self._open()
        try:
            size = os.fstat(descriptor).st_size
            end = self._fitting(records, start, size)
            if end == start:
                self._number += 1
                return start
            self._write(descriptor, b"".join(records[start:end]))
            return end
        finally:
            os.close(descriptor)

    def _fitting(self, records: list[bytes], start: int, size: int) -> int:
        if not self._options.max_size:
            return len(records)
        end = start
        while end < len(records) and (
            size == 0 or size + len(records[end]) <= self._options.max_size
        ):
            size += len(records[end])
            end += 1
        return end

    def _write(self, descriptor: int, data: bytes) -> None:
        if self._torn:  # the last write ended in the middle of a record
            data = b"\n" + data
        patience, self._patience = self._patience, 0.0
        written, error = write_all(descriptor, data, patience)
        if written:
            self._torn = data[written - 1 : written] != b"\n"
        if error is not None:
            raise OSError(f"{error.strerror or error} ({self._path()})") from error
        self._patience = PATIENCE

    def _open(self) -> int:
        try:
            return os.open(self._path(), _FLAGS, _MODE)
        except FileNotFoundError:  # the folder was removed
            self._options.folder.mkdir(parents=True, exist_ok=True)
            return os.open(self._path(), _FLAGS, _MODE)

    def _path(self) -> Path:
        return self._options.folder / f"{self._options.name}_{self._date}_{self._number:03}.log"

    def _files(self) -> Iterator[tuple[date, int, Path]]:
        for path in self._options.folder.iterdir():
            match = self._pattern.fullmatch(path.name)
            if match is None:
                continue
            try:
                yield date.fromisoformat(match[1]), int(match[2]), path
            except ValueError:  # looks like one of ours, but there is no such day
                continue

    def _remove_older_than(self, first: date) -> None:
        for day, _, path in list(self._files()):
            if day < first:
                # What can't be removed today is tried again tomorrow; it must not stop the log.
                try:
                    path.unlink(missing_ok=True)
                except OSError:
                    continue

    def _make_folder(self) -> None:
        folder = self._options.folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PodeError(
                f"The log folder {folder} cannot be made: {error.strerror}. "
                "Pass another path, or make it yourself."
            ) from error
