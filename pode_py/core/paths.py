"""Folders: where the server's files are; and where the user's code is that calls us."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import FrameType

StrPath = str | Path

_PACKAGE = str(Path(__file__).parent.parent) + os.sep


class Folders:
    """Resolves the paths users write: absolute ones as they are, others from `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def resolve(self, path: str | Path) -> Path:
        """The absolute path that `path` means."""
        return (self.root / Path(path).expanduser()).resolve()


def calling_frame() -> FrameType | None:
    """The frame of the code that called this package. None if there is none: it runs a thread."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return frame
