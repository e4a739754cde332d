"""ViewFolder: finds templates below one folder, and nothing that is not below it.

The path of a view can come from a request. Every part of it must be an ordinary name, and once all
symbolic links are followed the file must still be inside of the folder.
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

from pode_py.core.errors import PodeError
from pode_py.http.charsets import text_of

# Changes with every change of a file, and is another one for another file.
Signature = tuple[int, int, int, int]

# No "..", no hidden files, no control characters, no separators and drives of Windows.
_NAME = re.compile(r"(?!\.)[^\x00-\x1f\x7f\\/:\ud800-\udfff]+\Z")

# A file system notes times in steps of some milliseconds. A file that changed less than this long
# ago (nanoseconds) may change again without another time.
CLOCK_STEP = 20_000_000


@dataclass(frozen=True, slots=True)
class Template:
    """A file as it was read. `name` is how templates call it: ``index.html``, ``more:index.html``.

    While it `may_change_unseen`, the same signature does not mean the same text.
    """

    name: str
    path: str
    content: bytes
    signature: Signature
    may_change_unseen: bool = False

    @property
    def text(self) -> str:
        """The text. PodeError if there is none in it."""
        try:
            return text_of(self.content)
        except UnicodeDecodeError as error:
            line = self.content.count(b"\n", 0, error.start) + 1
            raise PodeError(
                f"{self.path}, line {line}, is not text in UTF-8 or UTF-16. Save the file as UTF-8."
            ) from error


class ViewFolder:
    """Templates below `folder`. The empty `name` is views/ itself.

    The folder may be a link that is swapped, as those of mounted volumes are.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._folder = str(folder)

    @property
    def root(self) -> str:
        """Where the folder is now, links followed."""
        return os.path.realpath(self._folder)

    def place_of(self, path: str) -> str | None:
        """Where the file of this path would be; None if there can be none."""
        parts = path.split("/")
        if not path or not all(map(_NAME.match, parts)):
            return None
        return os.path.join(self._folder, *parts)

    def read(self, path: str) -> Template | None:
        """The template of this path; None if there is none, or a link leads out of the folder."""
        place = self.place_of(path)
        if place is None:
            return None
        root, real = self.root, os.path.realpath(place)
        if os.path.commonpath([root, real]) != root:
            return None
        return read_template(f"{self.name}:{path}" if self.name else path, real)


def read_template(name: str, path: str) -> Template | None:
    """The file at `path`, which is no link; None if there is no such file."""
    # Opening a FIFO would wait for its writer.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        file = os.fdopen(os.open(path, flags), "rb")
    except (OSError, ValueError):
        return None
    with file:
        record, now = os.fstat(file.fileno()), time.time_ns()
        if not S_ISREG(record.st_mode):
            return None
        content = file.read()
    young = 0 <= now - record.st_mtime_ns < CLOCK_STEP
    return Template(name, path, content, _signature(record), young)


def signature_of(path: str) -> Signature | None:
    """The signature of the file at `path`, links followed; None if there is none."""
    try:
        return _signature(os.stat(path))
    except (OSError, ValueError):
        return None


def _signature(record: os.stat_result) -> Signature:
    return record.st_dev, record.st_ino, record.st_mtime_ns, record.st_size
