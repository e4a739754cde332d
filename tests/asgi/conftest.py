"""Applications that run under ASGI servers, each in a process of its own."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.asgi.servers import APP, COMMANDS
from tests.server.conftest import program  # noqa: F401 - a fixture
from tests.server.program import Program

Deploy = Callable[..., Program]


@pytest.fixture
def deploy(program: Callable[..., Program]) -> Iterator[Deploy]:  # noqa: F811
    """Run an application: ``deploy("hypercorn", *more_arguments, code=...)``."""
    started: list[Program] = []

    def start(kind: str, *more: str, code: str = APP, **options: Any) -> Program:
        run = (*COMMANDS[kind], *more)
        started.append(program(code, run=run, start_new_session=True, **options))
        return started[-1]

    yield start
    for one in started:  # with its workers, which hold its pipes
        with contextlib.suppress(ProcessLookupError):
            os.killpg(one.process.pid, signal.SIGKILL)
