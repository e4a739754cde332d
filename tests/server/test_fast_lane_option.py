"""The fast lane can be switched off, and nobody sees a difference."""

from __future__ import annotations

import pytest

from pode_py import add_route, web_event
from pode_py.testing import running


def server():
    add_route("get", "/:name", lambda: {"name": web_event.parameters["name"], **web_event.query})


@pytest.mark.parametrize("fast_lane", [True, False])
def test_requests_mean_the_same_with_and_without_the_fast_lane(fast_lane):
    with running(server, fast_lane=fast_lane) as live:
        for _ in range(2):
            assert live.get("/a%20b?x=1").json() == {"name": "a b", "x": "1"}
