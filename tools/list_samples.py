"""Lists the samples with the first line of their docstrings. Needs only Python."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent


def main() -> None:
    """Print a line for each sample, and how to run one."""
    samples = sorted(path for path in (ROOT / "samples").glob("*.py") if path.stem[0] != "_")
    if not samples:
        print("There are no samples yet.")
        return
    width = max(len(path.stem) for path in samples)
    for path in samples:
        print(f"  {path.stem:{width}}  {_first_line(path)}")
    print(f"\nRun one with: make run SAMPLE={samples[0].stem}")
    print("The top of each file in samples/ says what to try.")


def _first_line(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    return docstring.partition("\n")[0]


if __name__ == "__main__":
    main()
