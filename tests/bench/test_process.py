"""A contender's server is looked at while it runs."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from bench.contenders import Contender
from bench.process import Server


class Starting(Server):
    """A server whose processes have used so much processor time, each time one looks."""

    def __init__(self, used: Iterable[float]) -> None:
        super().__init__(Contender("starting", "starting", ()))
        self._used = iter(used)

    def cpu_seconds(self) -> float:
        return next(self._used)

    @property
    def unseen(self) -> list[float]:
        return list(self._used)


@pytest.mark.parametrize(
    ("used", "unseen"), [((0, 0, 7), [7]), ((0, 1, 1.5, 1.51, 7), [7]), ((3, 3.01, 9), [9])]
)
def test_a_server_has_settled_once_its_processes_do_next_to_nothing(used, unseen):
    server = Starting(used)
    server.settle()
    assert server.unseen == unseen
