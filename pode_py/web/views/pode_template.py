"""PodeEngine: `.pode` templates compiled to Python functions. Only files are, never other text.

The function of a template has the line numbers of the file, so a traceback shows its lines.
"""

from __future__ import annotations

import ast
import builtins
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from keyword import iskeyword
from typing import Any

from pode_py.core.errors import PodeError
from pode_py.web.views.engines import Render, escapes
from pode_py.web.views.files import Template
from pode_py.web.views.pode_expressions import expression
from pode_py.web.views.pode_syntax import (
    Assign,
    For,
    If,
    Insert,
    Output,
    Place,
    Quoted,
    Statement,
    Text,
    Variable,
    parse,
)


class PodeEngine:
    """Compiles templates. `names` are known in all of them."""

    def __init__(self, names: Mapping[str, Any], extension: str = "pode") -> None:
        self._names = names
        self.extension = extension

    def compile(self, template: Template) -> Render:
        """PodeError, with file and line, for what is no template."""
        module = _Compiler(template).module()
        try:
            code = compile(module, template.path, "exec", dont_inherit=True)
        except SyntaxError as error:  # what a parser lets pass, such as a double argument
            raise PodeError(f"{template.path}, line {error.lineno}: {error.msg}.") from None
        namespace: dict[str, Any] = dict(_Values(escapes(template.name, self.extension)).helpers())
        exec(code, namespace)  # noqa: S102 - a file of the user's
        function, names = namespace["template"], self._names
        return lambda data: str(function(data, _Lookup(data, names)))


class _Compiler:
    """Makes a module with one function, `template(data, __name)`, of a template."""

    def __init__(self, template: Template) -> None:
        self._template = template
        self._count = 0
        self._known: list[str] = []
        self._bound: set[str] = set()

    def module(self) -> ast.Module:
        parts = parse(self._template.text, self._template.path)
        begin, target = self._list(1)
        body = [begin, *self._text(parts, target, 1)]
        whole = ast.parse(f"def template(data, __name): return ''.join({target})")
        function = whole.body[0]
        assert isinstance(function, ast.FunctionDef)
        unset = [_statement(f"{name} = __missing", 1) for name in sorted(self._bound)]
        function.body = [*unset, *body, *function.body]
        return ast.fix_missing_locations(whole)

    def _list(self, line: int) -> tuple[ast.stmt, str]:
        self._count += 1
        name = f"__{self._count}"
        return _statement(f"{name} = []", line), name

    def _text(self, parts: Text, target: str, line: int) -> list[ast.stmt]:
        """Append the parts of a text to the list called `target`."""
        made: list[ast.stmt] = []
        for part in parts:
            if isinstance(part, Insert):
                made += self._insert(part, target)
            elif isinstance(part, Variable):
                known = part.name.casefold() in map(str.casefold, self._known)
                value = f"__value({self._spelled(part.name)})" if known else repr(f"${part.name}")
                made.append(_statement(f"{target}.append({value})", line))
            else:
                made.append(_statement(f"{target}.append({part!r})", line))
        return made

    def _insert(self, insert: Insert, target: str) -> list[ast.stmt]:
        line = insert.place.line
        match insert.statements:
            case [Output(source)]:
                value = expression(source, self._known)
                return [_calling(f"{target}.append(__value(__fill))", value, source.place)]
        begin, inner = self._list(line)
        return [
            begin,
            *self._block(insert.statements, inner),
            _statement(f"{target}.append(' '.join({inner}))", line),
        ]

    def _block(self, statements: list[Statement], target: str) -> list[ast.stmt]:
        return [made for one in statements for made in self._statement(one, target)]

    def _statement(self, statement: Statement, target: str) -> list[ast.stmt]:
        match statement:
            case Output(source):
                value = expression(source, self._known)
                return [_calling(f"__emit({target}, __fill)", value, source.place)]
            case Quoted(parts, place):
                begin, inner = self._list(place.line)
                append = _statement(f"{target}.append(''.join({inner}))", place.line)
                return [begin, *self._text(parts, inner, place.line), append]
            case Assign(name, source):
                value = expression(source, self._known)
                self._bind(name, source.place)
                return [_calling(f"{self._spelled(name)} = __fill", value, source.place)]
            case For():
                return [self._for(statement, target)]
            case If():
                return [self._if(statement, target)]

    def _for(self, loop: For, target: str) -> ast.stmt:
        place = loop.source.place
        value = expression(loop.source, self._known)
        before = list(self._known)
        for name in loop.names:
            self._bind(name, place)
        names = ", ".join(map(self._spelled, loop.names))
        made = _calling(f"for {names} in __each(__fill): pass", value, place)
        assert isinstance(made, ast.For)
        made.body += self._block(loop.body, target)
        self._known = before
        return made

    def _if(self, test: If, target: str) -> ast.stmt:
        value = expression(test.source, self._known)
        made = _calling("if __fill: pass", value, test.source.place)
        assert isinstance(made, ast.If)
        made.body += self._block(test.body, target)
        made.orelse = self._block(test.otherwise, target)
        return made

    def _bind(self, name: str, place: Place) -> None:
        if name.startswith("__") or iskeyword(name):
            raise place.error(f"`{name}` can't be the name of a value.")
        if name.casefold() == "data":
            raise place.error("`data` is what the handler passed. Choose another name.")
        if name.casefold() not in map(str.casefold, self._known):
            self._known.append(name)
            self._bound.add(name)

    def _spelled(self, name: str) -> str:
        """The name as it was first written: case is ignored."""
        return next(one for one in self._known if one.casefold() == name.casefold())


def _statement(code: str, line: int) -> ast.stmt:
    return _calling(code, None, Place("", line, 0))


def _calling(code: str, value: ast.expr | None, place: Place) -> ast.stmt:
    """A statement at this place, with `value` for the name `__fill` in its code."""
    made = ast.parse(code).body[0]
    for node in ast.walk(made):
        if isinstance(node, ast.stmt | ast.expr):
            node.lineno = node.end_lineno = place.line
            node.col_offset = node.end_col_offset = place.column
    if value is not None:
        made = _Fill(value).visit(made)
    return made


class _Fill(ast.NodeTransformer):
    def __init__(self, value: ast.expr) -> None:
        self._value = value

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._value if node.id == "__fill" else node


class _Missing(str):
    """A name that data has not: empty, false, without items; its fields are missing, too."""

    __slots__ = ()


_MISSING = _Missing()


class _Lookup:
    """Looks names up for one rendering: in data, among those of all templates, in Python's."""

    __slots__ = ("_data", "_names")

    def __init__(self, data: dict[str, Any], names: Mapping[str, Any]) -> None:
        self._data = data
        self._names = names

    def __call__(self, name: str, optional: bool) -> Any:
        if name in self._data:
            return self._data[name]
        if name in self._names:
            return self._names[name]
        value = _of_mapping(self._data, name)
        if value is not _MISSING or optional:
            return value
        if hasattr(builtins, name):
            return getattr(builtins, name)
        raise PodeError(
            f"`{name}` is a name neither of data nor of pode_py. Write `data.{name}` if data may "
            f"lack it. If it is meant as text, as in jQuery, write a backtick before its `$(`."
        )


class _Values:
    """What compiled templates call. Values are escaped if the template `escapes`."""

    def __init__(self, escapes: bool) -> None:
        self._escape: Callable[[str], str] = _escaped if escapes else str

    def helpers(self) -> dict[str, Any]:
        return {
            "__compare": _compare,
            "__each": _each,
            "__emit": self.emit,
            "__get": _get,
            "__item": _item,
            "__method": _method,
            "__missing": _MISSING,
            "__now": lambda: datetime.now().astimezone(),
            "__utcnow": lambda: datetime.now(UTC),
            "__value": self.value,
        }

    def value(self, value: Any) -> str:
        """The text of a value: nothing of None, items joined by a space, else its str."""
        if value is None:
            return ""
        if isinstance(value, str) or hasattr(value, "__html__"):
            return self._escape(value)
        if isinstance(value, Iterable) and not isinstance(value, (Mapping, bytes)):
            return " ".join(map(self.value, value))
        return self._escape(str(value))

    def emit(self, target: list[str], value: Any) -> None:
        """Add a value to what a block puts out: each item of its own, nothing for None."""
        if value is None:
            return
        single = isinstance(value, (str, Mapping, bytes)) or hasattr(value, "__html__")
        if isinstance(value, Iterable) and not single:
            target.extend(map(self.value, value))
        else:
            target.append(self.value(value))


def _escaped(value: str) -> str:
    from markupsafe import escape

    return str(escape(value))


def _get(value: Any, name: str) -> Any:
    """A field: a key of a dict, an attribute of anything else. Case is ignored."""
    if isinstance(value, Mapping):
        return _of_mapping(value, name)
    if value is _MISSING or value is None:
        return _MISSING
    try:
        return getattr(value, name)
    except AttributeError:
        folded = name.casefold()
        snake = re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower()  # FirstName: first_name
        for known in (snake, *dir(value)):
            found = getattr(value, known, None) if known.casefold() in (folded, snake) else None
            if found is not None and not callable(found):
                return found
        if folded in ("count", "length") and hasattr(value, "__len__"):
            raise PodeError(f"`.{name}` is PowerShell. Write `len(...)`.") from None
        raise


def _method(value: Any, name: str) -> Any:
    """A field that is called."""
    if isinstance(value, Mapping):
        own = _of_mapping(value, name)
        return getattr(value, name) if own is _MISSING else own
    return getattr(value, name)


def _item(value: Any, key: Any) -> Any:
    if isinstance(value, Mapping):
        return _of_mapping(value, key)
    return _MISSING if value is _MISSING or value is None else value[key]


def _of_mapping(value: Mapping[Any, Any], key: Any) -> Any:
    if key in value:
        return value[key]
    if isinstance(key, str):
        folded = key.casefold()
        for known in value:
            if isinstance(known, str) and known.casefold() == folded:
                return value[known]
    return _MISSING


def _each(value: Any) -> Any:
    return () if value is None else value


_COMPARISONS = {
    "Eq": operator.eq,
    "NotEq": operator.ne,
    "Lt": operator.lt,
    "LtE": operator.le,
    "Gt": operator.gt,
    "GtE": operator.ge,
}


def _compare(name: str, left: Any, right: Any) -> Any:
    """As PowerShell: the right side becomes of the left one's kind, and strings ignore case."""
    if isinstance(left, str) and right is not None:
        left, right = left.casefold(), str(right).casefold()
    elif isinstance(left, (int, float)) and isinstance(right, str):
        try:
            right = float(right)
        except ValueError:
            return name == "NotEq"
    return _COMPARISONS[name](left, right)
