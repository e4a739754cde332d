"""What HTTP, frames, cron and patterns say needs no socket, no thread and no clock."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.architecture import rules
from tests.architecture.tree import Module, check


def test_pure_files_import_nothing_that_acts():
    check(_impure_imports, rules.PURE_FILES)


def test_pure_files_do_not_look_at_the_clock():
    check(_clock_calls, rules.PURE_FILES)


def _impure_imports(module: Module) -> Iterator[str]:
    for found in module.imports:
        if found.module.split(".")[0] in rules.IMPURE_MODULES:
            yield module.at(found.line, f"a pure file does not import {found.module}.")


def _clock_calls(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id in ("datetime", "date", "time")
            and node.func.attr in rules.CLOCK_CALLS
        ):
            yield module.at(node.lineno, "a pure file gets the time as an argument.")
