"""Imports every module of the package and exits with 1 if one of them did more than define things.

A program of its own, because what is imported once is not imported again. Its arguments are
optional packages: a module that needs one which is not installed is passed over. What a library
does at its own import is the library's affair.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
import threading
from pathlib import Path

HERE = str(Path(__file__).parents[2] / "pode_py")
THREAD = "threading.Thread.start"
ACTS = frozenset({"os.fork", "socket.__new__", "socket.bind", "subprocess.Popen", THREAD})


def main(optional: frozenset[str]) -> int:
    """Import all, and say how often something was started."""
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(Path(HERE).parent))
    done: list[str] = []
    sys.addaudithook(lambda event, arguments: _watch(event, arguments, done))
    _announce_threads()
    package = importlib.import_module("pode_py")
    for found in pkgutil.walk_packages(package.__path__, "pode_py."):
        if found.name != "pode_py.__main__":
            _load(found.name, optional)
    print("\n".join(done), file=sys.stderr)
    return 1 if done else 0


def _announce_threads() -> None:
    """Have each start of a thread audited, which Python 3.11 does not do by itself."""
    start = threading.Thread.start

    def announced(thread: threading.Thread) -> None:
        sys.audit(THREAD, thread.name)
        start(thread)

    threading.Thread.start = announced  # type: ignore[method-assign]


def _load(name: str, optional: frozenset[str]) -> None:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in optional:
            raise


def _watch(event: str, arguments: tuple[object, ...], done: list[str]) -> None:
    writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    if (event in ACTS or writes) and (where := _our_line()) is not None:
        done.append(f"{where}: importing this raises the event {event} ({arguments[0]!r}).")


def _our_line() -> str | None:
    """The line of ours that acts; None if a library does it."""
    frame = sys._getframe(2)
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(HERE):
            return f"{file}:{frame.f_lineno}"
        if "site-packages" in file:
            return None
        frame = frame.f_back  # type: ignore[assignment]
    return None


if __name__ == "__main__":
    sys.exit(main(frozenset(sys.argv[1:])))
