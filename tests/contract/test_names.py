"""Every function that Pode has too is spelled and parametrised as Pode's is.

Whoever knows Pode's name knows ours; what differs stands in tables.py with its reason.
"""

from __future__ import annotations

import inspect

import pytest

from tests.contract import tables
from tests.contract.names import allowed, exported, facades, functions, present, table

OF_PODE = sorted(name for name in functions() if name in table())
POSITIONAL_KINDS = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
)


def test_every_public_name_is_pode_s_or_declared_as_ours():
    known = {*table(), *tables.ALIASES, *tables.OURS}
    unknown = sorted({*exported(), *functions()} - known)
    assert not unknown, f"{unknown}: not in Pode's table. If they are ours, add them to OURS."


def test_what_a_room_offers_is_on_the_front_door():
    if not present():
        pytest.skip("The front door exports nothing yet.")
    hidden = sorted(set(facades()) - set(exported()))
    assert not hidden, f"pode_py/__init__.py does not export {hidden}."


@pytest.mark.parametrize("name", OF_PODE)
def test_parameters_are_pode_s(name: str):
    row = table()[name]
    have = set(_parameters(name))
    ours = set(tables.OUR_PARAMETERS.get(name, {}))
    surplus = sorted(have - set(row.parameters) - ours)
    missing = sorted(set(row.parameters) - have - set(allowed(name)))
    complaints = []
    if surplus:
        complaints.append(f"{surplus} are not Pode's. If they are ours: OUR_PARAMETERS.")
    if missing:
        complaints.append(f"{missing} are missing. If there is a reason: NOT_MEANINGFUL, LATER.")
    assert not complaints, f"{name} ({row.pode}): {' '.join(complaints)}"


@pytest.mark.parametrize("name", sorted(functions()))
def test_few_parameters_are_positional(name: str):
    positional = [p.name for p in _parameters(name).values() if p.kind in POSITIONAL_KINDS]
    expected = tables.POSITIONAL.get(name)
    if expected is not None:
        assert tuple(positional) == expected, f"{name}: positional are {expected}."
    else:
        assert len(positional) <= 3, f"{name}: make all after {positional[:3]} keyword-only."


@pytest.mark.parametrize("name", sorted(functions()))
def test_no_function_takes_names_it_does_not_declare(name: str):
    kinds = {parameter.kind for parameter in _parameters(name).values()}
    assert inspect.Parameter.VAR_KEYWORD not in kinds, f"{name}: name what **kwargs stands for."
    if name not in tables.TAKES_SEVERAL:
        assert inspect.Parameter.VAR_POSITIONAL not in kinds, f"{name}: name what *args stands for."


@pytest.mark.parametrize("name", OF_PODE)
def test_switches_are_keyword_only_and_off(name: str):
    for switch in table()[name].switches & set(_parameters(name)):
        parameter = _parameters(name)[switch]
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY, f"{name}: {switch} by keyword."
        assert parameter.default is False, f"{name}: {switch} is a switch: bool = False."


@pytest.mark.parametrize("name", sorted(name for name in functions() if name.startswith("test")))
def test_pytest_does_not_collect_our_functions(name: str):
    assert getattr(functions()[name], "__test__", True) is False, f"{name}.__test__ = False"


@pytest.mark.parametrize("alias", sorted(tables.ALIASES))
def test_an_alias_is_its_function(alias: str):
    target = tables.ALIASES[alias]
    assert target in table()
    if target in exported():
        assert exported().get(alias) is exported()[target]
    else:
        assert alias not in exported()


def test_what_has_no_meaning_is_pode_s_and_not_exported():
    assert set(tables.NO_MEANING) <= set(table())
    assert not set(tables.NO_MEANING) & set(exported())


def test_the_tables_of_parameters_have_no_stale_rows():
    stale = [
        f"{kind}: {name}.{parameter}"
        for kind, rows in (("LATER", tables.LATER), ("NOT_MEANINGFUL_IN", tables.NOT_MEANINGFUL_IN))
        for name, parameters in rows.items()
        for parameter in parameters
        if parameter not in table()[name].parameters
        or (name in functions() and parameter in _parameters(name))
    ]
    stale += [
        f"OUR_PARAMETERS: {name}.{parameter}"
        for name, parameters in tables.OUR_PARAMETERS.items()
        for parameter in parameters
        if name in functions() and parameter not in _parameters(name)
    ]
    assert not stale


def test_the_table_is_whole():
    assert len(table()) == 547


def _parameters(name: str) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(functions()[name]).parameters)
