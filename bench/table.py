"""From rounds to medians, ratios and the tables that are printed. It measures nothing.

The tables are Markdown, so that they can be read in a terminal and pasted into docs/benchmarks.md.
"""

from collections.abc import Mapping, Sequence
from statistics import median

from bench.contenders import OURS, Contender
from bench.scenario import Column, Figures

Rounds = Mapping[str, Sequence[Figures]]
NONE = "-"


def medians(columns: Sequence[Column], rounds: Sequence[Figures]) -> dict[str, float]:
    """Return the median of every column over the rounds; a column nobody measured is left out."""
    values = {column.key: _values(column, rounds) for column in columns}
    return {key: median(measured) for key, measured in values.items() if measured}


def _values(column: Column, rounds: Sequence[Figures]) -> list[float]:
    return [value for figures in rounds if (value := column.value(figures)) is not None]


def figures_table(
    columns: Sequence[Column], contenders: Sequence[Contender], rounds: Rounds
) -> str:
    """Return a row for each contender: its medians, and the range of the first column."""
    first, *others = columns
    rows = [["", first.title, "lowest to highest", *(column.title for column in others)]]
    for contender in contenders:
        measured = rounds.get(contender.name)
        if not measured:
            rows.append([contender.title, *[NONE] * (len(columns) + 1)])
            continue
        row = medians(columns, measured)
        written = [_written(column, row) for column in others]
        spread = _spread(first, _values(first, measured))
        rows.append([contender.title, _written(first, row), spread, *written])
    return aligned(rows)


def _written(column: Column, row: Mapping[str, float]) -> str:
    return column.write(row[column.key]) if column.key in row else NONE


def _spread(column: Column, values: Sequence[float]) -> str:
    return f"{column.write(min(values))} to {column.write(max(values))}" if values else NONE


def ratios(
    columns: Sequence[Column], contenders: Sequence[Contender], rounds: Rounds
) -> dict[str, dict[str, float]]:
    """Return, for each peer, how many times better pode_py's medians are; 1 is as good."""
    if not rounds.get(OURS):
        return {}
    ours = medians(columns, rounds[OURS])
    compared = {}
    for contender in contenders:
        if contender.name == OURS or not rounds.get(contender.name):
            continue
        theirs = medians(columns, rounds[contender.name])
        compared[contender.title] = {
            column.key: ratio
            for column in columns
            if (ratio := _ratio(column, ours.get(column.key), theirs.get(column.key)))
        }
    return compared


def _ratio(column: Column, ours: float | None, theirs: float | None) -> float | None:
    if not column.better or not ours or not theirs:
        return None
    return ours / theirs if column.better > 0 else theirs / ours


def ratios_table(columns: Sequence[Column], compared: Mapping[str, Mapping[str, float]]) -> str:
    """Return a row for each peer: how many times better pode_py is in what is compared."""
    shown = [column for column in columns if column.better]
    head = [column.title for column in shown]
    rows = [["pode_py against (more than 1: pode_py is better)", *head]]
    for peer, row in compared.items():
        cells = (f"{row[one.key]:.2f} x" if one.key in row else NONE for one in shown)
        rows.append([peer, *cells])
    return aligned(rows)


def facts_table(title: str, facts: Mapping[str, str]) -> str:
    """Return a row for each fact."""
    return aligned([[title, ""], *([name, value] for name, value in facts.items())], text=True)


def aligned(rows: Sequence[Sequence[str]], *, text: bool = False) -> str:
    """Return the rows as a Markdown table; the first is the head, figures are right-aligned."""
    widths = [max(3, *map(len, column)) for column in zip(*rows, strict=True)]
    right = not text
    lines = [_line(row, widths, right) for row in rows]
    rule = ["-" * width for width in widths]
    if right:
        rule[1:] = ["-" * (width - 1) + ":" for width in widths[1:]]
    return "\n".join([lines[0], _line(rule, widths, right), *lines[1:]])


def _line(cells: Sequence[str], widths: Sequence[int], right: bool) -> str:
    padded = [
        cell.rjust(width) if right and index else cell.ljust(width)
        for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return f"| {' | '.join(padded)} |"
