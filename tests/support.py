"""What several tests need: programs that must be installed, and ports that nobody uses."""

from __future__ import annotations

import functools
import itertools
import os
import shutil
import socket
from collections.abc import Iterator
from typing import NoReturn

import pytest

#: What a conversation must be the same on.
ENGINES = ("h11", "uvicorn")
#: What our own engine waits with.
POLLERS = ("auto", "selectors")

# Below the ports that the system gives to clients: so nobody gets one between the look at it and
# its use. Each process that runs tests takes a slice of them; see _slice.
_PORTS = range(12_000, 32_000)
_SLICE = 400
_NEIGHBOURS = 4


def free_port() -> int:
    """A port that nobody listens on, at whatever address, and so are the next three."""
    ports, _ = _slice()
    for port in itertools.islice(ports, _SLICE // _NEIGHBOURS):
        try:
            for number in range(port, port + _NEIGHBOURS):
                socket.create_server(("", number)).close()
        except OSError:
            continue
        return port
    raise AssertionError("All ports of this process's slice are taken.")


@functools.cache
def _slice() -> tuple[Iterator[int], socket.socket]:
    """The ports that this process may choose, and what shows others that they are taken.

    Tests run in several processes, and in several checkouts of one machine. An abstract socket
    can be bound once, and the system frees it however its process ends.
    """
    for first in _PORTS[::_SLICE]:
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0pode_py tests: ports {first} to {first + _SLICE - 1}")
        except OSError:
            claim.close()
            continue
        return itertools.cycle(range(first, first + _SLICE, _NEIGHBOURS)), claim
    raise AssertionError("All ports are taken: are there forty runs of these tests at once?")


def need_program(name: str) -> str:
    """The path of an installed program.

    Without it the test is skipped and says which program it wants; with PODE_PY_NO_SKIP set, as
    in CI, it fails instead, so that nothing goes untested unseen.
    """
    # Debian keeps daemons such as nginx where a user's PATH does not look.
    path = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))
    if path is None:
        skip_or_fail(f"The program {name!r} is not installed; .ci/run says which package has it.")
    return path


def skip_or_fail(reason: str) -> NoReturn:
    """Skip the test for what this machine lacks; fail it if PODE_PY_NO_SKIP is set."""
    if os.environ.get("PODE_PY_NO_SKIP"):
        pytest.fail(reason)
    pytest.skip(reason)
