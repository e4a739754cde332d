"""Programs that are ended with their test."""

from __future__ import annotations

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

    yield start
    for one in started:
        one.close()
