"""What a `.pode` template consists of: text, and statements in ``$( )``. No code is made here.

    text with `$( )` around statements; "`$" is a plain "$"
    statements   one in a line, or with ";" between them
    statement    for NAMES in EXPRESSION { statements }
                 if EXPRESSION { statements } elif EXPRESSION { statements } else { statements }
                 NAME = EXPRESSION
                 "text with `$( )`", in quotes of either kind
                 EXPRESSION

PowerShell's spelling of the same is read, too: `foreach`, `elseif`, brackets around what is
iterated or tested, `$` before names, doubled quotes in a text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from pode_py.core.errors import PodeError


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: the file, the line from 1 on, the column from 0 on."""

    path: str
    line: int
    column: int

    def error(self, text: str) -> PodeError:
        return PodeError(f"{self.path}, line {self.line}: {text}")


@dataclass(frozen=True, slots=True)
class Code:
    """The text of an expression."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class Variable:
    """`$name` in the text of a block: the value if a loop or an assignment knows it, else text."""

    name: str


@dataclass(frozen=True, slots=True)
class Insert:
    """``$( )`` in a text."""

    statements: list[Statement]
    place: Place


Text = list["str | Variable | Insert"]


@dataclass(frozen=True, slots=True)
class Output:
    """An expression whose value is inserted."""

    source: Code


@dataclass(frozen=True, slots=True)
class Quoted:
    """A text in quotes."""

    parts: Text
    place: Place


@dataclass(frozen=True, slots=True)
class Assign:
    name: str
    source: Code


@dataclass(frozen=True, slots=True)
class For:
    names: list[str]
    source: Code
    body: list[Statement]


@dataclass(frozen=True, slots=True)
class If:
    source: Code
    body: list[Statement]
    otherwise: list[Statement] = field(default_factory=list)


Statement = Output | Quoted | Assign | For | If

_NAME = r"[A-Za-z_]\w*"
_SPACE = re.compile(r"(?:[\s;]|#[^\n]*|<#.*?#>)*", re.DOTALL)
_BLANK = re.compile(r"\s*")
_REST_OF_LINE = re.compile(r"[ \t\r]*(?:$|[;\n)}#])")
_WORD = re.compile(r"(if|foreach|for)\b(?!\s*[=.])", re.IGNORECASE)
_ELSE = re.compile(r"(elseif|elif|else)\b", re.IGNORECASE)
_ASSIGN = re.compile(rf"\$?({_NAME})[ \t]*=(?!=)")
_TARGETS = re.compile(rf"(\(?)\s*(\$?{_NAME}(?:\s*,\s*\$?{_NAME})*)\s+in\b", re.IGNORECASE)
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"""|\'\'\'(?:\\.|[^\\])*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'',
    re.DOTALL,
)
_VARIABLE = re.compile(rf"\$({_NAME})")
_PAIRS = {"(": ")", "[": "]", "{": "}"}

# Statements that Python or PowerShell have and templates have not, and what to write.
_NOT_HERE = {
    "break": "choose the items in the handler",
    "continue": "put the rest into `if ... { }`",
    "do": "a `for name in data.items { }`",
    "elif": "an `if ... { }` before it",
    "else": "an `if ... { }` before it",
    "elseif": "an `if ... { }` before it",
    "function": "a function in Python, and pass it in data",
    "param": "nothing: the values are in `data`",
    "return": 'the value by itself, as in `$(data.name)` or `"text"`',
    "switch": "`if ... { } elif ... { }`",
    "throw": "the check in the handler",
    "try": "the check in the handler",
    "while": "a `for name in data.items { }`",
}
_UNKNOWN = re.compile(
    r"(?:break|continue|elif|else|elseif|return|try|while)\b(?!\s*[=.])"
    r"|(?:do|function|param|switch|throw)\b(?=\s*[\w({\"'$])",
    re.IGNORECASE,
)


def parse(text: str, path: str) -> Text:
    """Read a template. PodeError, with file and line, for what is none."""
    return _Scanner(text, path).text("")


class _Scanner:
    """Reads a template from its beginning to its end; `_at` is where it is."""

    def __init__(self, text: str, path: str) -> None:
        self._text = text
        self._path = path
        self._at = 0
        self._lines = [0, *(found.end() for found in re.finditer("\n", text))]

    def text(self, quote: str) -> Text:
        """Text up to the closing quote; with "", up to the end of the file."""
        began, parts, plain = self._at, Text(), [""]
        special = re.compile(rf"`[${quote}]|\$\(|{quote}|{_VARIABLE.pattern}" if quote else r"`?\$")
        while True:
            found = special.search(self._text, self._at)
            if found is None:
                if quote:
                    raise self._place(began - 1).error(f"the text that begins here has no {quote}.")
                plain.append(self._text[self._at :])
                break
            plain.append(self._text[self._at : found.start()])
            mark, self._at = found[0], found.end()
            if mark[0] == "`":
                plain.append(mark[1])
            elif mark == quote and self._text.startswith(quote, self._at):  # a doubled one
                plain.append(quote)
                self._at += 1
            elif mark == quote:
                break
            elif quote and mark != "$(":
                parts += ["".join(plain), Variable(mark[1:])]
                plain = []
            elif mark == "$(" or self._text.startswith("(", self._at):
                self._at += mark == "$"
                parts += ["".join(plain), self._insert(found.start())]
                plain = []
            else:
                plain.append(mark)
        parts.append("".join(plain))
        return [part for part in parts if part != ""]

    def _insert(self, start: int) -> Insert:
        statements = list(self._statements(")"))
        if not self._text.startswith(")", self._at):
            raise self._place(start).error(
                "the `$(` here is never closed. Close it with `)`; if it is no expression but "
                "text, as in jQuery, write a backtick before it: `` `$( ``."
            )
        self._at += 1
        return Insert(statements, self._place(start))

    def _statements(self, closing: str) -> Iterator[Statement]:
        """Statements up to the closing bracket, or to the end of the file."""
        while True:
            self._skip(_SPACE)
            if self._at >= len(self._text) or self._text[self._at] == closing:
                return
            yield self._statement()

    def _statement(self) -> Statement:
        unknown = _UNKNOWN.match(self._text, self._at)
        if unknown is not None:
            raise self._place().error(
                f"`{unknown[0]}` has no meaning in a template. Write "
                f"{_NOT_HERE[unknown[0].lower()]}."
            )
        word = _WORD.match(self._text, self._at)
        if word is not None:
            self._at = word.end()
            return self._if() if word[1].lower() == "if" else self._for()
        assign = _ASSIGN.match(self._text, self._at)
        if assign is not None:
            self._at = assign.end()
            return Assign(assign[1], self._expression())
        return self._quoted() or Output(self._expression())

    def _quoted(self) -> Quoted | None:
        """A text in quotes that is all there is in this statement; None for anything else."""
        start = self._at
        quote = self._text[start]
        if quote not in "\"'":
            return None
        literal = _STRING.match(self._text, start)
        self._at += 1
        # A Python expression that begins with a string: `"a" if data.b else "c"`.
        if literal is not None and not _REST_OF_LINE.match(self._text, literal.end()):
            ends = self._text[literal.end()] == quote  # a doubled quote goes on with the text
            if not ends and "$(" not in literal[0]:
                self._at = start
                return None
        parts = self.text(quote)
        if _REST_OF_LINE.match(self._text, self._at):
            return Quoted(parts, self._place(start))
        if any(isinstance(part, Insert) for part in parts):
            raise self._place().error(
                "a text with `$( )` in it stands alone in its line. Choose between texts with "
                '`if data.new { "..." } else { "..." }`.'
            )
        self._at = start
        return None

    def _for(self) -> For:
        self._skip(_BLANK)
        targets = _TARGETS.match(self._text, self._at)
        if targets is None:
            raise self._place().error(
                "a loop is written `for name in data.names { ... }`; to count, write "
                "`for i in range(10) { ... }`."
            )
        self._at = targets.end()
        if targets[1]:
            source = self._expression(until=")")
            self._expect(")", "the brackets of the loop")
        else:
            source = self._expression(until="{")
        names = [name.strip().lstrip("$") for name in targets[2].split(",")]
        return For(names, source, self._body("for"))

    def _if(self) -> If:
        source = self._expression(until="{")
        body = self._body("if")
        back = self._at
        self._skip(_SPACE)
        word = _ELSE.match(self._text, self._at)
        if word is None:
            self._at = back
            return If(source, body)
        self._at = word.end()
        if word[1].lower() != "else":
            return If(source, body, [self._if()])
        self._skip(_BLANK)
        return If(source, body, self._body("else"))

    def _body(self, word: str) -> list[Statement]:
        self._skip(_BLANK)
        start = self._at
        self._expect("{", f"what `{word}` is about")
        statements = list(self._statements("}"))
        if self._at >= len(self._text):
            raise self._place(start).error(f"the `{{` of this `{word}` is never closed.")
        self._expect("}", f"what `{word}` is about")
        return statements

    def _expression(self, until: str = "") -> Code:
        """The text of an expression: up to `until`, or else to the end of the statement."""
        self._skip(re.compile(r"[ \t]*"))
        start, closing = self._at, list[str]()
        while self._at < len(self._text):
            character = self._text[self._at]
            string = _STRING.match(self._text, self._at) if character in "\"'" else None
            if string is not None:
                self._at = string.end()
                continue
            if not closing and self._is_end(character, until, start):
                break
            if character in _PAIRS:
                closing.append(_PAIRS[character])
            elif closing and character == closing[-1]:
                closing.pop()
            self._at += 1
        text = self._text[start : self._at].rstrip()
        if not text:
            raise self._place(start).error("an expression is missing here.")
        return Code(text, self._place(start))

    def _is_end(self, character: str, until: str, start: int) -> bool:
        if until:
            return character == until
        if character in ";)}":
            return True
        return character == "\n" and _is_complete(self._text[start : self._at])

    def _expect(self, character: str, what: str) -> None:
        self._skip(_BLANK)
        if not self._text.startswith(character, self._at):
            found = self._text[self._at : self._at + 20].partition("\n")[0]
            raise self._place().error(
                f"here is `{found}`, where {what} needs `{character}`. Put what is tested or "
                "iterated into brackets if it has braces of its own: `if (x in {1, 2}) { ... }`."
            )
        self._at += 1

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self._text, self._at)
        if found is not None:
            self._at = found.end()

    def _place(self, at: int | None = None) -> Place:
        at = self._at if at is None else at
        line = bisect_right(self._lines, at)
        return Place(self._path, line, at - self._lines[line - 1])


def _is_complete(text: str) -> bool:
    """Whether a line of an expression can be all of it: it does not end with an operator."""
    return (
        re.search(r"(?:[-+*/%=<>,.&|^~]|\b(?:and|or|not|in|is|if|else|lambda))\s*\Z", text) is None
    )
