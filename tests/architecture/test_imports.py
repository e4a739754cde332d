"""How modules import, and what samples and docs may import."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.architecture import rules
from tests.architecture.tree import (
    ROOT,
    Module,
    body_without_docstring,
    check,
    is_type_checking,
    modules,
    report,
)
from tools.check_docs import imports, pages, python_code


def test_imports_are_absolute():
    check(_relative)


def test_only_optional_packages_are_imported_inside_of_functions():
    check(_late)


def test_optional_packages_are_not_imported_at_the_top():
    check(_too_early)


def test_nothing_hides_its_imports_from_the_running_program():
    check(_type_checking)


def test_wings_have_empty_front_doors():
    check(_busy_wing_doors)


def test_the_front_door_has_no_logic():
    check(_front_door_logic, ("__init__.py",))


def test_what_users_see_has_an_all_of_its_own():
    check(_without_all, rules.PASSED_ON)


def test_the_front_door_has_a_line_for_each_facade_and_event():
    report(_passed_on())


def test_samples_use_public_paths_only():
    found = [
        f"{path.relative_to(ROOT)}:{line}: {module} is not a public path."
        for path in sorted((ROOT / "samples").rglob("*.py"))
        for line, module, names in imports(path.read_text("utf-8"))
        if not _is_public(module, names)
    ]
    report(found)


def test_docs_use_public_paths_only():
    found = []
    for page in pages():
        # Pages of the design are about the inside.
        if (ROOT / "docs" / "design") in page.path.parents:
            continue
        for block in page.blocks:
            for line, module, names in _imports_of(python_code(block)):
                if not _is_public(module, names):
                    where = f"{page.path.relative_to(ROOT)}:{block.line + line - 1}"
                    found.append(f"{where}: {module} is not a public path.")
    report(found)


def _imports_of(code: str | None) -> list[tuple[int, str, list[str]]]:
    try:
        return list(imports(code or ""))
    except SyntaxError:  # the docs check names it
        return []


def _is_public(module: str, names: list[str]) -> bool:
    if module.partition(".")[0] != "pode_py":
        return True
    inside = {known.dotted for known in modules()} - rules.PUBLIC_PATHS
    return module in rules.PUBLIC_PATHS and not any(f"{module}.{name}" in inside for name in names)


def _relative(module: Module) -> Iterator[str]:
    for found in module.imports:
        if found.level:
            yield module.at(found.line, "imports are absolute.")


def _late(module: Module) -> Iterator[str]:
    for found in module.imports:
        optional = found.module.split(".")[0] in rules.OPTIONAL_PACKAGES
        if found.inside_function and not optional and found.module not in rules.LATE_MODULES:
            yield module.at(found.line, f"import {found.module} at the top of the file.")


def _too_early(module: Module) -> Iterator[str]:
    for found in module.imports:
        if not found.inside_function and found.module.split(".")[0] in rules.OPTIONAL_PACKAGES:
            yield module.at(found.line, f"{found.module} is optional: import it where it is used.")


def _type_checking(module: Module) -> Iterator[str]:
    if module.is_one_of(rules.TYPE_CHECKING_ALLOWED):
        return
    for node in ast.walk(module.tree):
        if is_type_checking(node):
            yield module.at(node.lineno, "TYPE_CHECKING hides an import that looks up.")


def _busy_wing_doors(module: Module) -> Iterator[str]:
    if not module.file.endswith("/__init__.py") or module.dotted in rules.PUBLIC_PATHS:
        return
    for statement in body_without_docstring(module.tree):
        yield module.at(statement.lineno, "__init__.py below the front door is empty.")


def _front_door_logic(module: Module) -> Iterator[str]:
    *lines, last = body_without_docstring(module.tree)
    for statement in lines:
        if not isinstance(statement, ast.Import | ast.ImportFrom):
            yield module.at(statement.lineno, "the front door only passes on.")
    if not is_type_checking(last):
        yield module.at(last.lineno, "the front door ends with its __all__, out of sight.")


def _without_all(module: Module) -> Iterator[str]:
    names = [
        target.id
        for statement in module.tree.body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    ]
    if "__all__" not in names:
        yield module.at(1, "has no __all__: the names that it gives to users.")


def _passed_on() -> Iterator[str]:
    (door,) = (module for module in modules() if module.file == "__init__.py")
    lines = {found.module for found in door.imports if found.name == "*"}
    for module in modules():
        if module.is_one_of(rules.PASSED_ON) and module.dotted not in lines:
            yield module.at(1, "has no line `from ... import *` in pode_py/__init__.py.")
