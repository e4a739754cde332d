"""Callers: who may call start_server, which does not return while the server runs.

A script that is imported, by a test run, by a new process or by an ASGI server, would hang whoever
imports it. Python's own guard keeps that from happening; whoever forgot it is reminded.
"""

from __future__ import annotations

from pathlib import Path
from types import FrameType
from typing import Final

from pode_py.core.ambient import is_inside
from pode_py.core.errors import PodeError
from pode_py.core.paths import calling_frame

#: Whoever imports scripts to do something else with them, by the first part of their names.
_IMPORTERS: Final = {
    "_pytest": "pytest",
    "daphne": "daphne",
    "doctest": "doctest",
    "granian": "granian",
    "gunicorn": "gunicorn",
    "hypercorn": "hypercorn",
    "pydoc": "pydoc",
    "unittest": "unittest",
    "uvicorn": "uvicorn",
}
_SERVERS: Final = ("daphne", "granian", "gunicorn", "hypercorn", "uvicorn")
_GUARD: Final = 'if __name__ == "__main__":'


def check_caller(call: str) -> None:
    """Raise PodeError where a server would hang, or run within another one."""
    frame = calling_frame()
    if is_inside():
        raise PodeError(
            f"{call} was called inside of a server: in its set-up function or in a handler. A "
            "program has one start_server; call restart_server to begin anew."
        )
    if frame is None or frame.f_code.co_name != "<module>":
        return
    importer = _importer(frame)
    if importer:
        path = Path(frame.f_code.co_filename)
        app = f"\n\n{importer} serves what asgi_app returns." if importer in _SERVERS else ""
        raise PodeError(
            f"{call} in line {frame.f_lineno} of {path.name} runs because {importer} imports the "
            f"file, and would not return. Put the call behind a guard, so that it only runs when "
            f"the file is started:\n\n{_GUARD}\n    {call}(server){app}"
        )


def _importer(frame: FrameType) -> str:
    """Who imports the module that the frame runs; "" if it is the program."""
    name = frame.f_globals.get("__name__")
    if name == "__main__":
        return ""
    if name == "__mp_main__":  # what multiprocessing calls the script in a process of its own
        return "a process that multiprocessing has started"
    caller = frame.f_back
    while caller is not None:
        # Of `python -m doctest` the spec has the name.
        spec = caller.f_globals.get("__spec__")
        module = getattr(spec, "name", None) or str(caller.f_globals.get("__name__"))
        package = module.partition(".")[0]
        if package in _IMPORTERS:
            return _IMPORTERS[package]
        caller = caller.f_back
    return ""
