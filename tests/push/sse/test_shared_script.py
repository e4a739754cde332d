"""The script that shares a stream among tabs, as it is served. What it does: tests/browser."""

from __future__ import annotations

import re
import subprocess
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

import pode_py
from pode_py import PodeError, StatusError, add_endpoint, use_sse_shared_script
from pode_py.testing import Client
from tests.support import need_program

ROOT = Path(pode_py.__file__).parent.parent
FILE = ROOT / "pode_py/push/sse/shared.js"


def test_it_is_served_where_it_was_asked_for_only():
    with Client(lambda: None) as client:
        assert client.get("/pode/sse-shared.js").status_code == 404
    with Client(use_sse_shared_script) as client:
        response = client.get("/pode/sse-shared.js")
        assert response.status_code == 200
        assert response.body == FILE.read_bytes()
        assert response.headers["Content-Type"] == "text/javascript; charset=utf-8"
        assert response.headers["Cache-Control"] == "public, max-age=3600"


def test_who_has_it_already_gets_304():
    with Client(use_sse_shared_script) as client:
        etag = client.get("/pode/sse-shared.js").headers["ETag"]
        again = client.get("/pode/sse-shared.js", headers={"If-None-Match": etag})
        assert (again.status_code, again.body) == (304, b"")
        head = client.head("/pode/sse-shared.js")
        assert (head.status_code, head.headers["ETag"]) == (200, etag)


def test_it_may_be_elsewhere_behind_middleware_and_on_one_endpoint():
    def refuse() -> None:
        raise StatusError(403)

    def server() -> None:
        add_endpoint(name="first", port=8080)
        add_endpoint(name="second", port=8081)
        use_sse_shared_script("/js/shared.js", endpoint_name="second")
        use_sse_shared_script("/refused.js", middleware=refuse)

    with Client(server) as client:
        assert client.get("/js/shared.js", endpoint_name="first").status_code == 404
        assert client.get("/js/shared.js", endpoint_name="second").status_code == 200
        assert client.get("/refused.js").status_code == 403


def test_a_second_route_at_its_path_is_told():
    def twice() -> None:
        use_sse_shared_script()
        use_sse_shared_script()

    with pytest.raises(PodeError, match="already exists"):
        Client(twice)


def test_it_depends_on_nothing():
    text = FILE.read_text("utf-8")
    assert not re.findall(r"\b(?:import|require|fetch|eval|innerHTML)\b", text)
    assert not re.findall(r"https?://", text)


def test_node_finds_no_fault_in_its_syntax():
    subprocess.run([need_program("node"), "--check", str(FILE)], check=True)


def test_a_wheel_has_it(tmp_path: Path):
    wheel = next(WheelBuilder(str(ROOT)).build(directory=str(tmp_path)))
    assert "pode_py/push/sse/shared.js" in zipfile.ZipFile(wheel).namelist()
