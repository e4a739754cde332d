"""Files: Python files that users name instead of a function, or put into a folder.

Each is a module that stays in `sys.modules`, as an imported one does: pickle, process pools and
type hints look their classes up there. A file that is run again is a module of its own, because
handlers of the first run may still hold its classes. A module goes with its owner: the folders of
the server that ran it.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
import weakref
import zlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from pode_py.core.errors import PodeError


def load_file(path: Path, owner: object) -> dict[str, Any]:
    """Run a Python file and return its globals. Raises PodeError if it is not there."""
    if not path.is_file():
        raise PodeError(f"The file {path} does not exist.{_nearby(path)}")
    name = _free_name(path)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PodeError(f"{path} is not a Python file. Its name must end in .py.")
    module = importlib.util.module_from_spec(spec)
    # Compiled here: importlib takes a file that was changed twice in a second for the old one.
    code = compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    sys.modules[name] = module
    try:
        exec(code, module.__dict__)  # noqa: S102 - the user's own file
    except BaseException:
        _forget(name, module)
        raise
    weakref.finalize(owner, _forget, name, module).atexit = False
    return module.__dict__


def handler_from_file(path: Path, owner: object) -> Callable[..., Any]:
    """The function called `handler` in a Python file."""
    handler = load_file(path, owner).get("handler")
    if not callable(handler):
        raise PodeError(f"{path} must define a function called 'handler'.")
    return handler  # type: ignore[no-any-return]


def load_folder(folder: Path, owner: object) -> int:
    """Run every .py file below `folder`, in order of their paths. Returns how many there were."""
    if not folder.is_dir():
        raise PodeError(f"The folder {folder} does not exist.")
    files = sorted(path for path in folder.rglob("*.py") if not path.name.startswith("_"))
    for path in files:
        load_file(path, owner)
    return len(files)


def idle_files(folder: Path) -> list[Path]:
    """Those of `load_folder` that define a function called `handler`, and do nothing with it."""
    files = sorted(path for path in folder.rglob("*.py") if not path.name.startswith("_"))
    return [path for path in files if _is_idle(ast.parse(path.read_bytes()))]


def _is_idle(tree: ast.Module) -> bool:
    handlers = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == "handler"
    ]
    used = any(isinstance(node, ast.Name) and node.id == "handler" for node in ast.walk(tree))
    return bool(handlers) and not used and not any(one.decorator_list for one in handlers)


def _free_name(path: Path) -> str:
    """The name of a module that no other has, the same in each process that runs the same set-up.

    It must be an identifier: a process that is spawned may look for it among its files.
    """
    stem = re.sub(r"\W", "_", path.stem, flags=re.ASCII)
    name = first = f"pode_py_file_{stem}_{zlib.crc32(str(path).encode()):08x}"
    number = 1
    while name in sys.modules:
        number += 1
        name = f"{first}_{number}"
    return name


def _forget(name: str, module: ModuleType) -> None:
    if sys.modules.get(name) is module:
        del sys.modules[name]


def _nearby(path: Path) -> str:
    """Where a file of that name is, if the path is only a little wrong."""
    with_ending = path.with_name(f"{path.name}.py")
    if with_ending.is_file():
        return f" Did you mean {with_ending.name!r}?"
    return ""
