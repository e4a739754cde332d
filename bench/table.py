"""From rounds to medians, ratios and the tables that are printed. It measures nothing.

The tables are Markdown, so that they can be read in a terminal and pasted into docs/benchmarks.md.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.contenders import OURS, Contender
from bench.measure import Figures

Rounds = Mapping[str, Sequence[Figures]]
NONE = "-"


@dataclass(frozen=True, slots=True)
class Column:
    """One figure of a contender: where it is in a round, and how it is written."""

    title: str
    value: Callable[[Figures], float]
    write: Callable[[float], str]
    better: int = 0  # 1: more is better, -1: less is better, 0: no ratio is made of it


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def _milliseconds(value: float) -> str:
    return f"{value:.2f} ms"


def _kilobytes(value: float) -> str:
    return f"{value / 1024:.1f} KB"


def _share(value: float) -> str:
    return f"{value:.0%}"


PLAIN_COLUMNS = (
    Column("requests/s", lambda figures: figures["requests_s"], _whole, 1),
    Column("p50", lambda figures: figures["p50_ms"], _milliseconds),
    Column("p99", lambda figures: figures["p99_ms"], _milliseconds),
    Column("errors", lambda figures: figures["errors"], _whole),
    Column("server CPU", lambda figures: figures["server_cpu"], _share),
    Column("wrk CPU", lambda figures: figures["client_cpu"], _share),
)

STREAM_COLUMNS = (
    Column("burst deliveries/s", lambda figures: figures["burst"]["deliveries_s"], _whole, 1),
    Column("burst lost", lambda figures: figures["burst"]["lost"], _whole),
    Column("paced p50", lambda figures: figures["paced"]["p50_ms"], _milliseconds, -1),
    Column("paced p99", lambda figures: figures["paced"]["p99_ms"], _milliseconds, -1),
    Column("paced lost", lambda figures: figures["paced"]["lost"], _whole),
    Column("memory/idle stream", lambda figures: figures["memory"], _kilobytes, -1),
    Column("burst: server CPU", lambda figures: figures["burst"]["server_cpu"], _share),
    Column("burst: client CPU", lambda figures: figures["burst"]["client_cpu"], _share),
)


def medians(columns: Sequence[Column], rounds: Sequence[Figures]) -> dict[str, float]:
    """Return the median of every column over the rounds."""
    return {column.title: median(map(column.value, rounds)) for column in columns}


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
        values = [first.value(figures) for figures in measured]
        spread = f"{first.write(min(values))} to {first.write(max(values))}"
        written = [column.write(row[column.title]) for column in others]
        rows.append([contender.title, first.write(row[first.title]), spread, *written])
    return aligned(rows)


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
            column.title: ratio
            for column in columns
            if (ratio := _ratio(column, ours[column.title], theirs[column.title])) is not None
        }
    return compared


def _ratio(column: Column, ours: float, theirs: float) -> float | None:
    more, less = (ours, theirs) if column.better > 0 else (theirs, ours)
    return more / less if column.better and more > 0 and less > 0 else None


def ratios_table(columns: Sequence[Column], compared: Mapping[str, Mapping[str, float]]) -> str:
    """Return a row for each peer: how many times better pode_py is in what is compared."""
    titles = [column.title for column in columns if column.better]
    rows = [["pode_py against (more than 1: pode_py is better)", *titles]]
    for peer, row in compared.items():
        rows.append([peer, *(f"{row[title]:.2f} x" if title in row else NONE for title in titles)])
    return aligned(rows)


def facts_table(title: str, facts: Mapping[str, str]) -> str:
    """Return a row for each fact."""
    return aligned([[title, ""], *([name, value] for name, value in facts.items())])


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return the rows as a Markdown table; the first is the head, figures are right-aligned."""
    widths = [max(3, *map(len, column)) for column in zip(*rows, strict=True)]
    right = len(widths) > 2
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
