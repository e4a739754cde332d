"""Users' functions are called in one place."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.architecture import rules
from tests.architecture.tree import Module, check


def test_only_calls_calls_a_handler():
    check(_calls_of_handlers)


def _calls_of_handlers(module: Module) -> Iterator[str]:
    if module.is_one_of(rules.CALLS_HANDLERS):
        return
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr in ("call", "function", "logic"):
            yield module.at(
                node.lineno,
                f"only core/calls.py calls a Handler, not {ast.unparse(node.func)}(...): drive "
                "`steps(handler, event)` with Calls.run or Calls.start.",
            )
