"""Goals are judged by medians, against limits or against the best of the peers."""

import pytest

from bench.contenders import OURS, Contender
from bench.goals import goals_table, outcomes, times
from bench.scenario import Column, Goal, Scenario

PEERS = ("fast", "slow")


def scenario(*goals: Goal) -> Scenario:
    return Scenario(
        key="any",
        order=1,
        title=lambda _: "Any",
        contenders=tuple(Contender(name, name, ()) for name in (OURS, *PEERS)),
        columns=(
            Column("rate", lambda figures: figures["rate"], "{:,.0f}".format, 1),
            Column("wait", lambda figures: figures["wait"], "{:.1f} ms".format, -1),
        ),
        measure=lambda *_: {},
        goals=goals,
    )


def rounds(**of: tuple[float, float | None]) -> dict[str, list[dict[str, float | None]]]:
    return {name: [{"rate": rate, "wait": wait}] for name, (rate, wait) in of.items()}


MEASURED = rounds(pode_py=(300, 2.0), fast=(200, 4.0), slow=(50, 1.0))


@pytest.mark.parametrize(
    ("goal", "value", "met"),
    [
        (Goal("rate", "rate", at_least=300), 300, True),
        (Goal("rate", "rate", at_least=301), 300, False),
        (Goal("wait", "wait", at_most=2), 2, True),
        (Goal("wait", "wait", at_most=1.9), 2, False),
        (Goal("rate", "rate", at_least=6, against=("slow",)), 6, True),
        (Goal("rate", "rate", at_least=1.6, against=("fast",)), 1.5, False),
        (Goal("wait", "wait", at_most=0.5, against=("fast",)), 0.5, True),
        (Goal("wait", "wait", at_most=1.15, against=("slow",)), 2, False),
    ],
)
def test_a_limit_is_reached_when_it_is_met_exactly(goal, value, met):
    (found,) = outcomes(scenario(goal), MEASURED)
    assert (found.value, found.met) == (value, met)


def test_the_best_of_several_peers_is_the_highest_where_more_is_wanted():
    goal = Goal("rate", "rate", at_least=1, against=PEERS)
    (found,) = outcomes(scenario(goal), MEASURED)
    assert (found.peer, found.value) == ("fast", 1.5)


def test_the_best_of_several_peers_is_the_lowest_where_less_is_wanted():
    goal = Goal("wait", "wait", at_most=1, against=PEERS)
    (found,) = outcomes(scenario(goal), MEASURED)
    assert (found.peer, found.value, found.met) == ("slow", 2.0, False)


def test_the_median_counts_and_not_the_best_round():
    measured = {OURS: [{"rate": rate, "wait": 1} for rate in (1, 2, 900)]}
    (found,) = outcomes(scenario(Goal("rate", "rate", at_least=3)), measured)
    assert (found.value, found.met) == (2, False)


def test_nothing_lost_reaches_the_limit_of_nothing():
    goal = Goal("lost", "wait", at_most=0)
    (none,) = outcomes(scenario(goal), rounds(pode_py=(1, 0)))
    (some,) = outcomes(scenario(goal), rounds(pode_py=(1, 1)))
    assert (none.met, some.met) == (True, False)


@pytest.mark.parametrize(
    "measured",
    [
        rounds(fast=(1, 1)),
        rounds(pode_py=(1, 1)),
        rounds(pode_py=(1, None), fast=(1, 1)),
        rounds(pode_py=(1, 1), fast=(1, None)),
    ],
    ids=["we", "the peer", "our figure", "the figure of the peer"],
)
def test_what_was_not_measured_is_neither_reached_nor_missed(measured):
    goal = Goal("wait", "wait", at_most=1, against=("fast",))
    (found,) = outcomes(scenario(goal), measured)
    assert (found.value, found.met) == (None, None)
    assert "not measured" in goals_table([found])


def test_the_table_names_the_limit_the_figure_and_the_answer():
    goals = (
        Goal("requests", "rate", at_least=1, against=PEERS),
        Goal("requests", "rate", at_least=7, against=("slow",)),
        Goal("latency", "wait", at_most=10),
    )
    rows = goals_table(outcomes(scenario(*goals), MEASURED)).splitlines()[2:]
    assert [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows] == [
        ["requests", "≥ 1 x best of fast, slow", "1.50 x fast", "yes"],
        ["requests", "≥ 7 x slow", "6.00 x", "no"],
        ["latency", "≤ 10.0 ms", "2.0 ms", "yes"],
    ]


@pytest.mark.parametrize(
    ("value", "text"), [(0.938, "0.94 x"), (13.56, "13.6 x"), (215.4, "215 x"), (1e4, "10,000 x")]
)
def test_a_ratio_has_three_figures_that_count(value, text):
    assert times(value) == text


@pytest.mark.parametrize("limits", [{}, {"at_least": 1, "at_most": 2}])
def test_a_goal_has_one_limit(limits):
    with pytest.raises(ValueError, match="needs at_least or at_most"):
        Goal("rate", "rate", **limits)


def test_a_goal_is_about_a_column_that_exists():
    with pytest.raises(ValueError, match="wants a column 'speed'"):
        scenario(Goal("speed", "speed", at_least=1))
