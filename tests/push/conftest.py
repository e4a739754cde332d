"""Fixtures of the tests of streams."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pode_py.testing import FakeClock, LiveServer
from tests.push.house import House, build
from tests.server.conftest import program  # noqa: F401 - a fixture


@pytest.fixture
def make_house(live_server: Callable[..., LiveServer]) -> Callable[..., House]:
    """Starts a house: ``make_house(more_setup, threads=2)``."""

    def make(more: Callable[[], Any] | None = None, **options: Any) -> House:
        return build(live_server, more, **options)

    return make


@pytest.fixture
def house(make_house: Callable[..., House]) -> House:
    return make_house()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def timed_house(make_house: Callable[..., House], clock: FakeClock) -> House:
    """A house whose time moves by hand."""
    return make_house(clock=clock)
