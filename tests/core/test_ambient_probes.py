"""Ambient events outside of any event: tools may look at them, users are told what is wrong."""

from __future__ import annotations

import inspect
from contextvars import ContextVar
from typing import Any

import pytest

from pode_py.core.ambient import AmbientEvent, Slot
from pode_py.core.errors import PodeError


def proxy() -> AmbientEvent:
    variable: ContextVar[Any] = ContextVar("test")
    return AmbientEvent(Slot("some_event", "in a test", variable))


def test_tools_that_look_for_special_names_find_none():
    event = proxy()
    assert not hasattr(event, "__wrapped__")
    assert inspect.unwrap(event) is event  # type: ignore[arg-type]


def test_a_field_outside_of_an_event_is_an_error_that_says_where_it_exists():
    with pytest.raises(PodeError, match="some_event only exists in a test"):
        _ = proxy().sender
