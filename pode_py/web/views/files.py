"""ViewFolder: finds templates below one folder, and nothing that is not below it.

The path of a view can come from a request. Every part of it must be an ordinary name, and once all
symbolic links are followed the file must still be inside of the folder.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

from pode_py.core.errors import PodeError

# Changes with every change of a file, and is another one for another file.
Signature = tuple[int, int, int, int]

# No "..", no hidden files, no control characters, no separators and drives of Windows.
_NAME = re.compile(r"(?!\.)[^\x00-\x1f\x7f\\/:]+\Z")


@dataclass(frozen=True, slots=True)
class Template:
    """The text of a file. `name` is how templates call it: ``index.html``, ``more:index.html``."""

    name: str
    path: str
    text: str
    signature: Signature


class ViewFolder:
    """Templates below `root`. The empty `name` is the folder views/ itself."""

    def __init__(self, name: str, root: Path) -> None:
        self.name = name
        self.root = os.path.realpath(root)

    def place_of(self, path: str) -> str | None:
        """Where the file of this path would be; None if there can be none."""
        parts = path.split("/")
        if not path or not all(map(_NAME.match, parts)):
            return None
        return os.path.join(self.root, *parts)

    def read(self, path: str) -> Template | None:
        """The template of this path; None if there is none, or if a link leads out of the folder.

        Raises PodeError for one that is no UTF-8.
        """
        place = self.place_of(path)
        if place is None:
            return None
        real = os.path.realpath(place)
        if os.path.commonpath([self.root, real]) != self.root:
            return None
        return read_template(f"{self.name}:{path}" if self.name else path, real)


def read_template(name: str, path: str) -> Template | None:
    """The text of the file at `path`, which is no link; None if there is no such file."""
    # Opening a FIFO would wait for its writer.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        file = os.fdopen(os.open(path, flags), "rb")
    except (OSError, ValueError):
        return None
    with file:
        record = os.fstat(file.fileno())
        if not S_ISREG(record.st_mode):
            return None
        content = file.read()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise PodeError(f"{path}, line {line}, is not UTF-8. Save the file as UTF-8.") from error
    return Template(name, path, text, _signature(record))


def signature_of(path: str) -> Signature | None:
    """The signature of the file at `path`, links followed; None if there is none."""
    try:
        return _signature(os.stat(path))
    except (OSError, ValueError):
        return None


def _signature(record: os.stat_result) -> Signature:
    return record.st_dev, record.st_ino, record.st_mtime_ns, record.st_size
