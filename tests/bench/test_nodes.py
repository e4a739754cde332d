"""What one of two nodes sends through Redis is counted on both, exactly."""

from __future__ import annotations

import pytest

from bench.contenders import NODES, OURS, missing
from bench.nodes import HERE, THERE, Nodes
from bench.scenarios.redis import CASES, KEPT, SCENARIO
from bench.settings import Settings
from tests.support import need_program, skip_or_fail

SMALL = Settings(rounds=1, seconds=1, streams=20, burst_timeout=20)
(OUR_NODE,) = (one for one in NODES if one.name == OURS)


@pytest.fixture(autouse=True)
def programs() -> None:
    for program in ("gcc", "redis-server"):
        need_program(program)
    if lacking := missing(OUR_NODE):
        skip_or_fail(f"{', '.join(lacking)} not installed.")


@pytest.mark.parametrize("case", CASES)
def test_each_stream_of_both_nodes_gets_each_event_once(case):
    with Nodes(OUR_NODE, SMALL, history=case == KEPT) as nodes:
        for _ in range(2):
            figures = nodes.run("/burst?n=30", 30, 20)
            for node in (HERE, THERE):
                assert figures[node]["deliveries"] == 20 * 30
            assert (figures["lost"], figures["uneven_streams"]) == (0, 0)
            assert figures["deliveries"] == 2 * 20 * 30
            assert figures["seconds"] > 0


def test_what_the_other_node_does_not_get_is_lost():
    with Nodes(OUR_NODE, SMALL, history=False) as nodes:
        figures = nodes.run("/burst?n=5", 6, 1)
    assert (figures["lost"], figures["uneven_streams"]) == (2 * 20, 2 * 20)


@pytest.mark.slow
def test_the_scenario_measures_what_its_columns_show():
    figures = SCENARIO.measure(OUR_NODE, SMALL)
    shown = {column.key: column.value(figures) for column in SCENARIO.columns}
    assert None not in shown.values()
    assert [shown[key] for key in shown if key.endswith("lost")] == [0] * 6
    for column in SCENARIO.columns:
        assert column.write(shown[column.key])
