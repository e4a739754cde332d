"""What the tests promise each other: they may run in several processes, and under nohup."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tests.server.program import DEADLINE, Program
from tests.support import free_port, need_program

ASK = "from tests.support import free_port; print(free_port(), flush=True); input()"

SIGNALS = """
import signal
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
    say(number.name, getattr(signal.getsignal(number), "__name__", signal.getsignal(number)))
"""


def test_processes_that_run_at_once_choose_different_ports():
    started = [
        subprocess.Popen([sys.executable, "-c", ASK], stdin=-1, stdout=-1, text=True)
        for _ in range(3)
    ]
    try:
        ports = [free_port(), *(int(process.stdout.readline()) for process in started)]
    finally:
        for process in started:
            process.communicate("\n", timeout=DEADLINE)
    slices = {port // 400 for port in ports}
    assert len(slices) == 4, ports


def test_one_port_after_another_is_chosen_and_each_has_free_neighbours():
    ports = [free_port() for _ in range(20)]
    assert len(set(ports)) == 20
    assert all(abs(one - other) >= 4 for one in ports for other in ports if one != other)


def test_started_programs_keep_what_they_compiled():
    assert "PYTHONDONTWRITEBYTECODE" not in os.environ
    assert not sys.dont_write_bytecode


def test_started_programs_have_default_signals(tmp_path):
    program = Program(tmp_path, SIGNALS)
    try:
        assert program.end() == 0
    finally:
        program.close()
    assert program.out.splitlines() == [
        f"SIGHUP {signal.SIG_DFL}",
        "SIGINT default_int_handler",
        f"SIGQUIT {signal.SIG_DFL}",
        f"SIGTERM {signal.SIG_DFL}",
    ]


@pytest.mark.parametrize("processes", [0, 1])
def test_under_nohup_started_programs_have_default_signals_too(processes):
    this = f"{__file__}::{test_started_programs_have_default_signals.__name__}"
    # A shell starts what it puts into the background with SIGINT and SIGQUIT ignored.
    shell = ["sh", "-c", 'trap "" INT QUIT TERM; exec "$@"', "sh", need_program("nohup")]
    ran = subprocess.run(
        [*shell, sys.executable, "-m", "pytest", "-n", str(processes), this],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert "1 passed" in ran.stdout, ran.stdout
