"""The command line of the bench: every setting is an option, and names are checked."""

import pytest

from bench.arguments import arguments, settings_of
from bench.scenarios import all_scenarios
from bench.settings import Settings, options

SCENARIOS = all_scenarios()


def test_without_options_everything_is_measured_by_default_settings():
    chosen = arguments(SCENARIOS, [])
    assert chosen.only == [scenario.key for scenario in SCENARIOS]
    assert settings_of(chosen) == Settings()


def test_quick_is_one_round_and_what_is_given_wins_over_it():
    quick = settings_of(arguments(SCENARIOS, ["--quick"]))
    assert (quick.rounds, quick.seconds) == (1, 1)
    mixed = settings_of(arguments(SCENARIOS, ["--quick", "--seconds", "3"]))
    assert (mixed.rounds, mixed.seconds) == (1, 3)


@pytest.mark.parametrize("name", [one.name for one in options()])
def test_every_setting_can_be_given(name):
    given = [f"--{name.replace('_', '-')}", "7"]
    assert getattr(settings_of(arguments(SCENARIOS, given)), name) == 7


def test_some_scenarios_and_some_contenders_can_be_chosen():
    chosen = arguments(SCENARIOS, ["--only", "json,start", "--contenders", "flask,pode_py"])
    assert chosen.only == ["json", "start"]
    assert chosen.contenders == ["flask", "pode_py"]


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (["--only", "plain,nonsense"], "unknown scenario nonsense"),
        (["--contenders", "nobody"], "unknown contender nobody"),
        (["--rounds", "0"], "must be 1 or more"),
    ],
)
def test_what_does_not_exist_is_refused(given, complaint, capsys):
    with pytest.raises(SystemExit):
        arguments(SCENARIOS, given)
    assert complaint in capsys.readouterr().err


def test_keys_are_unique_and_in_order():
    keys = [scenario.key for scenario in SCENARIOS]
    assert len(set(keys)) == len(keys)
    assert [one.order for one in SCENARIOS] == sorted(one.order for one in SCENARIOS)


def test_peers_have_as_many_rounds_as_pode_py_where_a_goal_is_against_them():
    for scenario in SCENARIOS:
        if scenario.peers_rounds_at_most is not None:
            assert not any(goal.against for goal in scenario.goals), scenario.key


def test_goals_are_against_contenders_of_their_own_scenario():
    for scenario in SCENARIOS:
        names = {contender.name for contender in scenario.contenders}
        for goal in scenario.goals:
            assert set(goal.against) <= names, f"{scenario.key}: {goal.text}"
