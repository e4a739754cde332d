"""The units for systemd: it reads them, they fit the server, and the socket is handed over."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pode_py.server.options import ServerOptions
from pode_py.testing import fetch
from tests.deploying.asking import DEADLINE
from tests.deploying.files import DEPLOY, adapted, text_of
from tests.support import free_port, need_program

UNITS = ("shop.service", "shop.socket")


@pytest.fixture
def units(tmp_path: Path) -> list[str]:
    """Copies that find the server and its Python in a folder of the test."""
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    (tmp_path / "server.py").write_text(text_of("server.py"), "utf-8")
    copies = [tmp_path / name for name in UNITS]
    copies[0].write_text(adapted(UNITS[0], {"/srv/shop": str(tmp_path)}), "utf-8")
    copies[1].write_text(text_of(UNITS[1]), "utf-8")
    return [str(path) for path in copies]


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [need_program("systemd-analyze"), "--no-pager", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def section(name: str, title: str) -> dict[str, list[str]]:
    """The settings of a section; each may stand there several times."""
    found: dict[str, list[str]] = {}
    here = ""
    for line in text_of(name).splitlines():
        if line.startswith("["):
            here = line.strip("[]")
        elif here == title and "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def test_systemd_finds_nothing_wrong_with_the_units(units):
    checked = analyze("verify", "--man=no", *units)
    assert [line for line in checked.stderr.splitlines() if "shop" in line] == []
    assert checked.returncode == 0


def test_a_mistake_in_them_would_be_seen(units):
    path = Path(units[0])
    path.write_text(path.read_text("utf-8").replace("KillMode=mixed", "KillMode=sometimes"))
    assert "shop.service" in analyze("verify", "--man=no", *units).stderr


def test_the_service_is_hardened(units):
    """At most 2.0 of 10, where 9.6 is a service without any of it."""
    rated = analyze("security", "--offline=yes", "--threshold=20", units[0])
    assert rated.returncode == 0, rated.stdout


def test_systemd_waits_longer_than_the_server_takes_to_stop():
    grace = ServerOptions().grace
    (limit,) = section("shop.service", "Service")["TimeoutStopSec"]
    assert int(limit) >= grace + 3


def test_it_is_told_when_the_server_is_ready():
    # tests/server/test_notifier.py has what the server then says.
    assert section("shop.service", "Service")["Type"] == ["notify"]


def test_what_the_server_prints_is_in_the_journal_at_once():
    assert "PYTHONUNBUFFERED=1" in section("shop.service", "Service")["Environment"]


def test_it_runs_as_a_user_that_may_do_nothing_else():
    service = section("shop.service", "Service")
    assert service["User"] == ["shop"]
    assert service["CapabilityBoundingSet"] == [""]


@contextmanager
def activated(listen: str, port: int) -> Iterator[subprocess.Popen[str]]:
    """The server, started by systemd's own stand-in for what a socket unit does."""
    command = [need_program("systemd-socket-activate"), f"--listen={listen}", f"-EPORT={port}"]
    with subprocess.Popen(
        [*command, sys.executable, str(DEPLOY / "server.py")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def test_clients_that_knock_before_the_server_runs_are_answered():
    (wanted,) = section("shop.socket", "Socket")["ListenStream"]
    port = free_port()
    listen = wanted.replace("8080", str(port))
    with activated(listen, port) as process:
        assert process.stdout is not None
        # It says so before anything of ours has run.
        assert "Listening on" in process.stdout.readline()
        assert fetch(f"http://127.0.0.1:{port}/health", deadline=DEADLINE).status_code == 200
        os.kill(process.pid, signal.SIGTERM)
        output, _ = process.communicate(timeout=DEADLINE)
        assert process.returncode == 0
        assert "Stopped." in output


def test_the_address_of_the_socket_is_that_of_the_endpoint():
    """Otherwise the server would refuse to start: docs/tutorials/workers.md."""
    (wanted,) = section("shop.socket", "Socket")["ListenStream"]
    address, _, port = wanted.rpartition(":")
    assert socket.gethostbyname("localhost") == address
    assert f'os.environ.get("PORT", "{port}")' in text_of("server.py")
