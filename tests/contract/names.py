"""Pode's table beside what the package has. Used by the contract's tests and by `make parity`."""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pode_py
from tests.contract import tables

PACKAGE: Final = Path(pode_py.__file__).parent
TABLE: Final = Path(__file__).parent / "pode-api.json"


@dataclass(frozen=True, slots=True)
class PodeFunction:
    """A row of the table."""

    area: str
    pode: str
    name: str
    parameters: tuple[str, ...]
    switches: frozenset[str]


@cache
def table() -> dict[str, PodeFunction]:
    """Every public function of Pode, by our name for it."""
    rows = (_row(row) for row in json.loads(TABLE.read_text("utf-8")))
    return {row.name: row for row in rows}


@cache
def exported() -> dict[str, Any]:
    """What `from pode_py import ...` gives, modules aside."""
    names = getattr(pode_py, "__all__", None) or [n for n in vars(pode_py) if n[0] != "_"]
    values = {name: getattr(pode_py, name) for name in names if name != "annotations"}
    return {
        name: value
        for name, value in values.items()
        if not isinstance(value, ModuleType) and name[0] != "_"
    }


@cache
def facades() -> dict[str, Callable[..., Any]]:
    """Every public function that a functions.py defines, exported or not."""
    found: dict[str, Callable[..., Any]] = {}
    for path in sorted(PACKAGE.rglob("*functions.py")):
        dotted = ".".join(["pode_py", *path.relative_to(PACKAGE).with_suffix("").parts])
        module = importlib.import_module(dotted)
        for name, value in inspect.getmembers(module, inspect.isfunction):
            if value.__module__ == dotted and name[0] != "_":
                found[name] = value
    return found


def functions() -> dict[str, Callable[..., Any]]:
    """All public functions: exported ones, and those that wait for the front door."""
    public = {name: value for name, value in exported().items() if inspect.isfunction(value)}
    return {**facades(), **public}


def present() -> set[str]:
    """Our names of Pode's functions that are exported."""
    return set(table()) & set(exported())


def allowed(name: str) -> dict[str, str]:
    """Parameters of the table that the function may lack, with the reasons."""
    return {
        **tables.NOT_MEANINGFUL,
        **tables.NOT_MEANINGFUL_IN.get(name, {}),
        **tables.LATER.get(name, {}),
    }


def _row(row: dict[str, Any]) -> PodeFunction:
    return PodeFunction(
        row["area"],
        row["name"],
        row["py"],
        tuple(parameter["py"] for parameter in row["params"]),
        frozenset(p["py"] for p in row["params"] if p.get("type") == "switch"),
    )
