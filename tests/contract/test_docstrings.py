"""The docstrings of public names have one form, and say what is true.

Summary with Pode's name; what a caller cannot guess; `name: text` lines in the order of the
signature; Returns; Raises; an example.
"""

from __future__ import annotations

import builtins
import inspect
import re
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

import pytest

import pode_py
import pode_py.testing
from pode_py.asgi import asgi_app
from tests.contract import tables
from tests.contract.docstrings import Docstring, docstring_of, free_names
from tests.contract.names import exported, functions, table

FUNCTIONS: Final = {
    name: value for name, value in functions().items() if name not in tables.ALIASES
} | {"asgi_app": asgi_app}
CLASSES: Final = {name: value for name, value in exported().items() if inspect.isclass(value)}
PUBLIC: Final = FUNCTIONS | CLASSES
#: pode_py.testing as a whole is not in Pode: its docstrings need not say so.
TESTING: Final = {name: getattr(pode_py.testing, name) for name in pode_py.testing.__all__}

ORDER: Final = ("prose", "parameters", "Returns", "Raises")

#: What examples of pode_py.testing may take for granted: a set-up function, a running server.
PLACEHOLDERS: Final = frozenset({"server", "live"})

# The first word of a function's summary.
VERBS: Final = frozenset(
    [
        "Add",
        "Answer",
        "Build",
        "Change",
        "Close",
        "Disable",
        "Edit",
        "Give",
        "Join",
        "Keep",
        "Limit",
        "Listen",
        "Log",
        "Make",
        "Move",
        "Pass",
        "Put",
        "Read",
        "Redirect",
        "Remove",
        "Restart",
        "Return",
        "Run",
        "Send",
        "Serve",
        "Set",
        "Share",
        "Sign",
        "Spread",
        "Start",
        "Stop",
        "Take",
        "Turn",
        "Undo",
        "Write",
    ]
)

# What the table of words in the style guide forbids, and what to write instead.
FORBIDDEN: Final = {
    r"\bOurs\b": "Not in Pode.",
    r"\b[Gg](ives|ave)\b": "Return, or returned",
    r"(^|\. )Who\b|\bthose who\b": "name what it is",
    r"\bmay not\b": "must not, or cannot",
    r"\b(tells?|told)\b": "notify, is notified, say",
    r"\bso (many|much|long)\b": "that many, or the parameter",
    r"\bother than in Pode\b": "unlike in Pode",
    r"\b(he|his|him|somebody|nobody)\b": "it, they; no client",
    r"\bfor good\b|\bby itself\b|\bat hand\b": "permanently; automatically; available",
    r"\bbeside\b": "next to, besides",
    r"\bOne that\b|\bone that raises\b": "If a handler raises",
}

# Parameters whose name and type say it all, wherever they stand.
PLAIN: Final = frozenset({"port"})


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_the_docstring_has_its_form(name: str):
    found = docstring_of(PUBLIC[name])
    places = [ORDER.index(part) for part in found.order]
    assert places == sorted(set(places)), f"{name}: {found.order}; the order is {ORDER}."


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_the_summary_says_what_to_do(name: str):
    first = docstring_of(FUNCTIONS[name]).summary.split()[0]
    assert first in VERBS, f"{name}: {first!r} is no verb of VERBS."


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_what_is_not_in_pode_says_so(name: str):
    source = docstring_of(PUBLIC[name]).source
    if name in table():
        assert source == f"Pode: {table()[name].pode}"
    elif source != "Not in Pode":
        known = {row.pode for row in table().values()}
        variable = source.removeprefix("Pode: ")
        assert variable in known or variable in str(tables.OURS), f"{name}: no {variable} in Pode."


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_parameters_are_explained_in_the_order_of_the_signature(name: str):
    found = docstring_of(FUNCTIONS[name]).parameters
    signature = list(inspect.signature(FUNCTIONS[name]).parameters)
    assert [one for one in signature if one in found] == list(found)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_parameters_that_name_and_type_do_not_explain_are_explained(name: str):
    found = docstring_of(FUNCTIONS[name]).parameters
    missing = [
        parameter.name
        for parameter in inspect.signature(FUNCTIONS[name], eval_str=True).parameters.values()
        if _needs_a_line(name, parameter) and parameter.name not in found
    ]
    assert not missing, f"{name}: {missing} need a line: the unit, what a switch does, and so on."


@pytest.mark.parametrize(
    "name", [one for one in FUNCTIONS if "handler" in inspect.signature(FUNCTIONS[one]).parameters]
)
def test_what_a_handler_can_have_is_said(name: str):
    assert "handler" in docstring_of(FUNCTIONS[name]).parameters


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_what_there_is_to_choose_from_is_listed(name: str):
    whole = docstring_of(FUNCTIONS[name]).whole
    for parameter, annotation in get_type_hints(FUNCTIONS[name]).items():
        choices = dict.fromkeys(one.lower() for one in _choices(annotation))
        if parameter == "return" or not choices:
            continue
        lines = re.search(rf"^(?:\w+, )*{parameter}: .*(?:\n    .*)*", whole, re.MULTILINE)
        text = (lines[0] if lines else "").lower()
        first, last = next(iter(choices)), next(reversed(choices))
        missing = [one for one in choices if not re.search(rf"\b{one}\b", text)]
        if re.search(r"(as in|of) `|of those of `", text) or f"{first} to {last}" in text:
            continue
        assert not missing, f"{name}, {parameter}: {missing} are not listed, nor where they are."


@pytest.mark.parametrize("name", sorted(tables.OUR_PARAMETERS))
def test_parameters_that_pode_lacks_say_so(name: str):
    whole = docstring_of(FUNCTIONS[name]).whole
    for parameter in tables.OUR_PARAMETERS[name]:
        line = re.search(rf"^{parameter}: (.*(?:\n    .*)*)", whole, re.MULTILINE)
        assert line is not None
        text = " ".join(line[1].split())
        assert text.endswith("Not in Pode."), f"{name}, {parameter}: {text}"


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_the_example_compiles_and_uses_public_names(name: str):
    example = docstring_of(FUNCTIONS[name]).example
    assert example, f"{name} has no example."
    unknown = free_names(example) - set(pode_py.__all__) - set(vars(builtins))
    assert not unknown, f"{name}: the example uses {sorted(unknown)}."


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_the_language_is_plain(name: str):
    _check_language(name, docstring_of(PUBLIC[name]).whole)
    for method, value in _methods(PUBLIC[name]):
        _check_language(f"{name}.{method}", inspect.getdoc(value) or "")


@pytest.mark.parametrize("name", sorted(TESTING))
def test_what_tests_use_is_described_in_the_same_form(name: str):
    value = TESTING[name]
    whole = inspect.cleandoc(value.__doc__ or "")
    assert re.match(r"[^\n]+\.(\n\n|$)", whole), f"{name} begins with one sentence in one line."
    found = docstring_of(value, marked=False)
    places = [ORDER.index(part) for part in found.order]
    assert places == sorted(set(places)), f"{name}: {found.order}; the order is {ORDER}."
    if found.parameters:
        signature = list(inspect.signature(value).parameters)
        assert [one for one in signature if one in found.parameters] == list(found.parameters)
    known = {*TESTING, *pode_py.__all__, *vars(builtins), *PLACEHOLDERS}
    assert free_names(found.example) <= known


@pytest.mark.parametrize("name", sorted(TESTING))
def test_what_tests_use_is_described_in_plain_language(name: str):
    _check_language(name, TESTING[name].__doc__ or "")
    for method, value in _methods(TESTING[name]):
        _check_language(f"{name}.{method}", inspect.getdoc(value) or "")


@pytest.mark.parametrize(
    "text",
    [
        "Returns the timers.",
        "Return the timers. Pode: Get-PodeTimer",
        "Return the timers.\n\nPode: Get-PodeTimer.",
    ],
)
def test_another_form_is_noticed(text: str):
    def documented() -> None: ...

    documented.__doc__ = text
    with pytest.raises(ValueError, match="the summary"):
        docstring_of(documented)


def test_the_parts_of_a_docstring_are_found():
    def documented() -> None: ...

    documented.__doc__ = """Do it. Not in Pode.

    It is quick.

    one, two: numbers.
    three: a text that
        goes on.

    Returns nothing.
    Raises nothing.

        documented(1)

        again(2)
    """
    assert docstring_of(documented) == Docstring(
        summary="Do it",
        source="Not in Pode",
        prose="It is quick.",
        parameters=("one", "two", "three"),
        order=("prose", "parameters", "Returns", "Raises"),
        example="documented(1)\n\nagain(2)",
        whole=inspect.cleandoc(documented.__doc__),
    )
    assert free_names("documented(1)\n\nfor x in y: print(x)") == {"documented", "print", "y"}


def _needs_a_line(function: str, parameter: inspect.Parameter) -> bool:
    """Numbers have units or bounds, switches do something, and what Pode lacks says so."""
    if parameter.name in tables.OUR_PARAMETERS.get(function, {}):
        return True
    kinds = {parameter.annotation, *get_args(parameter.annotation)}
    return bool(kinds & {bool, int, float}) and not (parameter.name in PLAIN or str in kinds)


def _choices(annotation: Any) -> list[str]:
    """The words of all Literals in an annotation; "*" and "" are no words."""
    if get_origin(annotation) is Literal:
        return [one for one in get_args(annotation) if isinstance(one, str) and one.strip("*")]
    return [one for part in get_args(annotation) for one in _choices(part)]


def _methods(value: Any) -> list[tuple[str, Any]]:
    if not inspect.isclass(value):
        return []
    return [
        (name, one)
        for name, one in vars(value).items()
        if name[0] != "_" and (inspect.isfunction(one) or isinstance(one, property))
    ]


def _check_language(name: str, text: str) -> None:
    for pattern, instead in FORBIDDEN.items():
        found = re.search(pattern, text)
        assert found is None, f"{name}: {found[0] if found else ''!r}. Write: {instead}."
