"""A scenario plays as many rounds as are wanted and no more than it allows."""

from __future__ import annotations

import pytest

from bench.contenders import OURS, Contender
from bench.rounds import Play
from bench.scenario import Column, Scenario
from bench.settings import Settings


@pytest.mark.parametrize(("at_most", "played"), [(None, 3), (2, 2), (5, 3)])
def test_a_scenario_has_no_more_rounds_than_it_allows(at_most, played):
    we = Contender(OURS, "we", ())
    scenario = Scenario(
        key="some",
        order=1,
        title=lambda settings: "Some: figures",
        contenders=(we,),
        columns=(Column("rate", lambda figures: figures["rate"], str),),
        measure=lambda contender, settings: {"rate": 1.0},
        rounds_at_most=at_most,
    )
    play = Play(scenario, [we], Settings(rounds=3))
    for number in range(1, 4):
        play.round(number)
    assert len(play.rounds[OURS]) == played
    assert play.title == f"Some: figures; medians of {played}"


def test_a_measurement_knows_its_round():
    scenario = Scenario(
        key="some",
        order=1,
        title=lambda settings: "Some",
        contenders=(),
        columns=(Column("round", lambda figures: figures["round"], str),),
        measure=lambda contender, settings: {"round": settings.round},
    )
    play = Play(scenario, [Contender(OURS, "we", ())], Settings(rounds=2))
    for number in (1, 2):
        play.round(number)
    assert play.rounds[OURS] == [{"round": 1}, {"round": 2}]
