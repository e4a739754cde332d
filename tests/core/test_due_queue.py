"""DueQueue: due things come out in the order of their times, once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pode_py.core.due_queue import DueQueue


def test_an_empty_agenda_has_nothing_due():
    assert DueQueue[str]().next_due() is None


def test_what_is_due_comes_out_in_order_and_once():
    due_queue: DueQueue[str] = DueQueue()
    due_queue.put("later", 2)
    due_queue.put("first", 1)
    due_queue.put("not yet", 3)
    assert due_queue.take(2) == [("first", 1), ("later", 2)]
    assert due_queue.take(2) == []
    assert due_queue.next_due() == 3


def test_a_thing_put_again_is_moved():
    due_queue: DueQueue[str] = DueQueue()
    due_queue.put("a", 1)
    due_queue.put("a", 5)
    assert due_queue.take(4) == []
    assert due_queue.next_due() == 5


def test_a_discarded_thing_is_not_due():
    due_queue: DueQueue[str] = DueQueue()
    due_queue.put("a", 1)
    due_queue.discard("a")
    due_queue.discard("never there")
    assert due_queue.next_due() is None


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.none() | st.integers(0, 9)), max_size=60))
def test_it_is_a_dictionary_sorted_by_time(steps: list[tuple[str, int | None]]):
    due_queue: DueQueue[str] = DueQueue()
    known: dict[str, int] = {}
    for item, due in steps:
        if due is None:
            due_queue.discard(item)
            known.pop(item, None)
        else:
            due_queue.put(item, due)
            known[item] = due
    assert due_queue.next_due() == min(known.values(), default=None)
    taken = due_queue.take(5)
    assert dict(taken) == {item: due for item, due in known.items() if due <= 5}
    assert [due for _, due in taken] == sorted(due for _, due in taken)
