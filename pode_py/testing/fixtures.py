"""Fixtures for pytest. Installed with pode_py, they are there without an import."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from pode_py.testing.client import Client
from pode_py.testing.live import LiveServer


@pytest.fixture
def live_server() -> Iterator[Callable[..., LiveServer]]:
    """Start servers: ``live_server(setup, threads=2)``; the options are those of LiveServer.

    They stop at the end of the test, which fails if one leaves a thread behind.
    """
    with ExitStack() as stack:
        yield lambda setup, **options: stack.enter_context(LiveServer(setup, **options))


@pytest.fixture
def pode_client() -> Iterator[Callable[..., Client]]:
    """Make clients without sockets: ``pode_client(setup)``; the options are those of Client."""

    def make(setup: Any, **options: Any) -> Client:
        return stack.enter_context(Client(setup, **options))

    with ExitStack() as stack:
        yield make
