"""Scripts with a configuration next to them: start, restart, several processes."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.server.processes.crew import children, wait_until

SCRIPT = """
def server():
    add_endpoint(port=PORT)
    add_route("get", "/restart", restart_server)
    add_route("get", "/", lambda: {
        "color": get_config().get("Color"), "name": get_server_name(), "pid": os.getpid(),
        "number": get_server_worker_number(), "restarts": get_server_restart_count(),
        "path": get_config_path(),
    })

start_server(server, OPTIONS)
"""


def script(options: str = "") -> str:
    return SCRIPT.replace("OPTIONS", options)


def write(folder: Path, text: str, name: str = "server.toml") -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def colors_of_all(server, workers: int = 2) -> list[str]:
    """What each worker says, by its number. The kernel decides who answers."""
    found: dict[int, str] = {}

    def ask() -> bool:
        facts = server.get("/").json()
        found[facts["number"]] = facts["color"]
        return len(found) == workers

    wait_until(ask, "all workers answer")
    return [found[number] for number in sorted(found)]


def test_the_file_next_to_the_script_is_read(program, tmp_path):
    path = write(tmp_path, "@{ Color = 'green'; Server = @{ Name = 'shop' } }", "server.psd1")
    server = program(script()).ready()
    facts = server.get("/").json()
    assert (facts["color"], facts["name"], facts["path"]) == ("green", "shop", str(path))
    assert "shop (PID" in server.out
    assert server.stop() == 0
    assert server.err == ""


def test_the_environment_picks_the_file_and_overrides_it(program, tmp_path):
    write(tmp_path, "Color = 'green'")
    write(tmp_path, "Color = 'blue'\nServer.Name = 'x'", "server.test.toml")
    env = {"PODE_ENVIRONMENT": "test", "PODE_PY__SERVER__NAME": "from outside"}
    server = program(script("name='argument'"), env=env).ready()
    facts = server.get("/").json()
    assert (facts["color"], facts["name"]) == ("blue", "from outside")
    assert server.stop() == 0


@pytest.mark.own_engine("no engine runs")
def test_a_file_that_can_t_be_read_is_one_sentence_and_exit_code_1(program, tmp_path):
    write(tmp_path, "@{\n    Port = 8000 + 80\n}", "server.psd1")
    server = program(script())
    assert server.end() == 1
    assert server.err == (
        "pode_py: server.psd1:2:12: `8000 + 80` computes. A data file holds values only: write "
        "the result.\n"
    )


@pytest.mark.own_engine("no engine runs")
def test_a_file_that_is_named_must_be_there(program):
    server = program(script("config_file='nope.toml'"))
    assert server.end() == 1
    assert "config_file='nope.toml': there is no file or folder" in server.err


def test_a_restart_reads_it_again(program, tmp_path):
    path = write(tmp_path, "Color = 'green'\nServer.Name = 'one'\n")
    server = program(script()).ready()
    write(tmp_path, "Color = 'blue'\nServer.Name = 'two'\n")
    assert server.get("/").json()["color"] == "green"
    server.get("/restart")
    server.wait_for("two (PID")
    assert server.get("/").json()["color"] == "blue"
    path.unlink()
    server.get("/restart")
    server.wait_for("Pode (PID")
    facts = server.get("/").json()
    assert (facts["color"], facts["path"]) == (None, None)
    assert server.stop() == 0
    assert server.err == ""


def test_a_file_that_breaks_leaves_the_old_server_running(program, tmp_path):
    write(tmp_path, "Color = 'green'\n")
    server = program(script()).ready()
    write(tmp_path, "Color = \n")
    server.get("/restart")
    server.wait_for("server.toml:1:9: Invalid value", where="err")
    facts = server.get("/").json()
    assert (facts["color"], facts["restarts"]) == ("green", 0)
    write(tmp_path, "Color = 'blue'\n")
    server.get("/restart")
    server.wait_for("[Running]", count=2)
    assert server.get("/").json()["color"] == "blue"
    assert server.stop() == 0


def test_all_workers_have_the_same_and_a_restart_gives_all_the_new(program, tmp_path):
    write(tmp_path, "Color = 'green'\nServer.Workers = 2\nServer.Nmae = 'x'\n")
    server = program(script()).ready()
    assert len(children(server.pid)) == 2
    assert colors_of_all(server) == ["green", "green"]
    assert server.err.count("did you mean Server.Name?") == 1

    # A worker that takes the place of another has what the others have, not what has changed since.
    write(tmp_path, "Color = 'blue'\nServer.Workers = 3\n")
    killed = server.get("/").json()["pid"]
    os.kill(killed, signal.SIGKILL)
    wait_until(
        lambda: killed not in children(server.pid) and len(children(server.pid)) == 2, "a new one"
    )
    assert colors_of_all(server) == ["green", "green"]

    server.get("/restart")
    server.wait_for("[Running]", count=2)
    assert colors_of_all(server) == ["blue", "blue"]
    server.wait_for("Server.Workers is 3 now. It stays 2", where="err")
    assert server.stop() == 0


def test_a_file_that_breaks_leaves_the_old_workers_running(program, tmp_path):
    write(tmp_path, "Color = 'green'\n")
    server = program(script("workers=2")).ready()
    write(tmp_path, "raise KeyError('x')\n", "server.py")
    write(tmp_path, "Color = \n")
    server.get("/restart")
    server.wait_for("The restart has ended: server.toml:1:9: Invalid value", where="err")
    assert colors_of_all(server) == ["green", "green"]
    assert server.stop() == 0


def test_a_configuration_in_python_is_named(program, tmp_path):
    write(
        tmp_path, "config = {'Color': 'gr' + 'een', 'Server': {'Threads': 2}}", "settings/base.py"
    )
    server = program(script("config_file='settings/base.py'")).ready()
    assert server.get("/").json()["color"] == "green"
    assert server.stop() == 0
