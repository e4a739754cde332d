"""Whether the goals of the scenarios were reached: pode_py's medians against their limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.contenders import OURS
from bench.scenario import Column, Goal, Scenario
from bench.table import NONE, Rounds, aligned, medians


@dataclass(frozen=True, slots=True)
class Outcome:
    """A goal beside what was measured. Without a value something it needs was not measured."""

    scenario: str
    goal: Goal
    column: Column
    value: float | None
    peer: str = ""  # the best of those that the goal is against

    @property
    def met(self) -> bool | None:
        margin = self.margin
        return None if margin is None else margin >= 1

    @property
    def margin(self) -> float | None:
        """Return how many times better than the limit it is; 1 just reaches it."""
        if self.value is None:
            return None
        if self.goal.at_least is not None:
            return self.value / self.goal.at_least
        return (self.goal.at_most or 0) / self.value if self.value else float("inf")

    def limit_text(self) -> str:
        goal = self.goal
        sign, limit = ("≥", goal.at_least) if goal.at_least is not None else ("≤", goal.at_most)
        assert limit is not None
        if not goal.against:
            return f"{sign} {self.column.write(limit)}"
        best = "best of " if len(goal.against) > 1 else ""
        return f"{sign} {limit:g} x {best}{', '.join(goal.against)}"

    def value_text(self) -> str:
        if self.value is None:
            return NONE
        if not self.goal.against:
            return self.column.write(self.value)
        best = f" {self.peer}" if len(self.goal.against) > 1 else ""
        return f"{times(self.value)}{best}"


def times(value: float) -> str:
    """Write a ratio with three figures that count: 0.94 x, 13.6 x, 215 x."""
    return f"{value:,.{2 if value < 10 else 1 if value < 100 else 0}f} x"


def outcomes(scenario: Scenario, rounds: Rounds) -> list[Outcome]:
    """Return what became of the goals of one scenario."""
    rows = {
        name: medians(scenario.columns, measured) for name, measured in rounds.items() if measured
    }
    columns = {column.key: column for column in scenario.columns}
    return [_outcome(scenario.key, goal, columns[goal.column], rows) for goal in scenario.goals]


def _outcome(
    key: str, goal: Goal, column: Column, rows: Mapping[str, Mapping[str, float]]
) -> Outcome:
    ours = rows.get(OURS, {}).get(column.key)
    if ours is None or not goal.against:
        return Outcome(key, goal, column, ours)
    theirs = {
        name: rows[name][column.key]
        for name in goal.against
        if name in rows and rows[name].get(column.key)
    }
    if not theirs:
        return Outcome(key, goal, column, None)
    best = max if goal.at_least is not None else min
    peer = best(theirs, key=theirs.__getitem__)
    return Outcome(key, goal, column, ours / theirs[peer], peer)


def goals_table(found: Sequence[Outcome]) -> str:
    """Return a row for each goal: the limit, what was measured, and whether that reaches it."""
    answers = {True: "yes", False: "no", None: "not measured"}
    rows = [["what", "goal", "measured", "reached"]]
    rows += [[one.goal.text, one.limit_text(), one.value_text(), answers[one.met]] for one in found]
    return aligned(rows)
