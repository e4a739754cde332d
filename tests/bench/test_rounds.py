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


@pytest.mark.parametrize(
    ("at_most", "peers_at_most", "played"), [(None, 2, (3, 2)), (2, 5, (2, 2)), (None, 5, (3, 3))]
)
def test_peers_may_have_fewer_rounds(at_most, peers_at_most, played):
    contenders = [Contender(OURS, "we", ()), Contender("peer", "they", ())]
    scenario = Scenario(
        key="some",
        order=1,
        title=lambda settings: "Some: figures",
        contenders=tuple(contenders),
        columns=(Column("rate", lambda figures: figures["rate"], str),),
        measure=lambda contender, settings: {"rate": 1.0},
        rounds_at_most=at_most,
        peers_rounds_at_most=peers_at_most,
    )
    play = Play(scenario, contenders, Settings(rounds=3))
    for number in range(1, 4):
        play.round(number)
    ours, theirs = (len(play.rounds[one.name]) for one in contenders)
    assert (ours, theirs) == played
    peers = "" if ours == theirs else f" (peers: {theirs})"
    assert play.title == f"Some: figures; medians of {ours}{peers}"
