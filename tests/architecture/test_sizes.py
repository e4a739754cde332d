"""Files, functions and lists of parameters stay small."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.architecture import rules
from tests.architecture.tree import Function, Module, body_without_docstring, check, parameters


def test_files_are_short():
    check(_long_files)


def test_functions_are_short():
    check(_long_functions)


def test_below_the_facades_nothing_takes_many_parameters():
    check(_many_parameters)


def test_every_file_says_what_it_is():
    check(_silent_files)


def _long_files(module: Module) -> Iterator[str]:
    count = module.source.count("\n")
    if module.file in rules.LONG_ON_PURPOSE:
        if count <= rules.FILE_LINES:
            yield module.at(1, "It is short: take it out of LONG_ON_PURPOSE.")
    elif count > rules.FILE_LINES:
        yield module.at(
            count, f"{count} lines; {rules.FILE_LINES} is the most. Look for the second noun."
        )


def _long_functions(module: Module) -> Iterator[str]:
    facade = module.is_one_of(rules.FACADES)
    for function in module.functions:
        count = _lines(function, signature=not facade)
        if count > rules.FUNCTION_LINES:
            yield module.at(
                function.lineno,
                f"{function.name} has {count} lines; {rules.FUNCTION_LINES} is the most.",
            )


def _lines(function: Function, *, signature: bool) -> int:
    """Lines of code: the docstring is free, and in functions.py the signature too."""
    body = body_without_docstring(function)
    if not body:
        return 0
    code = (body[-1].end_lineno or 0) - body[0].lineno + 1
    return code + (function.body[0].lineno - function.lineno if signature else 0)


def _many_parameters(module: Module) -> Iterator[str]:
    if module.is_one_of((*rules.FACADES, "testing/*", "asgi.py")):
        return
    for function in module.functions:
        names = parameters(function)
        if len(names) > rules.PARAMETERS:
            yield module.at(
                function.lineno,
                f"{function.name} takes {len(names)} parameters; below functions.py "
                f"{rules.PARAMETERS} is the most. Make them one frozen dataclass.",
            )


def _silent_files(module: Module) -> Iterator[str]:
    if ast.get_docstring(module.tree) is None:
        yield module.at(1, "the first line says what the file is, and what it is not.")
