"""Every request scenario measures pode_py, and all that its columns and goals show."""

from __future__ import annotations

import pytest

from bench.contenders import PODE_PY
from bench.scenario import Scenario
from bench.scenarios import blocking, cpu_bound, half_rate, json_route, plain, start
from bench.settings import Settings
from tests.support import need_program

SCENARIOS = [
    module.SCENARIO for module in (plain, json_route, half_rate, blocking, cpu_bound, start)
]


@pytest.fixture(autouse=True)
def programs() -> None:
    for program in ("gcc", "wrk"):
        need_program(program)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.key)
def test_a_scenario_measures_what_its_columns_show(scenario: Scenario):
    figures = scenario.measure(PODE_PY, Settings(rounds=1, seconds=1))
    shown = {column.title: column.value(figures) for column in scenario.columns}
    assert None not in shown.values()
    assert shown.get("errors", 0) == 0
    for column in scenario.columns:
        assert column.write(shown[column.title])


def test_of_a_contender_without_streams_nothing_is_said_about_events():
    load = {"p99_ms": 1.0, "planned": 400, "unanswered": 0}
    figures = {"quiet": load, "busy": load}
    values = {column.title: column.value(figures) for column in cpu_bound.SCENARIO.columns}
    assert [value for title, value in values.items() if "events" in title] == [None] * 3


def test_the_wait_of_handlers_allows_nine_tenths_of_what_is_possible():
    (goal, _) = blocking.SCENARIO.goals
    assert goal.at_least == pytest.approx(720)
