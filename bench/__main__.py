"""`python -m bench`: measure pode_py beside its peers in one run and print the tables."""

import argparse
import json
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any

from bench.contenders import OURS, PLAIN, STREAMS, Contender
from bench.machine import load, machine, programs
from bench.measure import CONNECTIONS, Figures, Settings, measure_plain, measure_streams
from bench.table import (
    PLAIN_COLUMNS,
    STREAM_COLUMNS,
    Column,
    facts_table,
    figures_table,
    medians,
    ratios,
    ratios_table,
)
from bench.tools import BenchError, compiled, cores_to_pin, found, raise_file_limit

Measure = Callable[[Contender, Settings], Figures]


class Scenario:
    """One measurement of several contenders, and what its rounds brought."""

    def __init__(
        self,
        title: str,
        measure: Measure,
        columns: Sequence[Column],
        contenders: Sequence[Contender],
    ) -> None:
        self.title = title
        self.columns = columns
        self.contenders = contenders
        self.rounds: dict[str, list[Figures]] = {}
        self.failures: list[str] = []
        self._measure = measure

    def play_round(self, number: int, settings: Settings) -> None:
        """Measure every contender once, one after the other."""
        for contender in self.contenders:
            _say(f"round {number} of {settings.rounds}: {contender.title} ...")
            try:
                figures = self._measure(contender, settings)
            except BenchError as error:
                self.failures.append(f"{contender.title}, round {number}: {error}")
                _say(f"  failed: {error}")
                continue
            self.rounds.setdefault(contender.name, []).append(figures)

    def tables(self) -> str:
        """Return the figures, the ratios and the failures."""
        parts = [f"## {self.title}", figures_table(self.columns, self.contenders, self.rounds)]
        if compared := ratios(self.columns, self.contenders, self.rounds):
            parts.append(ratios_table(self.columns, compared))
        parts += [f"Failed: {failure}" for failure in self.failures]
        return "\n\n".join(parts)

    def results(self) -> dict[str, Any]:
        """Return everything, for --json."""
        return {
            "title": self.title,
            "medians": {
                name: medians(self.columns, rounds) for name, rounds in self.rounds.items()
            },
            "ratios": ratios(self.columns, self.contenders, self.rounds),
            "rounds": self.rounds,
            "failures": self.failures,
        }


def main() -> int:
    """Run the bench; the exit status is 1 if a contender could not be measured."""
    chosen = _arguments()
    signal.signal(signal.SIGTERM, _end)
    try:
        settings = _settings(chosen)
        raise_file_limit(settings.streams + 100)
        _make_ready()
    except BenchError as error:
        _say(str(error))
        return 1
    facts, versions = machine(), programs()
    scenarios = _scenarios(chosen, settings)
    for number in range(1, settings.rounds + 1):
        for scenario in scenarios:
            scenario.play_round(number, settings)
    facts["load after"] = load()
    print("\n\n".join(scenario.tables() for scenario in scenarios))
    print(f"\n{facts_table('machine', facts)}\n\n{facts_table('version', versions)}")
    if chosen.json:
        _write(chosen.json, settings, facts, versions, scenarios)
    return int(any(scenario.failures for scenario in scenarios))


def _settings(chosen: argparse.Namespace) -> Settings:
    fields = Settings.__dataclass_fields__
    given = {name: value for name, value in vars(chosen).items() if name in fields}
    server_core, client_core = cores_to_pin() if chosen.pin else (None, None)
    return Settings(**given, server_core=server_core, client_core=client_core)


def _arguments() -> argparse.Namespace:
    defaults = Settings()
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure pode_py beside its peers in one run. docs/benchmarks.md explains it.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--rounds", type=_count, default=defaults.rounds, help="figures are medians of so many")
    add("--seconds", type=_count, default=defaults.seconds, help="wrk's time in a round")
    add("--streams", type=_count, default=defaults.streams, help="open event streams")
    add("--burst", type=_count, default=defaults.burst, help="events back to back to each stream")
    add(
        "--burst-timeout",
        type=_count,
        default=defaults.burst_timeout,
        help="seconds after which a burst is over; what has not arrived is lost",
    )
    add("--paced", type=_count, default=defaults.paced, help="events with an interval between")
    add("--interval-ms", type=_count, default=defaults.interval_ms, help="that interval")
    add(
        "--pin",
        action="store_true",
        help="keep servers on one core and clients on another: kinder to servers with threads",
    )
    add("--only", choices=("plain", "streams"), help="measure only these")
    add("--contenders", metavar="NAME,...", help="measure only these: " + ", ".join(_names()))
    add("--json", type=Path, metavar="FILE", help="write everything that was measured there")
    chosen = parser.parse_args()
    wanted = chosen.contenders.split(",") if chosen.contenders else _names()
    if unknown := set(wanted) - set(_names()):
        parser.error(f"unknown contender {', '.join(unknown)}; choose from {', '.join(_names())}")
    chosen.contenders = wanted
    return chosen


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _names() -> list[str]:
    return list(dict.fromkeys(contender.name for contender in (*PLAIN, *STREAMS)))


def _scenarios(chosen: argparse.Namespace, settings: Settings) -> list[Scenario]:
    def wanted(contenders: Sequence[Contender]) -> list[Contender]:
        return [contender for contender in contenders if contender.name in chosen.contenders]

    pinned = ", server and client pinned to a core each" if chosen.pin else ""
    plain = Scenario(
        f"Plain sync route: GET of five bytes, {CONNECTIONS} keep-alive connections, "
        f"{settings.seconds} s, medians of {settings.rounds}{pinned}",
        measure_plain,
        PLAIN_COLUMNS,
        wanted(PLAIN),
    )
    streams = Scenario(
        f"{settings.streams:,} event streams: burst of {settings.burst} events of 64 bytes; "
        f"paced, {settings.paced} events, one every {settings.interval_ms} ms; "
        f"medians of {settings.rounds}{pinned}",
        measure_streams,
        STREAM_COLUMNS,
        wanted(STREAMS),
    )
    return {"plain": [plain], "streams": [streams], None: [plain, streams]}[chosen.only]


def _make_ready() -> None:
    """Find and compile what measures before anything is measured."""
    found("wrk", "Install the Debian package wrk.")
    for program in ("streams", "ceiling"):
        compiled(program)


def _write(
    path: Path,
    settings: Settings,
    facts: dict[str, str],
    versions: dict[str, str],
    scenarios: Sequence[Scenario],
) -> None:
    results = {
        "at": datetime.now().astimezone().isoformat(timespec="seconds"),
        "ours": OURS,
        "settings": asdict(settings),
        "machine": facts,
        "versions": versions,
        "scenarios": [scenario.results() for scenario in scenarios],
    }
    path.write_text(json.dumps(results, indent=2) + "\n")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _end(_signal: int, _frame: FrameType | None) -> None:
    """Leave by way of every `with`, so that no server stays behind."""
    sys.exit(143)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
