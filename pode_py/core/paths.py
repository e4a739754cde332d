"""Folders: where the server's files are; and where the user's code is that calls us."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from pode_py.core.files import handler_from_file, load_folder

StrPath = str | Path

_PACKAGE = str(Path(__file__).parent.parent) + os.sep

#: What the server's own folders are called.
FOLDERS = {"public": "public", "views": "views", "errors": "errors"}


class Folders:
    """Resolves the paths users write: absolute ones as they are, others from `root`.

    `defaults` are the folders that are called otherwise than in FOLDERS.
    """

    def __init__(self, root: Path, defaults: Mapping[str, str] | None = None) -> None:
        self.root = root.resolve()
        self._defaults = {**FOLDERS, **(defaults or {})}

    def resolve(self, path: str | Path) -> Path:
        """The absolute path that `path` means."""
        return (self.root / Path(path).expanduser()).resolve()

    def default(self, kind: str) -> Path:
        """The folder for "public", "views" or "errors". Links stay: they may be swapped."""
        return self.root / Path(self._defaults[kind]).expanduser()

    def load(self, path: str | Path) -> int:
        """Run the Python files below a folder. They are modules while these folders are."""
        return load_folder(self.resolve(path), self)

    def handler(self, path: str | Path) -> Callable[..., Any]:
        """The function called `handler` of a Python file."""
        return handler_from_file(self.resolve(path), self)


def calling_frame() -> FrameType | None:
    """The frame of the code that called this package. None if there is none: it runs a thread."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and is_ours(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def line_of_call() -> str:
    """Where the user's code called this package, as a warning begins: "app.py:7: ", or ""."""
    frame = calling_frame()
    return "" if frame is None else f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}: "


def called_function() -> str:
    """The name of the function of ours that the user's code has called."""
    frame: FrameType | None = sys._getframe(1)
    name = "this function"
    while frame is not None and is_ours(frame.f_code.co_filename):
        if frame.f_code.co_name != "wrapped":  # what core/checks puts around it
            name = frame.f_code.co_name
        frame = frame.f_back
    return name


def is_ours(filename: str) -> bool:
    """Whether this is a file of this package."""
    return filename.startswith(_PACKAGE)


def is_library(filename: str) -> bool:
    """Whether this is a file of the standard library."""
    if filename.startswith("<frozen "):
        return True
    paths = sysconfig.get_paths()
    inside = filename.startswith((paths["stdlib"] + os.sep, paths["platstdlib"] + os.sep))
    return inside and "-packages" not in filename
