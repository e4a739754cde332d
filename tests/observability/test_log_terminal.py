"""The terminal method: standard output, whatever became of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap

import pytest

from pode_py.observability.logs.functions import (
    add_log_type,
    enable_log_error_type,
    enable_log_request_type,
    write_log,
)
from pode_py.observability.logs.methods.functions import new_log_terminal_method

PROGRAM = """
    import os, sys, time
    from pathlib import Path
    from pode_py.core import ambient
    from pode_py.observability.logs.functions import *
    from pode_py.observability.logs.methods.functions import *
    from pode_py.observability.logs.logs import Logs
    from tests.runtimes import a_runtime

    class Server:
        logs = Logs(a_runtime(Path(sys.argv[1])))
        def room(self, kind):
            return self.logs

    ambient.set_running(Server())
    logs = Server.logs
    add_log_type([new_log_terminal_method(), new_log_file_method("good")], "main", raw=True)
"""


def run(tmp_path, body, **options):
    """Run a program with logs in a process of its own; PROGRAM above comes first."""
    code = textwrap.dedent(PROGRAM) + textwrap.dedent(body)
    environment = {**os.environ, "TERM": "xterm", **options.pop("environment", {})}
    environment.pop("NO_COLOR", None)
    environment.update(options.pop("also", {}))
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(tmp_path)],
        env=environment,
        timeout=60,
        check=False,
        **options,
    )


def good(tmp_path):
    return "".join(path.read_text() for path in (tmp_path / "logs").glob("good_*"))


def test_a_record_goes_to_standard_output(server, capsys):
    add_log_type(new_log_terminal_method(), "main", raw=True)
    write_log("hello", "main")
    write_log({"a": 1, "when": None}, "main")
    assert server.logs.flush()
    assert capsys.readouterr().out == 'hello\n{"a":1,"when":null}\n'


def test_there_are_no_escape_codes_without_a_terminal(server, capsys, a_request):
    method = new_log_terminal_method()
    enable_log_request_type(method)
    enable_log_error_type(method)
    server.logs.write_request(a_request(status=500))
    server.logs.write_exception("x", where="here")
    assert server.logs.flush()
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("also", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
    ids=["terminal", "NO_COLOR", "dumb"],
)
def test_errors_are_coloured_on_a_terminal_unless_told_otherwise(tmp_path, also, coloured):
    master, slave = os.openpty()
    body = """
        enable_log_error_type(new_log_terminal_method(), as_utc=True)
        logs.write_exception("evil \\x1b[2J", where="here")
        logs.stop()
    """
    try:
        assert run(tmp_path, body, stdout=slave, also=also).returncode == 0
        printed = os.read(master, 10_000).decode()
    finally:
        os.close(slave)
        os.close(master)
    assert r"evil \x1b[2J" in printed
    assert printed.startswith("\x1b[31m") is coloured
    assert printed.rstrip().endswith("\x1b[0m") is coloured
    assert printed.count("\x1b") == (2 if coloured else 0)


def test_a_closed_standard_output_harms_nobody(tmp_path):
    body = """
        for number in range(100):
            write_log(str(number), "main")
        assert logs.stop()
        print("still here", file=sys.stderr)
    """
    done = run(tmp_path, body, stderr=subprocess.PIPE, preexec_fn=lambda: os.close(1))
    assert done.returncode == 0
    printed = done.stderr.decode()
    assert printed.count("stdout is closed") == 1
    assert printed.endswith("still here\n")
    assert good(tmp_path).count("\n") == 100


def test_a_broken_pipe_harms_nobody(tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    body = """
        for number in range(100):
            write_log(str(number), "main")
            logs.flush()
        assert logs.stop()
    """
    try:
        done = run(tmp_path, body, stdout=writer, stderr=subprocess.PIPE)
    finally:
        os.close(writer)
    assert done.returncode == 0
    assert done.stderr.decode().count("Broken pipe") == 2  # at once, and the rest at the end
    assert good(tmp_path).count("\n") == 100


def test_a_reader_that_hangs_stops_neither_other_methods_nor_the_end(tmp_path):
    reader, writer = os.pipe()
    body = """
        for number in range(2000):
            write_log("x" * 1000, "main")
        print("written", file=sys.stderr, flush=True)
        assert logs.stop(30)
    """
    try:
        done = run(tmp_path, body, stdout=writer, stderr=subprocess.PIPE)
    finally:
        os.close(writer)
        os.close(reader)
    assert done.returncode == 0, done.stderr.decode()
    # It was written, all of it, before the terminal's reader was given up.
    assert re.search("^written$.*nobody reads what is written", done.stderr.decode(), re.M | re.S)
    assert good(tmp_path).count("\n") == 2000


def test_standard_error_that_is_closed_or_stuck_harms_nobody_either(tmp_path):
    reader, writer = os.pipe()
    body = """
        for number in range(2000):
            logs.write_exception("x" * 1000, where="here")
        write_log("done", "main")
        logs.stop(30)
    """
    try:
        done = run(tmp_path, body, stdout=writer, stderr=writer)
    finally:
        os.close(writer)
        os.close(reader)
    assert done.returncode == 0
    assert good(tmp_path) == "done\n"


def test_a_line_a_reader_takes_slowly_still_arrives_whole(tmp_path):
    body = """
        for number in range(300):
            write_log(f"{number} " + "x" * 1000, "main")
        assert logs.stop(30)
    """
    done = run(tmp_path, body, stdout=subprocess.PIPE)
    assert [line.split()[0] for line in done.stdout.decode().splitlines()] == [
        str(number) for number in range(300)
    ]
