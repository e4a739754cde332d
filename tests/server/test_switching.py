"""Threads take turns quickly while a server runs, and as before when it has ended."""

from __future__ import annotations

import sys

import pytest

from pode_py.server.lifecycle import quick_switching


@pytest.fixture(autouse=True)
def interval():
    before = sys.getswitchinterval()
    yield before
    sys.setswitchinterval(before)


def test_threads_take_turns_quickly_meanwhile():
    sys.setswitchinterval(0.005)
    with quick_switching():
        assert sys.getswitchinterval() < 0.001
    assert sys.getswitchinterval() == pytest.approx(0.005)


def test_an_interval_of_the_users_own_stays():
    sys.setswitchinterval(0.02)
    with quick_switching():
        assert sys.getswitchinterval() == pytest.approx(0.02)
    assert sys.getswitchinterval() == pytest.approx(0.02)


def test_it_is_given_back_when_the_server_fails():
    sys.setswitchinterval(0.005)
    with pytest.raises(RuntimeError), quick_switching():
        raise RuntimeError
    assert sys.getswitchinterval() == pytest.approx(0.005)
