"""Every request scenario measures pode_py, and all that its columns and goals show."""

from __future__ import annotations

import pytest

from bench.contenders import OURS
from bench.scenario import Scenario
from bench.scenarios import blocking, cpu_bound, half_rate, json_route, plain, start, view, workers
from bench.settings import Settings
from tests.support import need_program

SCENARIOS = [
    module.SCENARIO
    for module in (plain, json_route, view, half_rate, blocking, cpu_bound, start, workers)
]


@pytest.fixture(autouse=True)
def programs() -> None:
    for program in ("gcc", "wrk"):
        need_program(program)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.key)
def test_a_scenario_measures_what_its_columns_show(scenario: Scenario):
    (we,) = (one for one in scenario.contenders if one.name == OURS)
    figures = scenario.measure(we, Settings(rounds=1, seconds=1))
    shown = {column.key: column.value(figures) for column in scenario.columns}
    assert None not in shown.values()
    assert shown.get("errors", 0) == 0
    for column in scenario.columns:
        assert column.write(shown[column.key])


def test_of_a_contender_without_streams_nothing_is_said_about_events():
    load = {"p99_ms": 1.0, "planned": 400, "unanswered": 0}
    figures = {"quiet": load, "busy": load}
    values = {column.title: column.value(figures) for column in cpu_bound.SCENARIO.columns}
    assert [value for title, value in values.items() if "events" in title] == [None] * 3


def test_two_workers_are_held_against_one():
    def load(rate: float, share: float) -> dict[str, float]:
        return {"requests_s": rate, "server_cpu": share, "client_cpu": 0.1}

    alone = {"plain": load(100, 0.5), "JSON": load(1, 1), "memory": 1}
    figures = dict.fromkeys(workers.COUNTS.values(), alone)
    figures["two workers"] = {**alone, "plain": load(150, 1.0)}
    found = {column.key: column.value(figures) for column in workers.SCENARIO.columns}
    assert found["Two workers: plain requests/s : one worker's"] == pytest.approx(1.5)
    assert found["Two workers: plain per CPU second : one worker's"] == pytest.approx(0.75)
    assert found["Two workers: plain per CPU second"] == pytest.approx(150)


def test_the_wait_of_handlers_allows_nine_tenths_of_what_is_possible():
    (goal, _) = blocking.SCENARIO.goals
    assert goal.at_least == pytest.approx(720)
