"""Files: Python files that users name instead of a function, or put into a folder."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pode_py.core.errors import PodeError


def load_file(path: Path) -> dict[str, Any]:
    """Run a Python file and return its globals. Raises PodeError if it is not there."""
    if not path.is_file():
        raise PodeError(f"The file {path} does not exist.")
    name = f"pode_py_file_{abs(hash(path)):x}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PodeError(f"{path} is not a Python file. Its name must end in .py.")
    module = importlib.util.module_from_spec(spec)
    # Compiled here: importlib takes a file that was changed twice in a second for the old one.
    code = compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    # Registered while it runs: dataclasses and pickling look their module up there.
    sys.modules[name] = module
    try:
        exec(code, module.__dict__)  # noqa: S102 - the user's own file
    finally:
        sys.modules.pop(name, None)
    return module.__dict__


def handler_from_file(path: Path) -> Callable[..., Any]:
    """The function called `handler` in a Python file."""
    handler = load_file(path).get("handler")
    if not callable(handler):
        raise PodeError(f"{path} must define a function called 'handler'.")
    return handler  # type: ignore[no-any-return]


def load_folder(folder: Path) -> int:
    """Run every .py file below `folder`, in order of their paths. Returns how many there were."""
    if not folder.is_dir():
        raise PodeError(f"The folder {folder} does not exist.")
    files = sorted(path for path in folder.rglob("*.py") if not path.name.startswith("_"))
    for path in files:
        load_file(path)
    return len(files)
