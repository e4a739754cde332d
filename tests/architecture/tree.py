"""The package as its tests see it: every module parsed once, with what it imports and defines."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache, cached_property
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PACKAGE: Final = "pode_py"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Import:
    """One imported module, or one name imported from a module."""

    line: int
    module: str
    name: str | None
    inside_function: bool
    level: int


@dataclass(frozen=True)
class Module:
    """A file of the package."""

    path: Path

    @property
    def file(self) -> str:
        """Its path below the package: `web/event.py`."""
        return self.path.relative_to(ROOT / PACKAGE).as_posix()

    @property
    def dotted(self) -> str:
        return dotted(self.file)

    @cached_property
    def source(self) -> str:
        return self.path.read_text("utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source, str(self.path))

    @cached_property
    def imports(self) -> list[Import]:
        return list(_imports(self.tree, inside_function=False))

    @cached_property
    def functions(self) -> list[Function]:
        return [node for node in ast.walk(self.tree) if isinstance(node, Function)]

    def is_one_of(self, patterns: Sequence[str]) -> bool:
        """Whether the file matches one of `web/pipeline.py`, `engine/*`, `*/functions.py`."""
        return any(fnmatch(self.file, pattern) for pattern in patterns)

    def at(self, line: int, rule: str) -> str:
        """A finding: file, line and the rule in words."""
        return f"{PACKAGE}/{self.file}:{line}: {rule}"


@cache
def modules() -> tuple[Module, ...]:
    """All files of the package."""
    return tuple(Module(path) for path in sorted((ROOT / PACKAGE).rglob("*.py")))


def known_modules() -> set[str]:
    """The dotted names of all files."""
    return {module.dotted for module in modules()}


def dotted(file: str) -> str:
    """`web/event.py` as `pode_py.web.event`."""
    parts = [PACKAGE, *file.removesuffix(".py").split("/")]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def house_imports(module: Module) -> Iterator[tuple[int, str]]:
    """Line and dotted name of each module of the package that `module` imports."""
    known = known_modules()
    for found in module.imports:
        if found.module.split(".")[0] != PACKAGE:
            continue
        whole = f"{found.module}.{found.name}"
        yield found.line, whole if found.name and whole in known else found.module


def parameters(function: Function) -> list[str]:
    """Every parameter but self and cls, and the keyword-only ones of a constructor."""
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args]
    if function.name != "__init__":
        named += arguments.kwonlyargs
    return [argument.arg for argument in named if argument.arg not in ("self", "cls")]


def body_without_docstring(node: Function | ast.Module | ast.ClassDef) -> list[ast.stmt]:
    """The statements after the docstring."""
    return node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body


def statements(function: Function) -> int:
    """How many statements the body has, nested ones included, the docstring not."""
    return sum(
        isinstance(node, ast.stmt)
        for statement in body_without_docstring(function)
        for node in ast.walk(statement)
    )


def check(rule: Callable[[Module], Iterator[str]], files: Sequence[str] = ("*",)) -> None:
    """Fail with what `rule` finds in the files that match, one line each."""
    report(line for module in modules() if module.is_one_of(files) for line in rule(module))


def report(findings: Iterable[str]) -> None:
    """Fail with these lines, if there are any."""
    if found := list(findings):
        pytest.fail("\n".join(found), pytrace=False)


def is_type_checking(node: ast.AST) -> bool:
    """Whether this is an `if TYPE_CHECKING:`, whose imports never happen."""
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def _imports(node: ast.AST, *, inside_function: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(child.lineno, alias.name, None, inside_function, 0)
        elif isinstance(child, ast.ImportFrom):
            for alias in child.names:
                module = child.module or ""
                yield Import(child.lineno, module, alias.name, inside_function, child.level)
        elif not is_type_checking(child):
            inside = inside_function or isinstance(child, Function | ast.Lambda)
            yield from _imports(child, inside_function=inside)
