"""PowerShell data files: what is read, what is refused and why; nothing is ever executed."""

from __future__ import annotations

import ast
import doctest
import importlib
import math
import os
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pode_py.server.configuration import psd1
from pode_py.server.configuration.psd1 import numbers, reader
from pode_py.server.configuration.psd1.reader import Psd1Error, read_psd1


@pytest.mark.parametrize("module", [numbers, reader])
def test_the_examples_are_right(module: ModuleType):
    assert doctest.testmod(module).failed == 0


def value_of(text: str) -> Any:
    return read_psd1(f"@{{ x = {text} }}")["x"]


# What PowerShell 7 makes of the same literals.
LITERALS = {
    "0x1F": 31,
    "0Xab": 171,
    "0xFFFFFFFF": -1,
    "0x80000000": -(2**31),
    "0xFFFFFFFFFFFFFFFF": -1,
    "0x7FFFFFFF": 2**31 - 1,
    "0b101": 5,
    "0b11111111": -1,
    "0b11111111u": 255,
    "2147483648": 2147483648,
    "9223372036854775808": 9223372036854775808,
    "007": 7,
    "08": 8,
    "-5": -5,
    "+5": 5,
    "- 1": -1,
    "1.5": 1.5,
    ".5": 0.5,
    "1.": 1.0,
    "00.10": 0.1,
    "1e3": 1000.0,
    "1.5E-3": 0.0015,
    "1e400": math.inf,
    "1l": 1,
    "5L": 5,
    "1.5d": Decimal("1.5"),
    "1u": 1,
    "1ul": 1,
    "1s": 1,
    "1us": 1,
    "-128y": -128,
    "1uy": 1,
    "1n": 1,
    "0x1Fl": 31,
    "1kb": 1024,
    "1KB": 1024,
    "2mb": 2097152,
    "1gb": 1073741824,
    "1tb": 2**40,
    "2pb": 2251799813685248,
    "1.5kb": 1536.0,
    "1lkb": 1024,
    "0x10kb": 16384,
    "$true": True,
    "$False": False,
    "$NULL": None,
    "${true}": True,
    "(1)": 1,
    "((1, 2))": [1, 2],
    "$(1)": 1,
    "$(1; 2)": [1, 2],
    "@()": [],
    "@(1)": [1],
    "@($null)": [None],
    "@(1, 2; 3)": [1, 2, 3],
    "@(@(1, 2))": [1, 2],
    "@(,(1, 2))": [[1, 2]],
    ", 1": [1],
    "1, (2, 3)": [1, [2, 3]],
    "'a', 'b'": ["a", "b"],
    "@{}": {},
    "$true ? 'yes' : 'no'": "yes",
    "0 ? 'yes' : 'no'": "no",
    "@(0) ? 'yes' : 'no'": "no",
    "!$true": False,
    "-not ''": True,
    "[int]'1'": 1,
    "[int]2.5": 2,
    "[int]3.5": 4,
    "[int]'5.5'": 6,
    "[int]''": 0,
    "[int]$null": 0,
    "[int]' 5 '": 5,
    "[int]'0x1F'": 31,
    "[int]'1,000'": 1000,
    "[int]'1kb'": 1024,
    "[int]'-5'": -5,
    "[int]$true": 1,
    "[int][char]'A'": 65,
    "[System.Int32]'7'": 7,
    "[long]'9223372036854775807'": 2**63 - 1,
    "[double]'1,5'": 15.0,
    "[double]''": 0.0,
    "[bool]'False'": True,
    "[bool]0": False,
    "[bool](, @(0))": True,
    "[bool](, @())": False,
    "-10000000000000000000000000.001d": Decimal("-10000000000000000000000000.001"),
    "[bool][char]0": False,
    "[char]65": "A",
    "-'5'": -5,
}


@pytest.mark.parametrize(("text", "value"), LITERALS.items())
def test_literals_mean_what_they_mean_in_powershell(text: str, value: Any):
    found = value_of(text)
    assert found == value
    assert type(found) is type(value) or isinstance(found, str)


TEXTS = {
    "'it''s $x `n'": "it's $x `n",
    '"say ""hi"""': 'say "hi"',
    '"a`tb`u{41}`e[0m"': "a\tbA\x1b[0m",
    '"`$x `"y`" ``"': '$x "y" `',
    '"a$"': "a$",
    '"a $ b 100%"': "a $ b 100%",
    '"x $true $null|"': "x True |",
    '"${false}s"': "Falses",
    '"$(1.0) $(1, 2) $(1e20) $(0.00001)"': "1 1 2 1E+20 1E-05",
    "'a\nb'": "a\nb",
    "\u2018a\u2019": "a",
    "\u201ca\u201d": "a",
    "@'\nit's $literal\n'@": "it's $literal",
    "@'\n'@": "",
    '@"\n\n"@': "",
    '@"\nfirst\n  `t$true\n"@': "first\n  \tTrue",
    "@'  \r\na\r\nb\r\n'@": "a\r\nb",
    "@'\n '@\n'@": " '@",
}


@pytest.mark.parametrize(("text", "value"), TEXTS.items())
def test_texts_mean_what_they_mean_in_powershell(text: str, value: str):
    assert value_of(text) == value


def test_entries_end_with_a_line_or_a_semicolon_and_comments_are_blanks():
    text = (
        "\ufeff# first\r\n@{ # of it\r\n a = 1; b=2;;\r\n<# c = 3\n#> 'd e' = `\n 4\r\n1 = 5\n}\n"
    )
    assert read_psd1(text) == {"a": 1, "b": 2, "d e": 4, "1": 5}


def test_lists_and_tables_go_over_lines():
    text = "@{ Tags =\n 'a',\n 'b'\n Table = @(\n @{ Id = 1 }\n @{ Id = 2 }\n) }"
    assert read_psd1(text) == {"Tags": ["a", "b"], "Table": [{"Id": 1}, {"Id": 2}]}


REFUSED = {
    "8000 + 80": "computes.*write the result",
    "'a'.Length": "computes",
    "(1, 2)[0]": "computes",
    "1..3": "computes",
    "'a' -replace 'b'": "computes",
    "$env:HOME": 'PODE_PY__.*os.environ\\["HOME"\\]',
    "$PSScriptRoot": "begins at the server's root",
    "$x": "Write its value",
    '"a $x"': "Write its value",
    "Get-Date": "is a command.*Write its result",
    "(Get-Item x)": "is a command",
    "$(Remove-Item x)": "is a command",
    "{ 1 }": "script block",
    "plain": "Put quotes around the text: 'plain'",
    "[string]'x'": "Write the value itself",
    "[string]": "Write the value itself",
    "[ordered]@{ a = 1 }": "Write the value itself",
    "[int]'abc'": "is no number",
    "[byte]256": "from 0 to 255",
    "200y": "too large",
    "127.0.0.1": "quotes around it: '127.0.0.1'",
    "5x": "quotes around it: '5x'",
    "10 MB": "Something follows the value",
    "'a": "no end",
    "@'\na": "no end",
    "@'a\n'@": "line after @'",
    "@(1, 2": "no end",
    "<# 1": "no end",
    "": "A value is missing",
    "1,": "A value is missing",
    '"`u{110000}"': "1F600",
    '"$(@{ a = 1 })"': "no text",
    '"$((1, (2, 3)))"': "no text",
    '"${a"': "no end",
    "1; X = 2": "stands twice",
    "1; a-b = 2": "Put quotes around the key: 'a-b'",
    "1; b": "= is missing",
    "1e99999999d": "too large for the suffix d",
    "[int]'1e99999999d'": "too large",
    "@(" * 200: "nested too deeply",
    "$true ? " * 200: "nested too deeply",
    "-not " * 200: "nested too deeply",
    "[int]" * 200: "nested too deeply",
    '"$(' * 200: "nested too deeply",
}


@pytest.mark.parametrize(("text", "why"), REFUSED.items())
def test_what_is_no_constant_is_refused_with_what_to_write(text: str, why: str):
    with pytest.raises(Psd1Error, match=why) as caught:
        read_psd1(f"@{{\n    x = {text}\n}}")
    assert caught.value.line >= 2 or "no end" in why
    assert caught.value.column >= 1


@pytest.mark.parametrize("text", ["", "1", "@{ a = 1 }; @{ b = 2 }", "@{", "$x = @{}"])
def test_a_file_is_one_hashtable(text: str):
    with pytest.raises(Psd1Error):
        read_psd1(text)


def test_an_error_names_line_and_column():
    with pytest.raises(Psd1Error) as caught:
        read_psd1("@{\r\n    Name = 'plain'\r\n    Port = 8000 + 80\r\n}")
    assert (caught.value.line, caught.value.column) == (3, 12)


# --- written, and read again

NAMES = st.text(min_size=1, max_size=8)
NUMBERS = st.one_of(
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.decimals(-(2**95), 2**95, places=3),  # .NET has no larger ones
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, st.text())


def tables(values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(NAMES, values, max_size=4).filter(
        lambda table: len({key.casefold() for key in table}) == len(table)
    )


VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | tables(inner))


class Writer:
    """Writes values in one of the ways that there are for each; `draw` chooses."""

    def __init__(self, draw: Any) -> None:
        self._draw = draw

    def table(self, table: dict[str, Any]) -> str:
        entries = [f"{self.text(key)} = {self.value(value)}" for key, value in table.items()]
        return "@{" + "".join(f"{self._gap()}{entry}{self._end()}" for entry in entries) + "}"

    def value(self, value: Any) -> str:
        if value is None or isinstance(value, bool):
            return f"${value}".replace("None", "null")
        if isinstance(value, dict):
            return self.table(value)
        if isinstance(value, list):
            # A list in a list is taken for its items, but for the one that a comma makes.
            return "@(" + self._gap() + "; ".join(self._item(one) for one in value) + ")"
        if isinstance(value, str):
            return self.text(value)
        return f"{value}d" if isinstance(value, Decimal) else repr(value)

    def text(self, text: str) -> str:
        if self._draw(st.booleans()):
            quoted = "".join(one * 2 if one in "'\u2018\u2019\u201a\u201b" else one for one in text)
            return f"'{quoted}'"
        return '"' + "".join(self._escaped(one) for one in text) + '"'

    def _item(self, value: Any) -> str:
        return f",{self.value(value)}" if isinstance(value, list) else self.value(value)

    def _escaped(self, one: str) -> str:
        if one in '$`"\u201c\u201d\u201e':
            return f"`{one}"
        if not one.isprintable() and not 0xD800 <= ord(one) < 0xE000:
            return f"`u{{{ord(one):x}}}"
        return one

    def _gap(self) -> str:
        return str(
            self._draw(st.sampled_from(["", " ", "\n", "\r\n\t", " # note\n", "<# a\nb #>"]))
        )

    def _end(self) -> str:
        return str(self._draw(st.sampled_from([";", "\n", " ;\n", " # note\r\n"])))


@given(st.data(), tables(VALUES))
def test_what_is_written_is_read_again(data: st.DataObject, table: dict[str, Any]):
    assert read_psd1(Writer(data.draw).table(table)) == table


# --- anything at all

SNIPPETS = """
    @{ } @( $( ( ) { [int] [ ] ' " ; , = ? : .. . - + ! a Name 1 0x 1.5kb $true $null $x
    $env:PATH $ ` `u{41} # <# #> | & iex ::new touch
"""
PIECES = st.sampled_from(SNIPPETS.split())
LINES = st.sampled_from(["\n", "\r\n", " ", "\t", "@'\n", "\n'@", '@"\n', '\n"@', "\ufeff", "\x00"])


def error_of(text: str) -> Psd1Error | None:
    try:
        read_psd1(text)
    except Psd1Error as error:
        return error
    return None


@given(st.lists(PIECES | LINES | st.text(max_size=3), max_size=40).map("".join))
def test_any_text_is_a_table_or_an_error_with_its_place(text: str):
    for whole in (text, f"@{{ a = {text} }}"):
        error = error_of(whole)
        if error is not None:
            assert 1 <= error.line <= whole.count("\n") + whole.count("\r") + 1
            assert error.column >= 1


def test_nothing_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Neither by PowerShell, nor by a shell, nor by Python."""
    monkeypatch.chdir(tmp_path)
    canary = tmp_path / "executed"
    for command in ("New-Item executed", "touch executed", "open('executed', 'w')"):
        for form in ("{}", "({})", "$({})", '"$({})"', "@({})", "{{ {} }}", "& {}", "'a' | {}"):
            with pytest.raises(Psd1Error):
                value_of(form.format(command))
    assert not canary.exists()
    assert os.listdir(tmp_path) == []


def test_the_reader_calls_nothing_that_could_execute():
    folder = Path(str(psd1.__file__)).parent
    for path in folder.glob("*.py"):
        called = {
            node.func.id
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert not called & {"eval", "exec", "compile", "open", "__import__", "getattr"}
        imported = importlib.import_module(f"{psd1.__name__}.{path.stem}")
        assert not {"os", "subprocess", "sys", "pathlib"} & set(vars(imported))
