"""TerminalSink: writes records to standard output, coloured if a human looks at it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

from pode_py.observability.logs.records import LogItem
from pode_py.observability.logs.streams import StandardStream

PATIENCE: Final = 1.0

_RED: Final = "\x1b[31m"
_YELLOW: Final = "\x1b[33m"
_DIM: Final = "\x1b[2m"
_RESET: Final = "\x1b[0m"
_COLOURS: Final[Mapping[str, str]] = {
    "emergency": _RED,
    "alert": _RED,
    "critical": _RED,
    "error": _RED,
    "warning": _YELLOW,
    "verbose": _DIM,
    "debug": _DIM,
}


class TerminalSink:
    """`render` makes the safe text of an item. A reader that hangs is waited for once."""

    joins = True

    def __init__(
        self, render: Callable[[LogItem], str], name: Literal["stdout", "stderr"] = "stdout"
    ) -> None:
        self._render = render
        self._stream = StandardStream(name)
        self._patience = PATIENCE

    def write(self, items: Sequence[LogItem]) -> None:
        coloured = _wanted() and self._stream.is_terminal()
        lines = [self._line(item, coloured) for item in items]
        patience, self._patience = self._patience, 0.0
        self._stream.write("".join(lines), patience)
        self._patience = PATIENCE

    def _line(self, item: LogItem, coloured: bool) -> str:
        text = self._render(item)
        colour = _COLOURS.get(item.tone) if coloured else None
        return f"{text}\n" if colour is None else f"{colour}{text}{_RESET}\n"


def _wanted() -> bool:
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
