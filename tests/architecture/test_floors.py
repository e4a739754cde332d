"""Rooms stand on floors and look down only."""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from tests.architecture import rules
from tests.architecture.tree import PACKAGE, Module, check, dotted, house_imports, modules, report


def wing(module: str) -> str:
    """`pode_py.web.routing.table` stands in `web`; the front door is `__init__`."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def room(module: str) -> str:
    """`pode_py.web.routing.table` is of `web.routing`, `pode_py.engine.h11.pusher` of `engine`."""
    parts = module.split(".")[1:]
    if not parts or parts[0] in rules.ONE_ROOM_WINGS:
        return wing(module)
    whole = ".".join(parts)
    return whole if whole in rules.ONE_FILE_ROOMS else ".".join(parts[:2])


def test_every_wing_has_its_floor():
    wings = {wing(module.dotted) for module in modules()}
    unknown = wings - set(rules.FLOORS) - {rules.ENGINE}
    assert not unknown, f"Give {sorted(unknown)} a floor in tests/architecture/rules.py."


def test_imports_look_down():
    check(_upward)


def test_the_engine_stands_beside():
    check(_around_the_engine)


def test_engines_never_see_each_other():
    check(_across_engines)


def test_rooms_of_one_floor_import_each_other_only_as_listed():
    check(_sideways)


def test_no_listed_pair_of_rooms_is_left_over():
    used = {
        (room(module.dotted), room(target))
        for module in modules()
        for _, target in house_imports(module)
    }
    # A room that is not built yet keeps its rows.
    built = {here for here, there in used if here != there}
    listed = {(a, b) for a, others in rules.SAME_FLOOR.items() for b in others if a in built}
    report(f"{a} does not import {b}: take it out of SAME_FLOOR." for a, b in listed - used)


def test_the_listed_pairs_make_no_circle():
    try:
        TopologicalSorter(rules.SAME_FLOOR).prepare()
    except CycleError as error:
        report([f"SAME_FLOOR goes in a circle: {' -> '.join(error.args[1])}."])


def test_rooms_are_told_apart():
    assert room(dotted("web/routing/table.py")) == "web.routing"
    assert room(dotted("web/routing/pattern.py")) == "web.routing.pattern"
    assert room(dotted("web/event.py")) == "web.event"
    assert room(dotted("engine/h11/pusher.py")) == "engine"
    assert wing(dotted("__init__.py")) == "__init__"


def test_engines_are_told_apart():
    assert _engine(dotted("engine/h11/pusher.py")) == "h11"
    assert not _engine(dotted("engine/port.py"))
    assert not _engine(dotted("asgi.py"))


def _upward(module: Module) -> Iterator[str]:
    here = wing(module.dotted)
    for line, target in house_imports(module):
        there = wing(target)
        if rules.ENGINE in (here, there):
            continue
        if rules.FLOORS.get(there, 0) > rules.FLOORS.get(here, 0):
            yield module.at(line, f"{here} imports {target}, which stands on a higher floor.")


def _around_the_engine(module: Module) -> Iterator[str]:
    here = wing(module.dotted)
    for line, target in house_imports(module):
        there = wing(target)
        if here == rules.ENGINE and there not in rules.ENGINE_SEES | {rules.ENGINE}:
            yield module.at(line, f"the engine sees core, http and exchange only, not {target}.")
        if there == rules.ENGINE and here not in rules.ENGINE_IS_SEEN_BY | {rules.ENGINE}:
            yield module.at(line, f"{here} must not see the engine ({target}).")


def _across_engines(module: Module) -> Iterator[str]:
    here = _engine(module.dotted)
    for line, target in house_imports(module):
        there = _engine(target)
        if here and there and here != there:
            yield module.at(line, f"what both engines need stands in engine/, not in {target}.")


def _engine(module: str) -> str:
    """`pode_py.engine.h11.pusher` is of `h11`; what all engines share is of none."""
    if wing(module) != rules.ENGINE:
        return ""
    folder = module.removeprefix(f"{PACKAGE}.{rules.ENGINE}").strip(".").partition(".")[0]
    return folder if folder in rules.ENGINES else ""


def _sideways(module: Module) -> Iterator[str]:
    here = room(module.dotted)
    for line, target in house_imports(module):
        there = room(target)
        if there in (here, PACKAGE) or rules.ENGINE in (wing(module.dotted), wing(target)):
            continue
        same = rules.FLOORS.get(wing(module.dotted)) == rules.FLOORS.get(wing(target))
        if same and there not in rules.SAME_FLOOR.get(here, frozenset()):
            yield module.at(
                line,
                f"the room {here} imports {there} of the same floor; SAME_FLOOR has no such row.",
            )
