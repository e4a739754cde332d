"""Type checkers and editors know every name of `from pode_py import *` on a user's script."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import pode_py
from tests.contract.names import table
from tests.contract.parity import status
from tests.support import need_program, skip_or_fail

PYRIGHT = Path(__file__).parent / "node" / "node_modules" / "pyright" / "index.js"

NAMES = sorted(pode_py.__all__)
SCRIPT = f"""\
from pode_py import *

every_name = [{", ".join(NAMES)}]


def server() -> None:
    add_endpoint(port=8080)

    @add_timer("tick", 5)
    def tick(timer_event: TimerEvent) -> int:
        reveal_type(timer_event.sender)
        return 1

    add_route("GET", "/get", tick)
    add_route(["Post", "put"], "/both", tick)
    add_endpoint(protocol="Http", port=8081)
    reveal_type(tick)
    reveal_type(add_route("get", "/", tick))
    reveal_type(web_event.sse)
    reveal_type(new_log_custom_method(print))
    reveal_type(new_log_custom_method(id="mine"))
    reveal_type(get_server_uptime(format="concise"))
    reveal_type(send_sse_event("hello", name="Events"))
    reveal_type(web_event.query.get_int("page", 1, minimum=1))
    reveal_type(web_event.headers.get_date("X-Day", None))
    reveal_type(web_event.cookies.get_list("id", int))


start_server(server)
"""
# What the checkers say of it, without the modules' names.
REVEALED = (
    "Timer",
    "(timer_event: TimerEvent) -> int",
    "Registration",
    "SseConnection | SseReference | None",
    "str",
    "Registration",
    "str",
    "Delivery",
    "int",
    "date | None",
    "list[int]",
)


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    return path


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """jedi's cache is not for several processes at once, and tests run in several."""
    jedi: Any = pytest.importorskip("jedi")
    monkeypatch.setattr(jedi.settings, "cache_directory", str(tmp_path / "jedi"))


def completions(code: str) -> set[str]:
    """What an editor on jedi offers at the end of the code."""
    jedi: Any = pytest.importorskip("jedi")
    environment = jedi.create_environment(sys.prefix, safe=False)
    lines = code.split("\n")
    found = jedi.Script(code, environment=environment).complete(len(lines), len(lines[-1]))
    return {one.name for one in found}


def test_mypy_knows_every_name_and_type(script: Path):
    told = _run(sys.executable, "-m", "mypy", "--strict", "--no-incremental", script)
    assert "error" not in told
    assert tuple(map(_plain, _between(told, 'Revealed type is "'))) == REVEALED


def test_pyright_knows_every_name_and_type(script: Path):
    node = need_program("node")
    if not PYRIGHT.is_file():
        skip_or_fail('The npm package "pyright" is not there: run "npm ci" in tests/interop/node.')
    told = _run(node, PYRIGHT, "--pythonpath", sys.executable, script)
    assert "0 errors" in told
    assert tuple(_between(told, '" is "')) == REVEALED


def test_type_checkers_refuse_a_planned_function(tmp_path: Path):
    planned = next(name for name in table() if status(name) == "planned")
    script = tmp_path / "script.py"
    script.write_text(f"from pode_py import {planned}\n")
    told = _run(sys.executable, "-m", "mypy", "--strict", "--no-incremental", script)
    assert f'Module "pode_py" has no attribute "{planned}"' in told


def test_an_editor_completes_every_name():
    offered = completions("from pode_py import *\n")
    assert set(NAMES) <= offered


def test_an_editor_completes_the_event():
    offered = completions("from pode_py import *\nweb_event.")
    assert {"path", "method", "parameters", "data", "sse", "response", "on_end"} <= offered


def test_an_editor_completes_the_stream_of_the_event():
    offered = completions("from pode_py import *\nweb_event.sse.")
    assert {"client_id", "name", "groups", "close"} <= offered


@pytest.mark.parametrize("event", ["timer_event", "schedule_event", "triggered_event"])
def test_an_editor_completes_the_other_events(event: str):
    offered = completions(f"from pode_py import *\n{event}.")
    assert {"timestamp", "metadata", "lockable"} <= offered


def test_an_editor_completes_the_parameters_behind_a_decorator_s_name():
    offered = completions("from pode_py import *\nadd_timer(")
    assert {"interval=", "limit=", "on_start="} <= offered


def _run(*command: object) -> str:
    ran = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False, timeout=110
    )
    return ran.stdout + ran.stderr


def _between(told: str, before: str) -> list[str]:
    lines = [line for line in told.splitlines() if before in line]
    return [line.rpartition(before)[2].rstrip('"') for line in lines]


def _plain(shown: str) -> str:
    """mypy names modules, and functions as `def (...)`."""
    words = shown.removeprefix("def ").replace("(", "( ").split(" ")
    return " ".join(word.rpartition(".")[2] for word in words).replace("( ", "(")
