"""Programs that are ended with their test."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.program import Program


@pytest.fixture
def program(tmp_path: Path, engine_kind: str) -> Iterator[Callable[..., Program]]:
    """Start scripts: ``program(code)``; the options are those of Program."""
    started: list[Program] = []

    def start(code: str, **options: Any) -> Program:
        started.append(Program(tmp_path, code, **{"engine": engine_kind, **options}))
        return started[-1]

    # Where the tests run in a shell's background SIGINT is ignored, and programs inherit that.
    kept = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield start
    signal.signal(signal.SIGINT, kept)
    for one in started:
        one.close()
