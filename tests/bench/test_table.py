"""Medians, ratios and tables say what was measured."""

import pytest

from bench.contenders import OURS, Contender
from bench.scenario import Column
from bench.table import aligned, figures_table, ratios, ratios_table

COLUMNS = (
    Column("rate", lambda figures: figures["rate"], "{:,.0f}".format, 1),
    Column("wait", lambda figures: figures["wait"], "{:.1f}".format, -1),
    Column("errors", lambda figures: figures["errors"], "{:.0f}".format),
)
CONTENDERS = (Contender(OURS, "we", ()), Contender("peer", "Peer", ()))


def rounds(**of: list[tuple[float, float]]) -> dict[str, list[dict[str, float]]]:
    return {
        name: [{"rate": rate, "wait": wait, "errors": 0} for rate, wait in figures]
        for name, figures in of.items()
    }


def test_a_ratio_over_one_means_that_pode_py_is_better_in_either_direction():
    measured = rounds(pode_py=[(3000, 2.0)], peer=[(1000, 8.0)])
    assert ratios(COLUMNS, CONTENDERS, measured) == {"Peer": {"rate": 3.0, "wait": 4.0}}


def test_ratios_are_made_of_medians():
    measured = rounds(pode_py=[(1, 1), (20, 1), (900, 1)], peer=[(10, 1), (10, 1), (10, 1)])
    assert ratios(COLUMNS, CONTENDERS, measured)["Peer"]["rate"] == 2.0


def test_a_figure_of_nothing_makes_no_ratio():
    compared = ratios(COLUMNS, CONTENDERS, rounds(pode_py=[(1, 0)], peer=[(0, 1)]))
    assert compared == {"Peer": {}}
    assert ratios_table(COLUMNS, compared).splitlines()[-1].count(" - ") == 2


@pytest.mark.parametrize("absent", [OURS, "peer"])
def test_without_one_of_two_there_is_no_ratio(absent):
    measured = rounds(pode_py=[(1, 1)], peer=[(1, 1)])
    del measured[absent]
    assert ratios(COLUMNS, CONTENDERS, measured) == {}


def test_a_contender_that_was_not_measured_has_an_empty_row():
    table = figures_table(COLUMNS, CONTENDERS, rounds(pode_py=[(1000, 2), (3000, 4)]))
    _, _, we, peer = table.splitlines()
    assert [cell.strip() for cell in we.split("|")[1:-1]] == [
        *("we", "2,000", "1,000 to 3,000", "3.0", "0")
    ]
    assert [cell.strip() for cell in peer.split("|")[1:-1]] == ["Peer", "-", "-", "-", "-"]


def test_tables_are_markdown_whose_columns_line_up():
    assert aligned([["", "a", "figure"], ["name", "1", "22"]]).splitlines() == [
        "|      |   a | figure |",
        "| ---- | --: | -----: |",
        "| name |   1 |     22 |",
    ]
