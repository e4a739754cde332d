"""The versions of programs are found in what the programs say of themselves."""

import pytest

from bench.machine import version_in


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
