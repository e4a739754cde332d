"""asgi_app takes a configuration as start_server does, and reads it again at a restart."""

from __future__ import annotations

import time

import pytest

from tests.server.program import DEADLINE

APP = """
from pode_py.asgi import asgi_app

def server():
    add_route("get", "/", lambda: get_config()["Color"])
    add_route("post", "/", lambda: "fits")
    add_route("get", "/restart", restart_server)

app = asgi_app(server)
"""


@pytest.mark.parametrize("kind", ["uvicorn", "hypercorn"])
def test_asgi_app_has_a_configuration_too(deploy, tmp_path, kind):
    path = tmp_path / "server.toml"
    path.write_text("Color = 'green'\n[Server]\nWorkers = 3\nRequest.BodySize = 5\n")
    app = deploy(kind, code=APP).listening()
    assert app.get("/").text == "green"
    assert app.get("/", method="POST", data="12345").text == "fits"
    assert app.get("/", method="POST", data="123456").status_code == 413
    app.wait_for("Server.Workers has no meaning for asgi_app", where="err")
    path.write_text("Color = 'blue'\n")
    app.get("/restart")
    until = time.monotonic() + DEADLINE
    while app.get("/").text != "blue":
        assert time.monotonic() < until
    app.stop()


def test_a_configuration_that_can_t_be_read_keeps_the_asgi_server_from_starting(deploy, tmp_path):
    (tmp_path / "server.toml").write_text("Server.Threads = 'many'\n")
    app = deploy("uvicorn", code=APP)
    assert app.end() != 0
    assert "server.toml:1: Server.Threads is 'many'" in app.err
