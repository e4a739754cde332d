"""What has a thread or a socket ends in a phase of the stop."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pode_py.server.phases import Stop
from tests.architecture import rules
from tests.architecture.tree import Module, check, modules, report

USES_PHASES = ("server/rooms.py", "server/server.py")


def test_what_makes_a_thread_or_a_socket_has_a_phase():
    check(_without_a_phase)


def test_each_of_these_phases_is_used():
    used = {
        node.attr
        for module in modules()
        if module.is_one_of(USES_PHASES)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "Stop"
    }
    report(
        f"{file} ends in Stop.{phase}, in which no room stops."
        for file, phase in rules.ENDS_IN.items()
        if phase not in used or phase not in Stop.__members__
    )


def test_no_row_of_the_tables_of_stops_is_left_over():
    making = [module for module in modules() if any(_makes(module))]
    report(
        f"{pattern} makes no thread and no socket: take it out of rules.py."
        for pattern in (*rules.ENDS_IN, *rules.ENDS_WITHOUT_A_PHASE)
        if not any(module.is_one_of([pattern]) for module in making)
    )


def _without_a_phase(module: Module) -> Iterator[str]:
    if not module.is_one_of((*rules.ENDS_IN, *rules.ENDS_WITHOUT_A_PHASE)):
        for line, what in _makes(module):
            yield module.at(line, f"{what} is made here: in which phase does it end? See ENDS_IN.")


def _makes(module: Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else ast.unparse(called)
            if name in rules.MAKES_THREADS:
                yield node.lineno, f"{ast.unparse(called)}(...)"
