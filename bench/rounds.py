"""One scenario while it is measured: its rounds, its failures, and what they come to."""

import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from bench.contenders import OURS, Contender
from bench.goals import Outcome, outcomes
from bench.scenario import Column, Figures, Scenario
from bench.settings import Settings
from bench.table import figures_table, medians, ratios, ratios_table
from bench.tools import BenchError


class Play:
    """A scenario with those of its contenders that were asked for."""

    def __init__(
        self, scenario: Scenario, contenders: Sequence[Contender], settings: Settings
    ) -> None:
        self.scenario = scenario
        self.contenders = contenders
        self.rounds: dict[str, list[Figures]] = {}
        self.failures: list[str] = []
        self._settings = settings

    @property
    def title(self) -> str:
        title = self.scenario.title(self._settings)
        peers = "" if self._peers_rounds == self._rounds else f" (peers: {self._peers_rounds})"
        return f"{title}; medians of {self._rounds}{peers}{self._settings.pinned}"

    @property
    def _rounds(self) -> int:
        return min(self._settings.rounds, self.scenario.rounds_at_most or self._settings.rounds)

    @property
    def _peers_rounds(self) -> int:
        return min(self._rounds, self.scenario.peers_rounds_at_most or self._rounds)

    def round(self, number: int) -> None:
        """Measure every contender once, one after the other, unless it was so often enough."""
        for contender in self.contenders:
            rounds = self._rounds if contender.name == OURS else self._peers_rounds
            if number > rounds:
                continue
            where = f"round {number} of {rounds}: {self.scenario.key}"
            say(f"{where}: {contender.title} ...")
            try:
                figures = self.scenario.measure(contender, self._settings)
            except BenchError as error:
                self.failures.append(f"{contender.title}, round {number}: {error}")
                say(f"  failed: {error}")
                continue
            self.rounds.setdefault(contender.name, []).append(figures)

    def outcomes(self) -> list[Outcome]:
        return outcomes(self.scenario, self.rounds)

    def tables(self, heading: str = "##") -> str:
        """Return the figures, the ratios and the failures."""
        name, _, details = self.title.partition(": ")
        parts = [f"{heading} {name}", f"{details[:1].upper()}{details[1:]}."]
        for part, columns in groupby(self.scenario.columns, lambda column: column.part):
            parts += self._part(part, list(columns))
        parts += [f"Failed: {failure}" for failure in self.failures]
        return "\n\n".join(parts)

    def _part(self, part: str, columns: Sequence[Column]) -> Iterator[str]:
        if part:
            yield f"{part}:"
        yield figures_table(columns, self.contenders, self.rounds)
        compared = ratios(columns, self.contenders, self.rounds)
        if any(compared.values()):
            yield ratios_table(columns, compared)

    def results(self) -> dict[str, Any]:
        """Return everything, for --json."""
        columns = self.scenario.columns
        return {
            "key": self.scenario.key,
            "title": self.title,
            "medians": {name: medians(columns, rounds) for name, rounds in self.rounds.items()},
            "ratios": ratios(columns, self.contenders, self.rounds),
            "goals": [
                {
                    "what": one.goal.text,
                    "goal": one.limit_text(),
                    "value": one.value,
                    "peer": one.peer,
                    "reached": one.met,
                }
                for one in self.outcomes()
            ],
            "rounds": self.rounds,
            "failures": self.failures,
        }


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
