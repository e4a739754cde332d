"""Whom recent audiences mean is remembered, and never wrongly."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pode_py.push.connections import audience
from pode_py.push.connections.audience import RecentAudiences
from pode_py.push.connections.store import Store


def member(client_id, *groups):
    return SimpleNamespace(client_id=client_id, names=("Events",), groups=groups)


@pytest.fixture
def store():
    made = Store()
    for number in range(4):
        made.add(member(str(number), f"g{number % 2}"))
    return made


@pytest.fixture
def looked():
    return []


@pytest.fixture
def found(store, looked):
    def find(group):
        looked.append(group)
        return store.select("Events", (group,))

    return RecentAudiences(store, find)


def test_the_same_audience_is_the_same_object_while_nothing_changes(found, looked):
    first = [found.find(group) for group in ("g0", "g1", "g0", "g1")]
    assert first[0] is first[2]
    assert first[1] is first[3]
    assert looked == ["g0", "g1"]


def test_who_comes_and_who_goes_is_seen(store, found):
    assert len(found.find("g0")) == 2
    late = member("late", "g0")
    store.add(late)
    assert late in found.find("g0")
    store.remove(late)
    assert late not in found.find("g0")
    (other,) = [one for one in found.find("g1") if one.client_id == "1"]
    store.change(other, ("Events",), ("g0",))
    assert other in found.find("g0")
    assert other not in found.find("g1")


def test_what_is_found_while_the_store_changes_is_not_kept(store):
    def find(group):
        seen = store.select("Events", (group,))
        store.add(member(f"during {store.version}", group))
        return seen

    found = RecentAudiences(store, find)
    assert [len(found.find("g0")) for _ in range(3)] == [2, 3, 4]


def test_no_more_is_remembered_than_there_is_room_for(found, looked, monkeypatch):
    monkeypatch.setattr(audience, "_MOST_CONNECTIONS", 5)
    for _ in range(3):
        assert [len(found.find(group)) for group in ("g0", "g1", "g2")] == [2, 2, 0]
    assert len(looked) == 3
    monkeypatch.setattr(audience, "_MOST_AUDIENCES", 2)
    for _ in range(3):
        assert [len(found.find(group)) for group in ("g3", "g0", "g1")] == [0, 2, 2]
