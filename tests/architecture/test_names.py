"""One word means one thing: a name of a class stands for one class in the whole package."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator

from tests.architecture.tree import Module, modules, report


def test_no_two_classes_have_one_name():
    found: dict[str, list[tuple[Module, ast.ClassDef]]] = defaultdict(list)
    for module in modules():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef):
                found[node.name].append((module, node))
    report(_twice(found))


def _twice(found: dict[str, list[tuple[Module, ast.ClassDef]]]) -> Iterator[str]:
    for name, (_, *others) in found.items():
        for module, node in others:
            yield module.at(node.lineno, f"there is another class {name}; rename one of them.")
