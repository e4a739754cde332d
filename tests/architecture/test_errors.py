"""Errors are decided in a few places; nowhere else is everything caught."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.architecture import rules
from tests.architecture.tree import Module, check

EVERYTHING = frozenset({"BaseException", "Exception"})


def test_everything_is_caught_only_where_errors_are_decided():
    check(_broad_handlers)


def _broad_handlers(module: Module) -> Iterator[str]:
    if not module.is_one_of(rules.CATCHES_EVERYTHING):
        yield from everything_caught(module)


def everything_caught(module: Module) -> Iterator[str]:
    """Where the module catches everything, and does not only look at it."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ExceptHandler) and _is_broad(node.type) and not _passes_on(node):
            yield module.at(
                node.lineno, "catch what you expect; the table of exceptions is in rules."
            )
        if isinstance(node, ast.Call) and _is_suppress(node) and any(map(_is_broad, node.args)):
            yield module.at(node.lineno, "suppress what you expect, not everything.")


def _is_broad(node: ast.expr | None) -> bool:
    if isinstance(node, ast.Tuple):
        return any(_is_broad(element) for element in node.elts)
    return node is None or (isinstance(node, ast.Name) and node.id in EVERYTHING)


def _passes_on(handler: ast.ExceptHandler) -> bool:
    """Whether it only looks at the error and raises it again."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def _is_suppress(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return name == "suppress"
