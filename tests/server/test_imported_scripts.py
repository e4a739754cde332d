"""start_server in a script that is imported: an error that names the guard, instead of a hang."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.server.program import ROOT, Program

SCRIPT = """\
import multiprocessing
import os
from pode_py import *

def server():
    add_endpoint(port=int(os.environ["PORT"]))
    add_route("get", "/", lambda: "hello")

def test_nothing():
    pass
{between}
start_server(server)
"""
GUARD = 'if __name__ == "__main__":\n    start_server(server)'
# What spawn does in the child: it imports the script, under another name.
SPAWN = """
if __name__ == "__main__":
    child = multiprocessing.get_context("spawn").Process(target=test_nothing)
    child.start()
    child.join()
    raise SystemExit(child.exitcode)
"""

IMPORTERS = {
    "pytest": ["-m", "pytest", "-p", "no:cacheprovider", "test_app.py"],
    "unittest": ["-m", "unittest", "test_app"],
    "uvicorn": ["-m", "uvicorn", "test_app:app"],
    "doctest": ["-m", "doctest", "test_app.py"],
    "a process that multiprocessing has started": ["test_app.py"],
}


def run(folder: Path, arguments: list[str], between: str = "") -> subprocess.CompletedProcess[str]:
    (folder / "test_app.py").write_text(SCRIPT.format(between=between))
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        timeout=60,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}", "PORT": "8099"},
    )


@pytest.mark.parametrize("importer", IMPORTERS)
def test_a_script_that_is_imported_names_the_guard(tmp_path: Path, importer: str):
    between = SPAWN if "process" in importer else ""
    ran = run(tmp_path, IMPORTERS[importer], between)
    told = ran.stdout + ran.stderr
    line = SCRIPT.format(between=between).splitlines().index("start_server(server)") + 1
    assert ran.returncode != 0
    assert f"start_server in line {line} of test_app.py runs because {importer} imports" in told
    assert "\n".join(GUARD.splitlines()[:1]) in told


def test_an_asgi_server_is_told_of_asgi_app(tmp_path: Path):
    ran = run(tmp_path, IMPORTERS["uvicorn"])
    assert "uvicorn serves what asgi_app returns." in ran.stderr


def test_a_module_of_the_program_may_start_the_server(program: Callable[..., Program]):
    run = program(
        "def server():\n    add_endpoint(port=PORT)\n    add_route('get', '/', lambda: 'hello')\n"
        "start_server(server)\n",
        run=("-c", "import {module}"),
    ).ready()
    assert run.get().text == "hello"
    assert run.stop() == 0
