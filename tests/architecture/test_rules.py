"""No row is left over in a table of rules: each still names a file that needs it."""

from __future__ import annotations

import ast
from collections.abc import Sequence

import pytest

from tests.architecture import rules
from tests.architecture.test_errors import everything_caught
from tests.architecture.tree import is_type_checking, modules, report

TABLES = {
    name: value
    for name, value in vars(rules).items()
    if name.isupper() and isinstance(value, tuple) and value and isinstance(value[0], str)
}


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_pattern_matches_a_file(name: str):
    report(f"{name}: {pattern} matches no file." for pattern in _unmatched(TABLES[name]))


def test_who_may_catch_everything_does():
    catching = [module for module in modules() if any(everything_caught(module))]
    report(
        f"CATCHES_EVERYTHING: {pattern} does not."
        for pattern in rules.CATCHES_EVERYTHING
        if not any(module.is_one_of([pattern]) for module in catching)
    )


def test_who_may_use_type_checking_does():
    using = [module for module in modules() if any(map(is_type_checking, ast.walk(module.tree)))]
    report(
        f"TYPE_CHECKING_ALLOWED: {pattern} does not use it."
        for pattern in rules.TYPE_CHECKING_ALLOWED
        if not any(module.is_one_of([pattern]) for module in using)
    )


def test_optional_packages_are_all_imported():
    imported = {found.module.split(".")[0] for module in modules() for found in module.imports}
    assert imported >= rules.OPTIONAL_PACKAGES


def _unmatched(patterns: Sequence[str]) -> list[str]:
    return [one for one in patterns if not any(module.is_one_of([one]) for module in modules())]
