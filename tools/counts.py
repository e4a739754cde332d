"""Rewrites what the README counts: lines between `<!-- counts: NAME -->` and `<!-- /counts -->`.

python -m tools.counts [--check]

With --check it changes nothing, names what is stale, and exits with 1. Benchmarks are not counted
here: `make bench` writes them.
"""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pode_py import get_version
from tests.contract.names import table
from tests.contract.parity import status

ROOT: Final = Path(__file__).parent.parent
WIDTH: Final = 100

_MARKED = re.compile(
    r"(?P<begin><!-- counts: (?P<name>[\w-]+) -->\n)(?P<lines>.*?)(?P<end><!-- /counts -->)",
    re.DOTALL,
)


def rewritten(text: str) -> str:
    """The text with the lines between its marks as they should be. KeyError for an unknown name."""
    return _MARKED.sub(lambda mark: f"{mark['begin']}{_lines(mark['name'])}\n{mark['end']}", text)


def stale(text: str) -> list[str]:
    """The names of the marks whose lines are not as they should be."""
    marks = _MARKED.finditer(text)
    return [mark["name"] for mark in marks if mark["lines"] != f"{_lines(mark['name'])}\n"]


def needs() -> str:
    """The version, and what it runs on."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    python = project["requires-python"].removeprefix(">=")
    return _wrapped(
        f"This is version {get_version()}. It needs Python {python} or newer, on Linux."
    )


def parity() -> str:
    """How many of Pode's functions there are."""
    counts = Counter(status(name) for name in table())
    return _wrapped(
        f"{counts['present']} of Pode's {counts.total()} functions are available, "
        f"{counts['planned']} are planned, and {counts['no meaning']} have no meaning in Python or "
        "on Linux. `make parity` lists them."
    )


def areas() -> str:
    """Pode's areas that have begun, with the number of functions in each."""
    rows = [(row.area, status(row.name)) for row in table().values()]
    present = Counter(area for area, kind in rows if kind == "present")
    planned = Counter(area for area, kind in rows if kind == "planned")
    lines = ["| Pode's area | available | planned |", "|---|---:|---:|"]
    lines += [f"| {area} | {present[area]} | {planned[area]} |" for area in sorted(present)]
    rest = set(planned) - set(present)
    lines.append(f"| {len(rest)} other areas | 0 | {sum(planned[area] for area in rest)} |")
    return "\n".join(lines)


COUNTS: Final[dict[str, Callable[[], str]]] = {"needs": needs, "parity": parity, "areas": areas}


def main(readme: Path = ROOT / "README.md") -> int:
    """Rewrite the README, or check it."""
    parser = argparse.ArgumentParser(prog="make counts", description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing, say what is stale")
    options = parser.parse_args()
    text = readme.read_text("utf-8")
    names = stale(text)
    if options.check:
        if names:
            print(f"{readme.name} is stale ({', '.join(names)}): run `make counts`.")
        return 1 if names else 0
    readme.write_text(rewritten(text), "utf-8")
    print(f"{readme.name}: {', '.join(names) or 'nothing'} changed.")
    return 0


def _lines(name: str) -> str:
    return COUNTS[name]()


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_on_hyphens=False)


if __name__ == "__main__":
    sys.exit(main())
