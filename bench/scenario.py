"""What a scenario declares: contenders, columns, goals, how a contender is measured. No rounds."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.contenders import Contender
from bench.settings import Settings

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One figure of a contender: where it is in a round (None: not measured), how it is written.

    Columns of one `part` stand in a table of their own, and their `key` names it.
    """

    title: str
    value: Callable[[Figures], float | None]
    write: Callable[[float], str]
    better: int = 0  # 1: more is better, -1: less is better, 0: no ratio is made of it
    part: str = ""

    @property
    def key(self) -> str:
        """Return what the goals and the JSON call it."""
        return f"{self.part}: {self.title}" if self.part else self.title


@dataclass(frozen=True, slots=True)
class Goal:
    """What pode_py's median in a column (its key) shall reach, and what that means to a reader.

    With `against`, the limit is a multiple of the best median among those contenders.
    """

    text: str
    column: str
    at_least: float | None = None
    at_most: float | None = None
    against: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError(f"Goal {self.text!r} needs at_least or at_most, and not both.")


@dataclass(frozen=True, slots=True)
class Scenario:
    """One measurement of several contenders; a module of `bench.scenarios` names one SCENARIO.

    `order` says where in a round and in the report it stands. In its title, what comes before the
    first colon is the heading.
    """

    key: str
    order: int
    title: Callable[[Settings], str]
    contenders: tuple[Contender, ...]
    columns: tuple[Column, ...]
    measure: Callable[[Contender, Settings], Figures]
    goals: tuple[Goal, ...] = ()
    rounds_at_most: int | None = None  # for one that takes long and varies little
    peers_rounds_at_most: int | None = None  # for one whose goals are against no peer

    def __post_init__(self) -> None:
        keys = {column.key for column in self.columns}
        for goal in self.goals:
            if goal.column not in keys:
                raise ValueError(f"Goal {goal.text!r} wants a column {goal.column!r}.")


def whole(value: float) -> str:
    return f"{value:,.0f}"


def milliseconds(value: float) -> str:
    return f"{value:.2f} ms"


def kilobytes(value: float) -> str:
    return f"{value / 1024:.1f} KB"


def megabytes(value: float) -> str:
    return f"{value / 2**20:.1f} MB"


def share(value: float) -> str:
    return f"{value:.0%}"
