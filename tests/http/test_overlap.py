"""Whether a path can fit two patterns."""

from __future__ import annotations

import pytest

from pode_py.http.overlap import overlap
from pode_py.http.patterns import Pattern


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("/api", "/API", True),
        ("/api", "/api/x", False),
        ("/api/*", "/api/v2/x", True),
        ("/api/*", "/api", False),
        ("/api*", "/api", True),
        ("/api/v1/*", "/api/v2/x", False),
        ("/api/v1/*", "/api/:version/x", True),
        ("/api/v1/*", "/api/:version", False),
        ("/api/:version", "/api/v1/*", False),
        ("/:kind/users", "/api/:what", True),
        ("/:kind/users", "/api/:what/all", False),
        ("/img/:name.png", "/img/:name.jpg", False),
        ("/img/:name.png", "/img/a-:rest", True),
        ("/*/end", "/begin/*", True),
        ("/*/end", "/begin/*/other", False),
        ("*", "/", True),
    ],
)
def test_two_patterns_overlap_if_a_path_fits_both(one: str, other: str, both: bool):
    assert overlap(Pattern(one), Pattern(other)) is both
    assert overlap(Pattern(other), Pattern(one)) is both
