"""Results are put between the marks of a document, and nothing else of it changes."""

import re

import pytest

from bench.contenders import OURS, Contender
from bench.report import BEGIN, END, PICTURE, check_marks, write_into
from bench.rounds import Play
from bench.scenario import Column, Goal, Scenario
from bench.settings import Settings
from bench.tools import BenchError

SCENARIO = Scenario(
    key="any",
    order=1,
    title=lambda _: "Any thing: so and so",
    contenders=(Contender(OURS, "we", ()),),
    columns=(Column("rate", lambda figures: figures["rate"], "{:,.0f}".format, 1),),
    measure=lambda *_: {"rate": 1234},
    goals=(Goal("speed", "rate", at_least=1000),),
)


def played(scenario: Scenario = SCENARIO) -> Play:
    play = Play(scenario, scenario.contenders, Settings())
    play.round(1)
    return play


def test_results_replace_what_stood_between_the_marks_and_can_be_replaced_again(tmp_path):
    document = tmp_path / "page.md"
    document.write_text(f"# Before\n\n{BEGIN}\n\nold\n\n{END}\n\nAfter.\n")
    for day in ("2026-01-01", "2026-01-02"):
        check_marks(document)
        write_into(document, day, [played()], {"cores": "2"}, {"python": "3"})
    text = document.read_text()
    assert text.startswith(f"# Before\n\n{BEGIN}\n\nMeasured by `make bench` on 2026-01-02.")
    assert text.endswith(f"\n\n{END}\n\nAfter.\n")
    assert "old" not in text
    assert "2026-01-01" not in text
    for part in ("### Any thing\n\nSo and so; medians of 5.", "1,234", "| cores ", "| python "):
        assert text.count(part) >= 1, part
    assert (tmp_path / PICTURE).read_text().startswith("<svg ")
    assert f"]({PICTURE})" in text


@pytest.mark.parametrize("text", ["", BEGIN, f"{END} {BEGIN}", f"{BEGIN} {END} {BEGIN} {END}"])
def test_a_document_without_the_marks_is_refused_before_anything_is_measured(tmp_path, text):
    document = tmp_path / "page.md"
    document.write_text(text)
    with pytest.raises(BenchError, match="needs two lines"):
        check_marks(document)


def test_a_document_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BenchError, match="cannot be written"):
        check_marks(tmp_path / "none.md")


def test_a_contender_that_fails_is_named_beside_the_tables():
    def fail(*_: object) -> dict[str, float]:
        raise BenchError("it does not start")

    play = played(Scenario("any", 1, SCENARIO.title, SCENARIO.contenders, SCENARIO.columns, fail))
    assert "Failed: we, round 1: it does not start" in play.tables()


def test_columns_of_one_part_stand_in_a_table_of_their_own():
    columns = tuple(
        Column("rate", lambda figures, part=part: figures[part], "{:,.0f}".format, 1, part)
        for part in ("Cold", "Warm")
    )
    scenario = Scenario(
        key="any",
        order=1,
        title=lambda _: "Any: so and so",
        contenders=(Contender(OURS, "we", ()), Contender("peer", "they", ())),
        columns=columns,
        measure=lambda contender, _: (
            {"Cold": 10, "Warm": 20} if contender.name == OURS else {"Cold": 5, "Warm": 40}
        ),
        goals=(Goal("speed when warm", "Warm: rate", at_least=20),),
    )
    play = played(scenario)
    cold, warm = play.tables().split("Cold:")[1].split("Warm:")
    assert ("| 10 |" in _close(cold), "2.00 x" in cold, "20" in cold) == (True, True, False)
    assert ("| 20 |" in _close(warm), "0.50 x" in warm, "10" in warm) == (True, True, False)
    assert [outcome.met for outcome in play.outcomes()] == [True]


def _close(table: str) -> str:
    """The table without the blanks that line it up."""
    return re.sub(" +", " ", table)
