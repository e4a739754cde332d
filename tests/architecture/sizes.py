"""Alarms: places whose size says "look at me", and a program that prints them.

python -m tests.architecture.sizes

An alarm is no fault. Either the place gets better, or a line in alarms.py says why it is as it is.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from functools import cache

from tests.architecture import rules
from tests.architecture.alarms import ALARMS
from tests.architecture.tree import (
    Function,
    Module,
    body_without_docstring,
    modules,
    parameters,
)


def main() -> None:
    """Print all alarms with their reasons."""
    for alarm, figure in found().items():
        print(f"{alarm} ({figure})\n    {ALARMS.get(alarm, 'NO REASON')}")


def found() -> dict[str, str]:
    """Each alarm of the package, as alarms.py spells it, with what is counted."""
    return {alarm: figure for module in modules() for alarm, figure in alarms_of(module)}


def alarms_of(module: Module) -> Iterator[tuple[str, str]]:
    """The alarms of one module."""
    count = module.source.count("\n")
    if count > rules.FILE_LINES:
        yield f"long file: {module.file}", f"{count} lines"
    if count < rules.MODULE_LINES and not module.is_one_of(rules.SHORT_BY_NATURE):
        yield f"short module: {module.file}", f"{count} lines"
    facade = module.is_one_of(rules.FACADES)
    uses = _uses(module)
    for name, function in _named(module):
        lines = _lines(function, signature=not facade)
        if lines > rules.FUNCTION_LINES:
            yield f"long function: {module.file} {name}", f"{lines} lines"
        if len(parameters(function)) > rules.PARAMETERS and not facade:
            count = len(parameters(function))
            yield f"many parameters: {module.file} {name}", f"{count} parameters"
        if lines < rules.TINY_LINES and _is_private(function) and uses[function.name] == 1:
            yield f"tiny and used once: {module.file} {name}", f"{lines} lines"


def _named(module: Module) -> Iterator[tuple[str, Function]]:
    """Functions with the names of the classes that they are in: `Outbox.put`."""

    def within(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, Function):
                yield prefix + child.name, child
                yield from within(child, prefix)
            else:
                inner = f"{prefix}{child.name}." if isinstance(child, ast.ClassDef) else prefix
                yield from within(child, inner)

    yield from within(module.tree, "")


def _lines(function: Function, *, signature: bool) -> int:
    """Lines of code: the docstring is free, and in functions.py the signature too."""
    body = body_without_docstring(function)
    if not body:
        return 0
    code = (body[-1].end_lineno or 0) - body[0].lineno + 1
    return code + (function.body[0].lineno - function.lineno if signature else 0)


def _is_private(function: Function) -> bool:
    """Whether only its module uses it, and no class demands it."""
    name = function.name
    return (
        name.startswith("_")
        and not name.startswith("__")
        and not function.decorator_list
        and _definitions()[name] == 1
    )


@cache
def _definitions() -> Counter[str]:
    """How often each name is given to a function: more than once, and it may be an override."""
    return Counter(function.name for module in modules() for function in module.functions)


def _uses(module: Module) -> Counter[str]:
    """How often each name is called; what is handed on as a value counts as more than one call."""
    uses: Counter[str] = Counter()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Name | ast.Attribute):
            uses[node.id if isinstance(node, ast.Name) else node.attr] += 2
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            uses[node.func.id if isinstance(node.func, ast.Name) else node.func.attr] -= 1
    return uses


if __name__ == "__main__":
    main()
