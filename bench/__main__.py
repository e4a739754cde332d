"""`python -m bench`: measure pode_py beside its peers in one run and print the tables."""

import json
import signal
import sys
import time
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from types import FrameType

from bench.arguments import arguments, settings_of
from bench.contenders import OURS
from bench.machine import load, machine, programs
from bench.report import check_marks, report, write_into
from bench.rounds import Play, say
from bench.scenarios import all_scenarios
from bench.settings import Settings
from bench.tools import BenchError, compile_all, found, raise_file_limit


def main() -> int:
    """Run the bench; the exit status is 1 if a contender could not be measured."""
    chosen = arguments(all_scenarios())
    signal.signal(signal.SIGTERM, _end)
    try:
        settings = settings_of(chosen)
        raise_file_limit(max(settings.streams, settings.idle_streams) + 100)
        found("wrk", "Install the Debian package wrk.")
        compile_all()
        if chosen.write:
            check_marks(chosen.write)
    except BenchError as error:
        say(str(error))
        return 1
    plays = _plays(chosen, settings)
    facts, began = machine(), time.monotonic()
    versions = programs(contender for play in plays for contender in play.contenders)
    for number in range(1, settings.rounds + 1):
        for play in plays:
            play.round(number)
    facts["load after"] = load()
    facts["the run took"] = f"{(time.monotonic() - began) / 60:.1f} minutes"
    print(report(plays, facts, versions))
    if chosen.write:
        write_into(chosen.write, f"{datetime.now():%Y-%m-%d}", plays, facts, versions)
    if chosen.json:
        _write(chosen.json, settings, facts, versions, plays)
    return int(any(play.failures for play in plays))


def _plays(chosen: Namespace, settings: Settings) -> list[Play]:
    plays = []
    for scenario in all_scenarios():
        contenders = [one for one in scenario.contenders if one.name in chosen.contenders]
        if scenario.key in chosen.only and contenders:
            plays.append(Play(scenario, contenders, settings))
    return plays


def _write(
    path: Path,
    settings: Settings,
    facts: dict[str, str],
    versions: dict[str, str],
    plays: Sequence[Play],
) -> None:
    results = {
        "at": datetime.now().astimezone().isoformat(timespec="seconds"),
        "ours": OURS,
        "settings": asdict(settings),
        "machine": facts,
        "versions": versions,
        "scenarios": [play.results() for play in plays],
    }
    path.write_text(json.dumps(results, indent=2) + "\n")


def _end(_signal: int, _frame: FrameType | None) -> None:
    """Leave by way of every `with`, so that no server stays behind."""
    sys.exit(143)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
