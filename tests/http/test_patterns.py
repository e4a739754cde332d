"""Which paths a route's path means."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pode_py.http.patterns import Pattern, route_path


def match(pattern: str, path: str) -> dict[str, object] | None:
    """The parameters, or None."""
    return Pattern(pattern).match(path, path.lower(), path.split("/"))


@pytest.mark.parametrize(
    ("pattern", "path", "parameters"),
    [
        ("/users/:id", "/users/7", {"id": "7"}),
        ("/users/:id", "/USERS/Bob", {"id": "Bob"}),
        ("/users/:id", "/users/a%2Fb", {"id": "a%2Fb"}),
        ("/:a/:b", "/x/y", {"a": "x", "b": "y"}),
        ("/img/:name.png", "/img/a.b.png", {"name": "a.b"}),
        ("/:from-:to", "/a-b-c", {"from": "a", "to": "b-c"}),
        ("/v:major.:minor/x", "/v1.12/x", {"major": "1", "minor": "12"}),
        ("/api/*", "/api/", {"*": ""}),
        ("/api/*", "/API/a/B", {"*": "a/B"}),
        ("*", "/anything/at all", {"*": "anything/at all"}),
        ("/files/*.txt", "/files/a/b.txt", {"*": "a/b"}),
        ("/a/*/b/*/c", "/a/1/2/b/3/c", {"*": ["1/2", "3"]}),
        ("/:user/files/*", "/bob/files/x/y", {"user": "bob", "*": "x/y"}),
        ("/*/:id", "/a/b/7", {"*": "a/b", "id": "7"}),
        ("/*/:id/edit", "/a/b/7/edit", {"*": "a/b", "id": "7"}),
        ("/a/**", "/a/b", {"*": "b"}),
        ("/x/:80", "/x/y", {"80": "y"}),
    ],
)
def test_a_path_that_fits_gives_its_parameters(
    pattern: str, path: str, parameters: dict[str, object]
):
    assert match(route_path(pattern), path) == parameters


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("/users/:id", "/users/"),
        ("/users/:id", "/users"),
        ("/users/:id", "/users/7/"),
        ("/users/:id", "/users/7/8"),
        ("/users/:id", "/people/7"),
        ("/img/:name.png", "/img/.png"),
        ("/img/:name.png", "/img/a.jpg"),
        ("/:from-:to", "/a-"),
        ("/:from-:to", "/-b"),
        ("/api/*", "/api"),
        ("/api/*", "/apix"),
        ("/files/*.txt", "/files/a.txt/b"),
        ("/*/:id/edit", "/a//edit"),
        ("/a.b/:id", "/axb/7"),
    ],
)
def test_a_path_that_does_not_fit_gives_none(pattern: str, path: str):
    assert match(pattern, path) is None


@pytest.mark.parametrize("path", ["/a/:x:y", "/a/:x/:x", "/a*:x", "/:x*", "/*-:id"])
def test_paths_that_mean_nothing_or_could_be_slow_are_refused(path: str):
    with pytest.raises(ValueError, match=re.escape(path)):
        Pattern(path)


def test_the_path_of_a_route_has_a_slash_in_front_and_no_query():
    assert [route_path(path) for path in ("users", "/users?x=1", " /a ")] == [
        "/users",
        "/users",
        "/a",
    ]


def test_letters_that_change_their_length_in_lower_case_disturb_nothing():
    assert match("/:a-x/:b", "/İİ-x/İ") == {"a": "İİ", "b": "İ"}


words = st.text(alphabet="ab/-.*:", min_size=0, max_size=12)


@given(words, words)
def test_a_wildcard_takes_what_pode_s_expression_takes(before: str, path: str):
    before = before.replace(":", "")
    pattern = route_path(f"{before}*")
    expression = "".join(
        ".*" if part == "*" else re.escape(part) for part in re.split(r"(\*)", pattern)
    )
    path = f"/{path}"
    assert Pattern(pattern).fits(path) == bool(re.fullmatch(expression, path, re.DOTALL))


@given(st.text(alphabet="ab-/", max_size=10))
def test_parameters_within_a_segment_take_what_pode_s_expression_takes(path: str):
    found = re.fullmatch(r"/a([^/]+?)-([^/]+?)-b", f"/{path}")
    expected = None if found is None else {"x": found[1], "y": found[2]}
    assert match("/a:x-:y-b", f"/{path}") == expected


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("/*a*b*c", "/" + "ab" * 10_000),
        ("/*/:id/edit", "/" + "a/" * 10_000),
        ("/:a-:b.:c/x", "/" + "-" * 20_000),
        ("/*aaaaaaaab", "/" + "a" * 20_000),
    ],
)
def test_matching_hostile_paths_takes_time_in_proportion(pattern: str, path: str):
    compiled = Pattern(pattern)
    started = time.process_time()
    for _ in range(10):
        compiled.match(path, path.lower(), path.split("/"))
    assert time.process_time() - started < 1.0
