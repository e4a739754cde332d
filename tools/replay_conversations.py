"""Replays recorded conversations with a real Pode, and compares the answers with what may differ.

`python tools/replay_conversations.py FOLDER [AREA ...]` runs the folder's own `talk.py` with this
interpreter. What differs for a reason has a line in tests/golden-exceptions.txt:

    AREA/NAME/step<TAB>reason        or, if the step has no colon:        AREA/NAME/step: reason

An unexpected difference fails the run, and so does a line of that file that no longer differs.
A folder that is missing is no failure. Needs nothing but the standard library.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
EXCEPTIONS: Final = ROOT / "tests" / "golden-exceptions.txt"
#: The "step" of a conversation whose server does not come up at all.
START: Final = "start"

_VERDICT = re.compile(r"(?P<verdict>ok|FAIL|none) +(?P<label>[\w.-]+/[\w.-]+)(?P<rest>.*)")
_COUNTS = re.compile(r"\d+ passed, \d+ failed")
# What follows the name of a step, which may have colons itself: what differs, or an error.
_STEP = re.compile(
    r"(?P<step>.+?): (?:status|exit|accepted|refused|cut|timed_out|closed|rest|body|header [^:]+"
    r"|[A-Z]\w*): "
)
_ENTRY = re.compile(
    r"(?P<label>[\w.-]+/[\w.-]+)/(?P<step>[^\t]+?)(?:\t\s*|: )(?P<reason>[^\t\s][^\t]*)"
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One answer that is not Pode's: `text` begins with the name of the step."""

    label: str
    text: str

    @property
    def step(self) -> str:
        """The step in which it was found."""
        found = _STEP.match(self.text)
        return found["step"] if found else self.text.partition(": ")[0]

    def __str__(self) -> str:
        return f"{self.label}/{self.text}"


@dataclass(frozen=True, slots=True)
class Exemption:
    """A line of the file: this step of this conversation differs, and why."""

    line: int
    label: str
    step: str
    reason: str

    def covers(self, difference: Difference) -> bool:
        """Whether this is the difference that is meant."""
        return (self.label, self.step) == (difference.label, difference.step)


@dataclass(frozen=True, slots=True)
class Report:
    """What `talk.py` said: the conversations that took place, and what differs."""

    labels: tuple[str, ...]
    differences: tuple[Difference, ...]
    counts: str


def read_exemptions(path: Path) -> list[Exemption]:
    """The lines of the file. Raises ValueError for one that is none of the form."""
    found = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        entry = _ENTRY.fullmatch(line.rstrip())
        if entry is None:
            raise ValueError(f"{path.name}:{number}: Write AREA/NAME/step: reason, not {line!r}.")
        found.append(Exemption(number, entry["label"], entry["step"], entry["reason"]))
    return found


def read_report(output: str) -> Report:
    """Take the output of `talk.py replay --verbose` apart."""
    labels: list[str] = []
    differences: list[Difference] = []
    counts, label, lists = "", "", False
    for line in output.splitlines():
        verdict = _VERDICT.match(line)
        if verdict is not None:
            label, rest = verdict["label"], verdict["rest"]
            labels.append(label)
            lists = verdict["verdict"] == "FAIL" and not rest.startswith(": ")
            if verdict["verdict"] == "FAIL" and not lists:  # the server did not come up
                differences.append(Difference(label, f"{START}: {rest[2:]}"))
        elif _COUNTS.fullmatch(line):
            counts = line
        elif lists and line.startswith("  "):
            differences.append(Difference(label, line[2:]))
        elif differences and differences[-1].label == label and line.strip():
            # The rest of a text of several lines: a traceback.
            differences[-1] = Difference(label, f"{differences[-1].text}\n    {line}")
    return Report(tuple(labels), tuple(differences), counts)


def complaints(report: Report, exemptions: Iterable[Exemption]) -> Iterator[str]:
    """What fails the run: unexpected differences, then lines that nothing differs for any more."""
    known = [one for one in exemptions if one.label in report.labels]
    for difference in report.differences:
        if not any(one.covers(difference) for one in known):
            yield f"differs: {difference}"
    for one in known:
        if not any(one.covers(difference) for difference in report.differences):
            yield f"{EXCEPTIONS.name}:{one.line}: {one.label}/{one.step} agrees now. Remove it."


def replay(folder: Path, areas: Sequence[str], jobs: int) -> tuple[Report, str]:
    """Hold the conversations. Returns the report, and all that `talk.py` printed."""
    command = [sys.executable, str(folder / "talk.py"), "replay", *areas]
    command += ["--python", sys.executable, "--jobs", str(jobs), "--verbose"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    return read_report(done.stdout), done.stdout + done.stderr


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what is wrong; the exit code says whether anything was."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where talk.py and the conversations are")
    parser.add_argument("areas", nargs="*", help="AREA or AREA/NAME; by default all")
    parser.add_argument("--exceptions", type=Path, default=EXCEPTIONS, help="what may differ")
    parser.add_argument("--jobs", type=int, default=8, help="conversations at a time")
    chosen = parser.parse_intermixed_args(arguments)
    if not (chosen.folder / "talk.py").is_file():
        print(f"No recorded conversations in {chosen.folder}: nothing was replayed.")
        return 0
    exemptions = read_exemptions(chosen.exceptions)
    report, output = replay(chosen.folder, chosen.areas, chosen.jobs)
    if not report.counts:
        print(f"talk.py did not say how many passed:\n{output}")
        return 1
    wrong = list(complaints(report, exemptions))
    print("\n".join([*wrong, f"Recorded conversations: {report.counts}, {_verdict(len(wrong))}."]))
    return 1 if wrong else 0


def _verdict(wrong: int) -> str:
    return f"{wrong} unexpected" if wrong else "as expected"


if __name__ == "__main__":
    sys.exit(main())
