"""The command line of `python -m bench`: its options, and the settings they come to."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from bench.scenario import Scenario
from bench.settings import Settings, options
from bench.tools import cores_to_pin


def arguments(
    scenarios: Sequence[Scenario], given: Sequence[str] | None = None
) -> argparse.Namespace:
    """Return what was asked for; `only` and `contenders` are lists of names that exist."""
    keys = [scenario.key for scenario in scenarios]
    names = list(dict.fromkeys(one.name for scenario in scenarios for one in scenario.contenders))
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure pode_py beside its peers in one run. docs/benchmarks.md explains it.",
    )
    add = parser.add_argument
    for one in options():
        default, quick = one.default, one.metadata["quick"]
        shorter = f", {quick} with --quick" if quick != default else ""
        text = f"{one.metadata['text']} (default: {default}{shorter})"
        add(f"--{one.name.replace('_', '-')}", type=_count, metavar="N", help=text)
    add("--quick", action="store_true", help="one short round: does it all work?")
    add(
        "--pin",
        action="store_true",
        help="keep servers on one core and clients on another: kinder to servers with threads",
    )
    add("--only", metavar="KEY,...", help="measure only these: " + ", ".join(keys))
    add("--contenders", metavar="NAME,...", help="measure only these: " + ", ".join(names))
    add("--json", type=Path, metavar="FILE", help="write everything that was measured there")
    add(
        "--write",
        type=Path,
        metavar="FILE",
        help="put the results between the marks of this document, and the picture beside it",
    )
    chosen = parser.parse_args(given)
    chosen.only = _some(parser, "scenario", chosen.only, keys)
    chosen.contenders = _some(parser, "contender", chosen.contenders, names)
    return chosen


def settings_of(chosen: argparse.Namespace) -> Settings:
    """Return the settings; an option that was given wins over --quick."""
    values = {}
    for one in options():
        default = one.metadata["quick"] if chosen.quick else one.default
        given = getattr(chosen, one.name)
        values[one.name] = default if given is None else given
    server_core, client_core = cores_to_pin() if chosen.pin else (None, None)
    return Settings(**values, server_core=server_core, client_core=client_core)


def _some(
    parser: argparse.ArgumentParser, kind: str, given: str | None, known: list[str]
) -> list[str]:
    wanted = given.split(",") if given else known
    if unknown := [name for name in wanted if name not in known]:
        parser.error(f"unknown {kind} {', '.join(unknown)}; choose from {', '.join(known)}")
    return wanted


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number
