"""read_psd1: a PowerShell data file as a dict. It reads values and runs nothing.

What PowerShell takes for a constant is taken: literals, brackets, lists, casts to built-in types,
`?:`, and constants in a text. Whatever computes is an error that says what to write.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from pode_py.server.configuration.psd1.conversions import TYPES, UNARY, cast, truth
from pode_py.server.configuration.psd1.numbers import NUMBER, number_of
from pode_py.server.configuration.psd1.scanner import Psd1Error, Scanner
from pode_py.server.configuration.psd1.texts import (
    DOUBLE,
    SINGLE,
    double_quoted,
    here_string,
    single_quoted,
)

__all__ = ["Psd1Error", "read_psd1"]

_KEY: Final = re.compile(r"\w+")
_MORE_OF_A_KEY: Final = re.compile(r"[^\s,;(){}'\"=#]+")
_VARIABLE: Final = re.compile(r"\{(?P<braced>[^}\r\n]*)\}|(?P<plain>[\w?^$][\w:]*)")
_CONSTANTS: Final = {"true": True, "false": False, "null": None}
_TYPE: Final = re.compile(r"\[\s*(?:system\.)?([\w.]+(?:\[\])?)\s*\]", re.IGNORECASE)
_SIGN: Final = re.compile(r"-not\b|[-+!](?![-+])", re.IGNORECASE)
_DIGIT: Final = re.compile(r"\.?[0-9]")
# What would go on with the value before it.
_OPERATOR: Final = re.compile(r"[-+*/%|&<>]|\.\.|-[a-z]+|\?\?|::|[.\[]", re.IGNORECASE)
_WORD: Final = re.compile(r"[^\s,;(){}'\"]+")
_COMMAND: Final = re.compile(r"[A-Za-z]+-[A-Za-z]+\b|[\w.\\/-]+[ \t]+[^\s;,)}=]")


def read_psd1(text: str) -> dict[str, Any]:
    """The hashtable that a data file holds. Raises Psd1Error.

    >>> read_psd1("@{ Port = 8080; Body = 100MB; Tags = 'a', 'b' }")
    {'Port': 8080, 'Body': 104857600, 'Tags': ['a', 'b']}
    """
    scanner = Scanner(text.removeprefix("\ufeff"))
    scanner.skip_lines(";")
    if scanner.next(2) != "@{":
        raise scanner.error("A data file is one hashtable: begin with @{ and end with }.")
    values = _hashtable(scanner)
    scanner.skip_lines(";")
    if not scanner.at_end:
        raise scanner.error(
            f"Something follows the hashtable: `{scanner.shown(scanner.at)}`. Remove it."
        )
    return values


def _hashtable(scanner: Scanner) -> dict[str, Any]:
    start = scanner.at
    scanner.at += 2
    scanner.enter()
    values: dict[str, Any] = {}
    seen: dict[str, int] = {}
    while True:
        scanner.skip_lines(";")
        if scanner.take("}"):
            scanner.leave()
            return values
        if scanner.at_end or scanner.next() == ")":
            raise scanner.error("The hashtable that begins here has no end. Write } there.", start)
        key_at = scanner.at
        key = _key(scanner)
        first = seen.setdefault(key.casefold(), key_at)
        if first != key_at:
            raise scanner.error(
                f"The key {key!r} stands twice, here and in line {scanner.line(first)}. "
                "Capitals make no difference. Keep one of them.",
                key_at,
            )
        scanner.skip_blanks()
        if not scanner.take("="):
            raise scanner.error(f"A = is missing behind the key {key!r}.")
        scanner.skip_lines()
        values[key] = _value(scanner)
        _end_entry(scanner)


def _key(scanner: Scanner) -> str:
    start, one = scanner.at, scanner.next()
    if one in SINGLE:
        return single_quoted(scanner)
    if one in DOUBLE:
        return double_quoted(scanner, _expand)
    found = scanner.match(_KEY)
    if found is None:
        raise scanner.error(
            f"A key is a word or a quoted text. Write 'name' = instead of `{scanner.shown(start)}`."
        )
    behind = _MORE_OF_A_KEY.match(scanner.text, scanner.at)
    if behind is not None:
        raise scanner.error(f"Put quotes around the key: '{found[0]}{behind[0]}'.", start)
    return found[0]


def _end_entry(scanner: Scanner) -> None:
    scanner.skip_blanks()
    if scanner.at_end or scanner.next() in "};" or scanner.take_line_end():
        return
    raise scanner.error(
        f"Something follows the value: `{scanner.shown(scanner.at)}`. Begin a new line, or write ; "
        "between two entries."
    )


def _value(scanner: Scanner) -> Any:
    """A whole value: several with commas between them, or a choice of two."""
    start = scanner.at
    value = _list(scanner)
    scanner.skip_blanks()
    if scanner.next() == "?" and scanner.next(2) != "??":
        return _choice(scanner, value)
    if scanner.match(_OPERATOR) is not None:
        raise scanner.error(
            f"`{scanner.shown(start)}` computes. A data file holds values only: write the result.",
            start,
        )
    return value


def _choice(scanner: Scanner, condition: Any) -> Any:
    scanner.at += 1
    scanner.enter()
    scanner.skip_lines()
    first = _value(scanner)
    scanner.skip_lines()
    if not scanner.take(":"):
        raise scanner.error("A : is missing between the two values of ?:.")
    scanner.skip_lines()
    second = _value(scanner)
    scanner.leave()
    return first if truth(condition) else second


def _list(scanner: Scanner) -> Any:
    if scanner.take(","):  # PowerShell's list of one
        scanner.skip_lines()
        return [_signed(scanner)]
    first = _signed(scanner)
    values = [first]
    scanner.skip_blanks()
    while scanner.take(","):
        scanner.skip_lines()
        values.append(_signed(scanner))
        scanner.skip_blanks()
    return first if len(values) == 1 else values


def _signed(scanner: Scanner) -> Any:
    """A value with what may stand before it: a sign, `!`, a type."""
    scanner.enter()
    start = scanner.at
    try:
        if scanner.next() == "[":
            return _cast(scanner)
        sign = scanner.match(_SIGN)
        if sign is None:
            return _single(scanner)
        if sign[0] == "-" and _DIGIT.match(scanner.text, scanner.at):
            return _number(scanner, start, negative=True)
        scanner.skip_blanks()
        return _converted(scanner, start, UNARY[sign[0].lower()], _signed(scanner))
    finally:
        scanner.leave()


def _cast(scanner: Scanner) -> Any:
    start = scanner.at
    found = scanner.match(_TYPE)
    kind = found[1].lower() if found is not None else ""
    if kind not in TYPES:
        raise scanner.error(
            f"`{scanner.shown(start)}`: a data file casts to numbers, bool and char only. Write "
            "the value itself, without a type.",
            start,
        )
    scanner.skip_blanks()
    return _converted(scanner, start, lambda value: cast(kind, value), _signed(scanner))


def _converted(scanner: Scanner, start: int, convert: Callable[[Any], Any], value: Any) -> Any:
    try:
        return convert(value)
    except (ValueError, ArithmeticError) as error:
        raise scanner.error(f"`{scanner.shown(start)}` can't be read: {error}.", start) from error


def _single(scanner: Scanner) -> Any:
    one, two = scanner.next(), scanner.next(2)
    if one and one in SINGLE:
        return single_quoted(scanner)
    if one and one in DOUBLE:
        return double_quoted(scanner, _expand)
    if one == "@" and len(two) == 2 and two[1] in SINGLE:
        return here_string(scanner, None)
    if one == "@" and len(two) == 2 and two[1] in DOUBLE:
        return here_string(scanner, _expand)
    if two == "@{":
        return _hashtable(scanner)
    if two == "@(":
        return _several(scanner, 2)
    if one == "(":
        return _bracket(scanner)
    if one == "$":
        start = scanner.at
        scanner.at += 1
        found, value = _expand(scanner)
        if not found:
            raise scanner.error(
                f"`{scanner.shown(start)}` is no value. Write a text in quotes, or a number.", start
            )
        return value
    if _DIGIT.match(scanner.text, scanner.at):
        return _number(scanner, scanner.at, negative=False)
    raise _no_value(scanner)


def _number(scanner: Scanner, start: int, *, negative: bool) -> Any:
    found = scanner.match(NUMBER)
    if found is None:
        word = _WORD.match(scanner.text, start)
        shown = word[0] if word is not None else ""
        raise scanner.error(f"{shown} is no number. Put quotes around it: '{shown}'.", start)
    try:
        return number_of(found, negative=negative)
    except (ValueError, ArithmeticError) as error:
        raise scanner.error(f"{found[0]} can't be read: {error}.", start) from error


def _several(scanner: Scanner, opening: int) -> list[Any]:
    """What stands in ``@( )`` or ``$( )``. The items of a list in it become items of its own."""
    start = scanner.at
    scanner.at += opening
    scanner.enter()
    values: list[Any] = []
    while True:
        scanner.skip_lines(";")
        if scanner.take(")"):
            scanner.leave()
            return values
        if scanner.at_end or scanner.next() == "}":
            raise _open(scanner, start)
        value = _value(scanner)
        values += value if isinstance(value, list) else [value]
        scanner.skip_blanks()
        if not (scanner.at_end or scanner.next() in ");" or scanner.take_line_end()):
            raise scanner.error(
                f"Something follows the value: `{scanner.shown(scanner.at)}`. Write a comma "
                "between two values."
            )


def _bracket(scanner: Scanner) -> Any:
    start = scanner.at
    scanner.at += 1
    scanner.enter()
    scanner.skip_lines()
    value = _value(scanner)
    scanner.skip_lines()
    if not scanner.take(")"):
        raise _open(scanner, start)
    scanner.leave()
    return value


def _expand(scanner: Scanner) -> tuple[bool, Any]:
    """What the `$` before the scanner stands for: whether for anything, and its value."""
    start = scanner.at - 1
    if scanner.next() == "(":
        values = _several(scanner, 1)
        return True, (values[0] if values else None) if len(values) < 2 else values
    found = scanner.match(_VARIABLE)
    if found is None and scanner.next() == "{":
        raise scanner.error("The name that begins here has no end. Write } behind it.", start)
    if found is None:
        return False, None
    name = (found["braced"] if found["braced"] is not None else found["plain"]).lower()
    if name in _CONSTANTS:
        return True, _CONSTANTS[name]
    raise scanner.error(_about_variable(f"${found[0]}", name), start)


def _about_variable(shown: str, name: str) -> str:
    if name.startswith("env:"):
        variable = shown.strip("${}")[4:]
        return (
            f"{shown} is a variable of the environment, and a data file holds values only. Leave "
            f'the key out, and set PODE_PY__ with its path, or read os.environ["{variable}"] in '
            "the script."
        )
    if name in ("psscriptroot", "pwd", "home"):
        return f"{shown} is a variable. Write a path; a relative one begins at the server's root."
    return f"{shown} is a variable. Write its value: only $true, $false and $null are values."


def _no_value(scanner: Scanner) -> Psd1Error:
    start = scanner.at
    shown = scanner.shown(start)
    if scanner.at_end or scanner.next() in "\r\n;,})=":
        return scanner.error("A value is missing here. Write one, or $null.")
    if scanner.next() == "{":
        return scanner.error(
            f"`{shown}` is a script block, which is no value. Write @{{ for a hashtable."
        )
    if _COMMAND.match(scanner.text, start) is not None:
        return scanner.error(
            f"`{shown}` is a command, and a data file runs none. Write its result; if it is a "
            "text, put quotes around it."
        )
    word = _WORD.match(scanner.text, start)
    if word is None:
        return scanner.error(f"`{shown}` is no value. Write a text in quotes, or a number.")
    return scanner.error(f"Put quotes around the text: '{word[0]}'.")


def _open(scanner: Scanner, start: int) -> Psd1Error:
    return scanner.error(
        f"The bracket that begins here has no end: `{scanner.shown(start)}`. Write ) behind it.",
        start,
    )
