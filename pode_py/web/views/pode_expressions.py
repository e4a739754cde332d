"""Expressions of a `.pode` template made Python's: names, and PowerShell that means the same.

Let through are `$` before names, `$true`, `$false`, `$null`, the operators that compare (strings
without regard to case), `-and`, `-or`, `-not`, and ``[DateTime]::Now``. Other PowerShell is an
error that says what to write.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from textwrap import shorten

from pode_py.web.views.pode_syntax import Code

# Stands for the "$" of a name until the names are looked up. No text has it by chance, and Python
# takes it for a letter.
_DOLLAR = "\u0282"
_COMPARED = f"{_DOLLAR}{_DOLLAR}compared"

_CODE_OR_STRING = re.compile(
    r'("""(?:\\.|[^\\])*?"""|\'\'\'(?:\\.|[^\\])*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\')',
    re.DOTALL,
)
_OPERATORS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_OPERATOR = re.compile(r"(?<=[\s)\]])-(eq|ne|lt|le|gt|ge)(?=[\s($])", re.IGNORECASE)
_LOGIC = re.compile(r"(?<![\w$])-(and|or|not)(?=[\s($])", re.IGNORECASE)
_NOW = re.compile(r"\[(?:System\.)?DateTime\]::(UtcNow|Now)\b", re.IGNORECASE)
_NAME = re.compile(r"\$(?=[A-Za-z_])")
_CONSTANTS = {"true": True, "false": False, "null": None}

# What PowerShell writes and templates do not, in the order of looking, and what to write.
_POWERSHELL: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), advice)
    for pattern, advice in (
        (r"\b(?P<verb>[a-z]+)-Pode(?P<noun>[a-z]+)\b", ""),
        (
            r"\|\s*(?:ForEach-Object|%|foreach)",
            "`for item in data.items { ... }` instead of a pipeline",
        ),
        (r"\|\s*(?:Where-Object|\?|where)\b", "`[x for x in data.items if x.ok]` instead"),
        (r"\|\s*(?:[a-z]+-[a-z]+|select|sort|measure)\b", "a Python function, as `sorted(...)`"),
        (
            r"(?<![\w.$)\]])(?:get|new|set|add|test|out|write|join|select|sort|format|convertto|"
            r"convertfrom|import|invoke|where|foreach|measure)-[a-z]\w+",
            "a Python function instead of a command, or have the handler pass the value in data",
        ),
        (r"@\{", 'a dict of Python, as `{"name": data.name}`'),
        (r"@\(", "a list of Python, as `[1, 2]`"),
        (r"\[[a-z][\w.]*\]::", "Python, or have the handler pass the value in data"),
        (
            r"(?<![\w\])])\[(?:int|long|double|decimal|bool|string|datetime|array|char)\]\s*[\w$(]",
            "a function of Python, as `int(data.size)` or `str(data.size)`",
        ),
        (r"\d\s*\.\.\s*[\d$]", "`range(1, 4)`, which ends before the 4"),
        (r"\?\?", "`or`, as in `data.name or data.key`"),
        (r"\s\?\s", "`data.a if data.ok else data.b`"),
        (r"\$\w+:\w+", "a name that the handler passes in data"),
        (r"\$[_?!^]", "the name of the loop, as in `for item in data.items { ... item ... }`"),
        (r"(?<=\s)-(?:not)?(?:like|match)(?=[\s(\"'$]|$)", '`in`, as in `"x" in data.name`'),
        (r"(?<=\s)-(?:not)?contains(?=[\s(\"'$]|$)", '`in`: `"a" in data.names`'),
        (r"(?<=\s)-(?:not)?in(?=[\s(\"'$]|$)", "`in`: `data.name in data.names`"),
        (r"(?<=\s)-replace(?=[\s(\"'$]|$)", '`data.name.replace("a", "b")`'),
        (r"-split(?=[\s(\"'$]|$)", '`data.name.split(",")`'),
        (r"-join(?=[\s(\"'$]|$)", '`", ".join(data.names)`'),
        (r"(?<=\s)-f(?=[\s(\"'$]|$)", 'an f-string, as `f"{data.size:.2f}"`'),
        (r"(?<=\s)-[ci](?:eq|ne|lt|le|gt|ge)(?=[\s(\"'$]|$)", "`==`, `!=`, `<` or `>`"),
        (r"(?<=\s)-(?:is|as|isnot|band|bor|bxor)(?=[\s(\"'$\[]|$)", "Python"),
        (r"(?<![=!<>])!(?!=)", "`not`"),
        (r"&&", "`and`"),
        (r"\|\|", "`or`"),
        (r"\.To(?:Upper|Lower)\(", "`.upper()` or `.lower()`"),
        (r"\.ToString\(", '`str(...)`; a date, as `data.date.strftime("%Y-%m-%d")`'),
        (r"\$\(", "plain brackets inside an expression"),
        (r"[+]{2}|--\s*$", "a loop over `range(...)` or `enumerate(...)`"),
    )
)


def expression(source: Code, known: Iterable[str]) -> ast.expr:
    """The Python of an expression. `known` are the names of loops and assignments around it.

    What the code calls is in pode_template.py: `__name`, `__get` and the others.
    """
    text = "".join(
        piece if number % 2 else _as_python(piece, source)
        for number, piece in enumerate(_CODE_OR_STRING.split(source.text))
    )
    try:
        found = ast.parse(f"({text}\n)", mode="eval").body
    except SyntaxError as error:
        what, why = shorten(source.text, 60, placeholder="..."), error.msg.rstrip(".?")
        raise source.place.error(f"`{what}` is no Python expression: {why}.") from None
    for node in ast.walk(found):
        if isinstance(node, ast.Await | ast.Yield | ast.YieldFrom):
            raise source.place.error("a template can't wait: do that in the handler.")
        if isinstance(node, ast.expr | ast.keyword | ast.arg):
            _move(node, source)
    made: ast.expr = _Names(known, found).visit(found)
    return ast.fix_missing_locations(ast.copy_location(ast.Expr(made), found)).value


def _as_python(code: str, source: Code) -> str:
    """A piece of code between strings."""
    code = _NOW.sub(lambda found: f"__{found[1].lower()}()", code)
    logic = {found[1].lower() for found in _LOGIC.finditer(code)}
    if {"and", "or"} <= logic:
        raise source.place.error(
            "`-and` next to `-or` is read from left to right in PowerShell. Write `and`, `or` and "
            "brackets."
        )
    for match in reversed([*_OPERATOR.finditer(code)]):
        # Marked, with Python's precedence: `a == mark == b`.
        sign = _OPERATORS[match[1].lower()]
        code = f"{code[: match.start()]}{sign} {_COMPARED} {sign}{code[match.end() :]}"
    code = _LOGIC.sub(lambda found: f" {found[1].lower()} ", code)
    for pattern, advice in _POWERSHELL:
        found = pattern.search(code)
        if found is not None:
            what = found[0].strip()
            raise source.place.error(
                f"`{what}` is PowerShell. Write {advice or _python_of(found)}."
            )
    return _NAME.sub(_DOLLAR, code)


def _python_of(command: re.Match[str]) -> str:
    """How a function of Pode is called here."""
    name = command["verb"] + re.sub("([A-Z])", r"_\1", command["noun"])
    return f"`{name.lower()}(...)`, with the arguments in Python's way"


def _move(node: ast.expr | ast.keyword | ast.arg, source: Code) -> None:
    """Place a node where it stands in the file. The bracket before the expression is ours."""
    for line, column in (("lineno", "col_offset"), ("end_lineno", "end_col_offset")):
        if getattr(node, line) == 1:
            setattr(node, column, max(0, getattr(node, column) - 1 + source.place.column))
        setattr(node, line, getattr(node, line) + source.place.line - 1)


class _Names(ast.NodeTransformer):
    """Has names and fields looked up as templates do: case ignored, missing ones empty."""

    def __init__(self, known: Iterable[str], tree: ast.expr) -> None:
        bound = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
        bound |= {
            node.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
        self._bound = bound
        self._known = {name.casefold(): name for name in known}

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self._bound or node.id.startswith("__"):
            return node
        optional = node.id.startswith(_DOLLAR)
        name = node.id.removeprefix(_DOLLAR)
        folded = name.casefold()
        if optional and folded in _CONSTANTS:
            return ast.copy_location(ast.Constant(_CONSTANTS[folded]), node)
        if folded in self._known:
            return _at(node, ast.Name(self._known[folded], ast.Load()))
        if optional and folded == "webevent":
            name = "web_event"
        if folded == "data":
            return _at(node, ast.Name("data", ast.Load()))
        return _call(node, "__name", [ast.Constant(name), ast.Constant(optional)])

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        value = self.visit(node.value)
        return _call(node, "__get", [value, ast.Constant(node.attr)])

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.slice, ast.Slice):
            return node
        return _call(node, "__item", [node.value, node.slice])

    def visit_Call(self, node: ast.Call) -> ast.expr:
        function = node.func
        if isinstance(function, ast.Attribute):
            value = self.visit(function.value)
            method: ast.expr = _call(function, "__method", [value, ast.Constant(function.attr)])
        else:
            method = self.visit(function)
        node.func = method
        node.args = [self.visit(argument) for argument in node.args]
        for keyword in node.keywords:
            keyword.value = self.visit(keyword.value)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        middle = node.comparators[0]
        if len(node.ops) != 2 or not (isinstance(middle, ast.Name) and middle.id == _COMPARED):
            self.generic_visit(node)
            return node
        operator = ast.Constant(type(node.ops[0]).__name__)
        sides = [self.visit(node.left), self.visit(node.comparators[1])]
        return _call(node, "__compare", [operator, *sides])


def _call(node: ast.expr, function: str, arguments: list[ast.expr]) -> ast.expr:
    return _at(node, ast.Call(ast.Name(function, ast.Load()), arguments, []))


def _at(node: ast.expr, made: ast.expr) -> ast.expr:
    return ast.copy_location(made, node)
