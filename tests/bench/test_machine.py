"""What a run was made with is named: packages, programs and their versions."""

import platform

import pytest

from bench.contenders import OURS, PODE_PY, Contender
from bench.machine import programs, version_in


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("v20.19.2", "20.19.2"),
        ("nginx version: nginx/1.22.1", "1.22.1"),
        ("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64", "7.0.15"),
        ("1:1.3.6+dfsg-2", "1.3.6+dfsg-2"),
        ("unknown", "unknown"),
    ],
)
def test_a_version_is_the_first_number_with_points(said, version):
    assert version_in(said) == version


def test_the_versions_are_those_of_whoever_takes_part():
    found = programs([PODE_PY, Contender("any", "any", (), programs=("redis-server",))])
    assert found["python"].startswith(platform.python_version())
    assert {OURS, "h11", "redis-server", "wrk", "gcc"} <= set(found)
    assert "nginx" not in found
    assert version_in(found["h11"]) == found["h11"]
