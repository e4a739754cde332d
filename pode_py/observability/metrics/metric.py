"""Metric: one thing that is counted or measured, as it stands. Knows no format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge"]


@dataclass(frozen=True, slots=True)
class Metric:
    """`value` is a number, or one number for each value that the label takes.

    A counter only grows; a gauge goes up and down.
    """

    kind: Kind
    name: str
    about: str
    value: float | Mapping[str, float]
    label: str = ""

    def samples(self) -> Iterable[tuple[str | None, float]]:
        """Each number with its label's value; None where there is no label."""
        if isinstance(self.value, Mapping):
            return self.value.items()
        return [(None, self.value)]


#: What a room shows of itself. Asked on the thread of whoever reads the metrics.
Source = Callable[[], Iterable[Metric]]
