"""Script: where the user's code is, from which start_server was called, and what sets up."""

from __future__ import annotations

import inspect
import os
import stat
import sys
import sysconfig
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from pode_py.core.errors import PodeError
from pode_py.core.files import load_file
from pode_py.core.paths import calling_frame

SetUp = Callable[[], Any]


def set_up_of(
    handler: SetUp | None, file_path: str | Path | None, caller: str = "start_server"
) -> SetUp:
    """The function that sets the server up, at every start anew. `caller` is for messages."""
    if handler is not None and file_path is not None:
        raise PodeError(f"{caller} takes a handler or file_path, not both.")
    if handler is not None:
        if not callable(handler):
            raise TypeError(f"{caller} takes a function that sets the server up, not {handler!r}.")
        return handler
    if file_path is None:
        raise PodeError(f"{caller} needs the function that sets the server up, or file_path.")
    return partial(_run_file, (_folder(None) / file_path).resolve())


def root_of(
    handler: SetUp | None,
    file_path: str | Path | None,
    root_path: str | Path | None,
    *,
    current_path: bool,
) -> Path:
    """The server's root folder. Raises PodeError if `root_path` is none."""
    if root_path is not None:
        root = (_folder(handler) / Path(root_path).expanduser()).resolve()
        if not root.is_dir():
            raise PodeError(f"root_path={str(root_path)!r}: there is no folder {root}.")
        return root
    if current_path:
        return Path.cwd()
    if file_path is not None:
        return (_folder(handler) / file_path).resolve().parent
    return _folder(handler)


def _folder(handler: SetUp | None) -> Path:
    """The folder of the script that called; the current one where there is no script."""
    frame = calling_frame()
    while frame is not None and _is_library(frame.f_code.co_filename):
        frame = frame.f_back
    if frame is not None:
        name = frame.f_code.co_filename
    else:  # a thread that runs start_server itself
        code = getattr(inspect.unwrap(handler) if handler else None, "__code__", None)
        name = getattr(code, "co_filename", "") or getattr(sys.modules["__main__"], "__file__", "")
    return Path(name).resolve().parent if _is_file(name) else Path.cwd()


def _is_file(name: str) -> bool:
    """False for "<stdin>", and for what a notebook calls its cells."""
    try:
        return stat.S_ISREG(os.stat(name).st_mode)
    except PermissionError:  # a server that has given up root's rights, of a script in /root
        return True
    except (OSError, ValueError):
        return False


def _is_library(name: str) -> bool:
    """Whether this is the standard library's: threading, which calls what a thread runs."""
    if name.startswith("<frozen "):
        return True
    paths = sysconfig.get_paths()
    inside = name.startswith((paths["stdlib"] + os.sep, paths["platstdlib"] + os.sep))
    return inside and "-packages" not in name


def _run_file(path: Path) -> object:
    found = load_file(path).get("handler")
    return found() if callable(found) else None
