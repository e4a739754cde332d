"""Agenda: due things come out in the order of their times, once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pode_py.background.agenda import Agenda


def test_an_empty_agenda_has_nothing_due():
    assert Agenda[str]().next_due() is None


def test_what_is_due_comes_out_in_order_and_once():
    agenda: Agenda[str] = Agenda()
    agenda.put("later", 2)
    agenda.put("first", 1)
    agenda.put("not yet", 3)
    assert agenda.take(2) == [("first", 1), ("later", 2)]
    assert agenda.take(2) == []
    assert agenda.next_due() == 3


def test_a_thing_put_again_is_moved():
    agenda: Agenda[str] = Agenda()
    agenda.put("a", 1)
    agenda.put("a", 5)
    assert agenda.take(4) == []
    assert agenda.next_due() == 5


def test_a_discarded_thing_is_not_due():
    agenda: Agenda[str] = Agenda()
    agenda.put("a", 1)
    agenda.discard("a")
    agenda.discard("never there")
    assert agenda.next_due() is None


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.none() | st.integers(0, 9)), max_size=60))
def test_it_is_a_dictionary_sorted_by_time(steps: list[tuple[str, int | None]]):
    agenda: Agenda[str] = Agenda()
    known: dict[str, int] = {}
    for item, due in steps:
        if due is None:
            agenda.discard(item)
            known.pop(item, None)
        else:
            agenda.put(item, due)
            known[item] = due
    assert agenda.next_due() == min(known.values(), default=None)
    taken = agenda.take(5)
    assert dict(taken) == {item: due for item, due in known.items() if due <= 5}
    assert [due for _, due in taken] == sorted(due for _, due in taken)
