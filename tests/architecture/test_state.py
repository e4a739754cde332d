"""Mutable module state lives in core/ambient.py only, and importing starts nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.architecture import rules
from tests.architecture.tree import ROOT, Module, check, report

WATCHER: Final = Path(__file__).with_name("import_everything.py")
DISPLAYS: Final = (ast.Dict, ast.DictComp, ast.List, ast.ListComp, ast.Set, ast.SetComp)


def test_modules_hold_no_mutable_state():
    check(_module_state)


def test_nobody_writes_to_a_table():
    check(_written_tables)


def test_no_function_assigns_to_its_module():
    check(_global_statements)


def test_importing_every_module_starts_no_thread_process_or_socket():
    optional = sorted(rules.OPTIONAL_PACKAGES)
    ran = subprocess.run(
        [sys.executable, str(WATCHER), *optional],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    report([ran.stderr] if ran.returncode else [])


def _module_state(module: Module) -> Iterator[str]:
    if module.is_one_of(rules.HOLDS_STATE):
        return
    for statement in module.tree.body:
        if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
            continue
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        if names == ["__all__"] or not _is_mutable(statement.value):
            continue
        # A table may be a dict if its name says so and nobody writes to it.
        if not _is_display(statement.value) or not all(map(str.isupper, names)):
            yield module.at(
                statement.lineno,
                f"{', '.join(names)} can change. Mutable module state lives in core/ambient.py; a "
                "table has an UPPER_CASE name.",
            )


def _written_tables(module: Module) -> Iterator[str]:
    tables = _tables(module)
    for node in ast.walk(module.tree):
        target = None
        if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
            target = node.value
        if isinstance(node, ast.Attribute) and node.attr in rules.WRITES:
            target = node.value
        if isinstance(target, ast.Name) and target.id in tables:
            yield module.at(node.lineno, f"{target.id} is a table; nobody writes to it.")


def _tables(module: Module) -> set[str]:
    """Names that the whole file reads: UPPER_CASE ones, its own and imported ones."""
    return {
        node.id
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Name)
        and node.id.isupper()
        and not module.is_one_of(rules.HOLDS_STATE)
    }


def _is_mutable(value: ast.expr) -> bool:
    return _is_display(value) or (
        isinstance(value, ast.Call) and _called(value) in rules.MUTABLE_TYPES
    )


def _is_display(value: ast.expr) -> bool:
    return isinstance(value, DISPLAYS) or (
        isinstance(value, ast.Call) and _called(value) in ("dict", "list", "set")
    )


def _called(call: ast.Call) -> str:
    function = call.func.value if isinstance(call.func, ast.Subscript) else call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _global_statements(module: Module) -> Iterator[str]:
    if module.is_one_of(rules.HOLDS_STATE):
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Global):
            yield module.at(
                node.lineno, f"global {', '.join(node.names)}: state belongs to a room."
            )
