"""Dockerfile: its instructions, taken apart as far as the one of samples/deploy goes."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: its word, its options, and what stands behind them. `stage` counts FROM."""

    word: str
    options: tuple[str, ...]
    rest: str
    stage: int


def instructions(text: str) -> list[Instruction]:
    """Those of a Dockerfile, in order, without comments; continued lines are joined."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    found: list[Instruction] = []
    stage = 0
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        word, *rest = line.split()
        stage += word == "FROM"
        options = [one for one in rest if one.startswith("--")] if word != "RUN" else []
        text_behind = line.removeprefix(word).strip()
        for option in options:
            text_behind = text_behind.removeprefix(option).strip()
        found.append(Instruction(word, tuple(options), text_behind, stage))
    return found
