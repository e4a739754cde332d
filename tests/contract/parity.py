"""Prints how many of Pode's functions are there, by area, and which mean nothing here and why.

python -m tests.contract.parity [--planned]
"""

from __future__ import annotations

import argparse
import textwrap
from collections import Counter, defaultdict

from tests.contract.names import present, table
from tests.contract.tables import ALIASES, NO_MEANING


def main() -> None:
    """Print the table; with --planned also what is still to come."""
    parser = argparse.ArgumentParser(prog="make parity", description=__doc__.partition("\n")[0])
    parser.add_argument("--planned", action="store_true", help="list what is still to come")
    options = parser.parse_args()
    _print_areas()
    _print_no_meaning()
    if options.planned:
        _print_planned()
    else:
        print('\nWhat is planned, by name: make parity ARGS="--planned"')


def status(name: str) -> str:
    """`present`, `no meaning` or `planned`."""
    if name in present():
        return "present"
    return "no meaning" if name in NO_MEANING else "planned"


def _print_areas() -> None:
    areas: dict[str, Counter[str]] = defaultdict(Counter)
    for row in table().values():
        areas[row.area][status(row.name)] += 1
    print(f"{'area':<16}{'present':>9}{'planned':>9}{'no meaning':>12}{'of':>6}")
    for area, counts in [*sorted(areas.items()), ("all", sum(areas.values(), Counter()))]:
        if area == "all":
            print("-" * 52)
        cells = [counts[kind] or "." for kind in ("present", "planned", "no meaning")]
        print(f"{area:<16}{cells[0]:>9}{cells[1]:>9}{cells[2]:>12}{counts.total():>6}")
    print(f"\nPode's {len(ALIASES)} aliases of old names come with the functions they stand for.")


def _print_no_meaning() -> None:
    reasons: dict[str, list[str]] = defaultdict(list)
    for name, reason in sorted(NO_MEANING.items()):
        reasons[reason].append(table()[name].pode)
    print("\nWithout a meaning in Python or on Linux:")
    for reason, names in sorted(reasons.items(), key=lambda item: item[1]):
        print(_wrapped(", ".join(names)))
        print(f"      {reason}.")


def _print_planned() -> None:
    planned: dict[str, list[str]] = defaultdict(list)
    for row in table().values():
        if status(row.name) == "planned":
            planned[row.area].append(row.name)
    print("\nPlanned:")
    for area, names in sorted(planned.items()):
        print(_wrapped(f"{area}: {', '.join(names)}"))


def _wrapped(text: str) -> str:
    return textwrap.fill(
        text, 96, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False
    )


if __name__ == "__main__":
    main()
