"""What a run found, as Markdown: printed, or put between the marks of a document."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.goals import Outcome, goals_table
from bench.plot import picture
from bench.rounds import Play
from bench.table import facts_table
from bench.tools import BenchError

BEGIN, END = "<!-- results of make bench: begin -->", "<!-- results of make bench: end -->"
PICTURE = Path("images/benchmarks.svg")


def report(
    plays: Sequence[Play], facts: Mapping[str, str], versions: Mapping[str, str], *, level: int = 2
) -> str:
    """Return the goals, the tables of every scenario, the machine and the versions."""
    heading = "#" * level
    parts = []
    if found := outcomes(plays):
        parts += [f"{heading} Goals", goals_table(found)]
    parts += [play.tables(heading) for play in plays]
    parts += [f"{heading} Machine and versions"]
    parts += [facts_table("machine", facts), facts_table("version", versions)]
    return "\n\n".join(parts)


def outcomes(plays: Sequence[Play]) -> list[Outcome]:
    return [outcome for play in plays for outcome in play.outcomes()]


def check_marks(document: Path) -> None:
    """Raise BenchError unless results can be written into the document."""
    try:
        text = document.read_text()
    except OSError as error:
        raise BenchError(f"The results cannot be written: {error}") from error
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise BenchError(
            f"{document} needs two lines, between which the results are put:\n{BEGIN}\n{END}"
        )


def write_into(
    document: Path,
    day: str,
    plays: Sequence[Play],
    facts: Mapping[str, str],
    versions: Mapping[str, str],
) -> None:
    """Replace what stands between the marks of the document, and draw the picture beside it."""
    drawing = document.parent / PICTURE
    drawing.parent.mkdir(parents=True, exist_ok=True)
    drawing.write_text(picture(outcomes(plays)))
    before, _, rest = document.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    results = [
        f"Measured by `make bench` on {day}.",
        f"![The goals as bars: how many times better than a peer or a limit]({PICTURE})",
        report(plays, facts, versions, level=3),
    ]
    document.write_text("\n\n".join([before + BEGIN, *results, END + after]))
