"""functions.py is thin, stands alone, and is the only one to read an ambient."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from fnmatch import fnmatch

from tests.architecture import rules
from tests.architecture.tree import Module, check, house_imports, statements


def test_no_facade_imports_another():
    check(_facade_imports, rules.FACADES)


def test_facades_are_thin():
    check(_long_bodies, rules.FACADES)


def test_no_facade_takes_parameters_it_does_not_name():
    check(_open_parameters, rules.FACADES)


def test_no_overload_repeats_a_signature():
    check(_overloads, rules.FACADES)


def test_only_facades_ask_for_the_current_server():
    check(_server_readers)


def test_events_are_bound_by_rooms_and_read_by_facades():
    check(_event_readers)


def _facade_imports(module: Module) -> Iterator[str]:
    for line, target in house_imports(module):
        file = target.removeprefix("pode_py.").replace(".", "/") + ".py"
        if any(fnmatch(file, pattern) for pattern in rules.FACADES):
            yield module.at(line, f"no functions.py imports another ({target}).")


def _long_bodies(module: Module) -> Iterator[str]:
    for function in module.functions:
        count = statements(function)
        if count > rules.FACADE_STATEMENTS:
            yield module.at(
                function.lineno,
                f"{function.name} has {count} statements; functions.py finds the room, makes "
                f"arguments plain and calls one thing, in {rules.FACADE_STATEMENTS} at most.",
            )


def _open_parameters(module: Module) -> Iterator[str]:
    for function in module.functions:
        if function.args.kwarg is not None:
            yield module.at(
                function.lineno, f"{function.name} takes **{function.args.kwarg.arg}; name them."
            )


def _overloads(module: Module) -> Iterator[str]:
    for function in module.functions:
        marked = any(ast.unparse(one) == "overload" for one in function.decorator_list)
        if marked and function.name not in rules.OVERLOADS:
            yield module.at(
                function.lineno,
                f"{function.name} repeats its signature. An overload stands where a parameter "
                "changes the type that is returned: write down which, in OVERLOADS.",
            )


def _server_readers(module: Module) -> Iterator[str]:
    if module.is_one_of(rules.READS_SERVER):
        return
    for line, name in _from_ambient(module):
        if name in rules.SERVER_NAMES:
            yield module.at(line, f"only functions.py may use {name} of core/ambient.py.")


def _event_readers(module: Module) -> Iterator[str]:
    if module.is_one_of(rules.READS_EVENTS):
        return
    for found in module.imports:
        if found.name in rules.USERS_EVENTS:
            yield module.at(
                found.line, f"inside the house the event is an argument, not {found.name}."
            )
    variables = _event_variables(module)
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Attribute) or node.attr in rules.BINDING:
            continue
        name = ast.unparse(node.value)
        if name in variables:
            yield module.at(node.lineno, f"rooms may set {name}, only functions.py reads it.")


def _from_ambient(module: Module) -> Iterator[tuple[int, str]]:
    """Line and name of what a module uses of core/ambient.py, however it imports it."""
    for found in module.imports:
        if found.module == rules.AMBIENT_MODULE and found.name:
            yield found.line, found.name
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "ambient":
            yield node.lineno, node.attr


def _event_variables(module: Module) -> set[str]:
    """How a module spells the variables of slots: `ambient.WEB.variable`, or an imported name's."""
    spelled = {f"ambient.{name}" for name in rules.SLOTS}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and node.module == rules.AMBIENT_MODULE:
            spelled |= {
                alias.asname or alias.name for alias in node.names if alias.name in rules.SLOTS
            }
    return {f"{slot}.variable" for slot in spelled}
