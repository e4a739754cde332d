"""The docstrings of public names, read in the form that the API reference is made from."""

from __future__ import annotations

import ast
import inspect
import re
from dataclasses import dataclass
from typing import Any, Final

_ITEM: Final = re.compile(r"((?:[a-z]\w*, )*[a-z]\w*): ")
_SOURCE: Final = re.compile(r"^(?P<what>.+[^.])\. (?P<source>Pode: [$\w-]+|Not in Pode)\.$")
_SECTIONS: Final = ("Returns ", "Raises ")


@dataclass(frozen=True, slots=True)
class Docstring:
    """`parameters` are the names of `name: text` lines, `order` the parts in their order."""

    summary: str
    source: str
    prose: str
    parameters: tuple[str, ...]
    order: tuple[str, ...]
    example: str
    whole: str


def docstring_of(value: Any, *, marked: bool = True) -> Docstring:
    """The docstring of a function or class. Raises ValueError for one of another form.

    `marked` ones say after the summary what they are in Pode.
    """
    whole = inspect.cleandoc(value.__doc__ or "")
    first, *rest = whole.split("\n\n")
    found = _SOURCE.match(" ".join(first.split()) + ("" if marked else " Not in Pode."))
    if found is None:
        raise ValueError('the summary is one sentence, then "Pode: Name." or "Not in Pode."')
    rest, example = _split_example(rest, value)
    names: list[str] = []
    order: list[str] = []
    prose: list[str] = []
    for paragraph in rest:
        for line in paragraph.splitlines():
            kind = next((one.strip() for one in _SECTIONS if line.startswith(one)), "")
            if item := _ITEM.match(line):
                names += item[1].split(", ")
                kind = "parameters"
            if kind and order[-1:] != [kind]:
                order.append(kind)
        if not _ITEM.match(paragraph) and not paragraph.startswith(_SECTIONS):
            order.append("prose")
            prose.append(paragraph)
    return Docstring(
        found["what"],
        found["source"],
        "\n\n".join(prose),
        tuple(names),
        tuple(order),
        example,
        whole,
    )


def free_names(example: str) -> set[str]:
    """The names that an example uses without having defined them. Raises SyntaxError."""
    tree = ast.parse(example)
    used, bound = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).split(".")[0])
    return used - bound


def _split_example(paragraphs: list[str], value: Any) -> tuple[list[str], str]:
    """The example stands last and indented; or alone below the summary of a function."""
    start = next((i for i, one in enumerate(paragraphs) if one.startswith("    ")), len(paragraphs))
    if start == len(paragraphs) == 1 and inspect.isfunction(value):
        start = 0
    return paragraphs[:start], inspect.cleandoc("\n\n" + "\n\n".join(paragraphs[start:]))
