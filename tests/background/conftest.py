"""Fixtures of the background tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pode_py.testing.clock import FakeClock
from tests.background.house import START, Calls, House, open_house


@pytest.fixture
def clock() -> FakeClock:
    """Stands at the start of 2027, in UTC."""
    return FakeClock(START)


@pytest.fixture
def house(clock: FakeClock, tmp_path: Path) -> Iterator[House]:
    """The background rooms on `clock`, not started."""
    with open_house(tmp_path, clock) as opened:
        yield opened


@pytest.fixture
def calls(clock: FakeClock) -> Iterator[Calls]:
    """A handler that notes the times on `clock`. It is let go at the end."""
    made = Calls(clock)
    yield made
    made.stay.set()
