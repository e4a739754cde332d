"""Rooms stand on floors and look down only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from tests.architecture import rules
from tests.architecture.tree import Module, check, dotted, house_imports, modules

WINGS: Final = list(rules.FLOORS)


def wing(module: str) -> str:
    """`pode_py.web.routing.table` stands in `web`; the front door is `__init__`."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def room(module: str) -> str:
    """`pode_py.web.routing.table` is of the room `routing`; a wing itself is of none."""
    parts = module.split(".")
    return parts[2] if len(parts) > 2 and parts[1] in rules.ROOMS else ""


def test_every_wing_has_its_floor():
    wings = {wing(module.dotted) for module in modules()}
    unknown = wings - set(rules.FLOORS) - {rules.ENGINE}
    assert not unknown, f"Give {sorted(unknown)} a floor in tests/architecture/rules.py."


def test_every_room_has_its_place_in_its_wing():
    for name, rooms in rules.ROOMS.items():
        built = {room(module.dotted) for module in modules() if wing(module.dotted) == name}
        assert built - {""} == set(rooms), f"ROOMS in rules.py lists other rooms of {name}."


def test_imports_look_down():
    check(_upward)


def test_rooms_of_a_wing_look_only_to_rooms_before_them():
    check(_sideways)


def test_the_engine_stands_beside():
    check(_around_the_engine)


def test_the_engines_do_not_know_each_other():
    check(_between_engines, ("engine/*",))


def test_connections_know_no_kind():
    check(_naming_a_kind, rules.KNOWS_NO_KIND)


def test_rooms_are_told_apart():
    assert room(dotted("web/routing/table.py")) == "routing"
    assert room(dotted("web/event.py")) == "event"
    assert room(dotted("web/__init__.py")) == ""
    assert room(dotted("engine/h11/pusher.py")) == ""
    assert wing(dotted("__init__.py")) == "__init__"


def _upward(module: Module) -> Iterator[str]:
    here = wing(module.dotted)
    for line, target in house_imports(module):
        there = wing(target)
        if here != there and rules.ENGINE not in (here, there) and not _is_below(there, here):
            yield module.at(line, f"{here} imports {target}, which does not stand below it.")


def _is_below(there: str, here: str) -> bool:
    """On a lower floor, or before `here` on the same one."""
    floors = rules.FLOORS
    return (floors[there], WINGS.index(there)) < (floors[here], WINGS.index(here))


def _sideways(module: Module) -> Iterator[str]:
    name, here = wing(module.dotted), room(module.dotted)
    rooms = rules.ROOMS.get(name, ())
    for line, target in house_imports(module):
        there = room(target)
        if wing(target) != name or there in ("", here):
            continue
        if here not in rooms or there not in rooms[: rooms.index(here)]:
            yield module.at(
                line,
                f"the room {here} imports {target}, which does not stand before it in {name}.",
            )


def _around_the_engine(module: Module) -> Iterator[str]:
    here = wing(module.dotted)
    for line, target in house_imports(module):
        there = wing(target)
        if here == rules.ENGINE and there not in rules.ENGINE_SEES | {rules.ENGINE}:
            yield module.at(line, f"the engine sees core, http and exchange only, not {target}.")
        if there == rules.ENGINE and here not in rules.ENGINE_IS_SEEN_BY | {rules.ENGINE}:
            yield module.at(line, f"{here} must not see the engine ({target}).")


def _between_engines(module: Module) -> Iterator[str]:
    here = module.dotted.split(".")[2:3]
    for line, target in house_imports(module):
        there = target.split(".")[2:3]
        if wing(target) == rules.ENGINE and here != there and rules.ENGINES & set(there):
            yield module.at(line, f"only {there[0]} itself and the server may import {target}.")


def _naming_a_kind(module: Module) -> Iterator[str]:
    for number, line in enumerate(module.source.splitlines(), 1):
        words = re.findall("[a-z]+", line.lower())
        for kind in rules.KINDS:
            if any(word in {kind, f"{kind}s"} for word in words):
                yield module.at(number, f"this room knows no format, and names {kind}.")
