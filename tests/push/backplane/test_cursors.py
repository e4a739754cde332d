"""What a cursor says, and what it means after Redis has lost events. Pure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from pode_py.push.backplane.cursors import Cursor
from pode_py.push.backplane.epochs import PastEpoch, PastEpochs

OLD, NEW, NEWER = "0badcafe", "00c0ffee", "deadbeef"
A, B = "aaaaaaaa", "bbbbbbbb"

nodes = some.text("0123456789abcdef", min_size=8, max_size=8)
numbers = some.integers(0, 10**15 - 1)


@given(
    nodes,
    numbers,
    some.dictionaries(nodes, some.tuples(numbers, some.none() | some.tuples(numbers, numbers))),
)
def test_a_cursor_is_read_as_it_was_written(epoch, number, pairs):
    cursor = Cursor(
        epoch,
        number,
        {node: serial for node, (serial, _) in pairs.items()},
        {node: hole for node, (_, hole) in pairs.items() if hole is not None},
    )
    assert Cursor.parse(str(cursor)) == cursor


@given(some.text())
def test_any_text_is_a_cursor_or_none(text):
    assert Cursor.parse(text) is None or text.startswith(str(Cursor.parse(text))[:9])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0badcafe",
        "0badcafe-",
        "0badcafe-x",
        "0BADCAFE-1",
        "0badcafe-1~",
        "0badcafe-1~aaaaaaaa",
        "0badcafe-1~aaaaaaaa~",
        "0badcafe-1~aaaaaaaa~1.",
        "0badcafe-1~aaaaaaaa~1.2",
        "0badcafe-1 ",
        "0badcafe-" + "9" * 16,
        "0badcafe-٣",
    ],
)
def test_nothing_else_is_one(text):
    assert Cursor.parse(text) is None


def test_it_covers_numbers_pairs_and_no_hole():
    cursor = Cursor(OLD, 10, {A: 5}, {A: (3, 4)})
    assert cursor.covers(10, B, 99)
    assert not cursor.covers(11, B, 1)
    assert cursor.covers(11, A, 5)
    assert not cursor.covers(11, A, 4)
    assert not cursor.covers(None, A, 3)
    assert cursor.covers(None, A, 2)
    assert not cursor.covers(None, A, 6)


def test_a_hole_closes_from_its_front():
    cursor = Cursor(OLD, 1, {A: 9}).with_hole(A, 3, 4)
    assert cursor.is_in_hole(A, 3)
    assert not cursor.with_hole(A, 4, 4).is_in_hole(A, 3)
    assert cursor.with_hole(A, 5, 4).holes == {}


def test_two_views_joined_are_the_greater_of_each():
    assert Cursor(OLD, 5, {A: 1, B: 7}).joined(9, {A: 3}) == Cursor(OLD, 9, {A: 3, B: 7})


@pytest.fixture
def past_epochs():
    """The old epoch forked at 10; its 11, 12 and 13 were lost, and are known."""
    past_epochs = PastEpochs()
    lost = [(11, A, 4), (12, B, 2), (13, A, 5)]
    past_epochs.add(
        PastEpoch(OLD, 10, 10, NEW, known=13, lost=lost, evicted={"few": 12}, forgotten=3)
    )
    return past_epochs


@pytest.mark.parametrize(
    ("number", "present"),
    [
        (4, Cursor(NEW, 4)),
        (10, Cursor(NEW, 10)),
        (11, Cursor(NEW, 10, {A: 4})),
        (12, Cursor(NEW, 10, {A: 4, B: 2})),
        (13, Cursor(NEW, 10, {A: 5, B: 2})),
    ],
)
def test_a_cursor_of_an_epoch_that_lost_events_is_put_into_the_next_one_s_terms(
    past_epochs, number, present
):
    assert past_epochs.present(Cursor(OLD, number), NEW, ["many"]) == present


def test_its_pairs_and_holes_stay(past_epochs):
    cursor = Cursor(OLD, 11, {A: 9, B: 1}, {A: (7, 8)})
    assert past_epochs.present(cursor, NEW, ["many"]) == Cursor(NEW, 10, {A: 9, B: 1}, {A: (7, 8)})


def test_what_had_been_forgotten_before_is_unknown(past_epochs):
    assert past_epochs.present(Cursor(OLD, 11), NEW, ["few"]) is None
    assert past_epochs.present(Cursor(OLD, 12), NEW, ["few"]) is not None
    assert past_epochs.present(Cursor(NEWER, 1), NEW, ["many"]) is None


def test_several_losses_are_followed_one_after_another(past_epochs):
    past_epochs.add(PastEpoch(NEW, 10, 10, NEWER, known=11, lost=[(11, B, 3)]))
    assert past_epochs.present(Cursor(OLD, 11), NEWER, ["many"]) == Cursor(NEWER, 10, {A: 4})
    assert past_epochs.present(Cursor(NEW, 11), NEWER, ["many"]) == Cursor(NEWER, 10, {B: 3})


def test_an_unknown_epoch_is_learnt_from_what_comes_again():
    past_epochs = PastEpochs()
    past_epochs.learn((OLD, 12), A, 4, NEW)
    past_epochs.learn((OLD, 14), A, 6, NEW)
    past_epochs.learn((OLD, 13), B, 1, NEW)
    # What else there may have been up to 13 can still come.
    assert past_epochs.present(Cursor(OLD, 13), NEW, []) == Cursor(NEW, 0, {A: 4, B: 1, OLD: 13})
    assert past_epochs.present(Cursor(OLD, 10), NEW, ["any"]) is None


def test_who_has_seen_more_than_the_node_keeps_what_it_saw_as_a_pair(past_epochs):
    seen = past_epochs.present(Cursor(OLD, 15), NEW, ["many"])
    assert seen == Cursor(NEW, 10, {A: 5, B: 2, OLD: 15})
    assert seen.covers(30, B, 9, [(OLD, 15)])
    assert not seen.covers(30, B, 9, [(OLD, 16)])
    assert not seen.covers(30, B, 9, [(NEWER, 1)])
    # Another node knows who sent that: there the pair is not needed.
    other = PastEpochs()
    lost = [(11, A, 4), (12, B, 2), (13, A, 5), (14, B, 3), (15, A, 6)]
    other.add(PastEpoch(OLD, 10, 10, NEW, known=15, lost=lost))
    assert other.present(seen, NEW, ["many"]) == Cursor(NEW, 10, {A: 6, B: 3})


def test_only_the_latest_epochs_are_remembered():
    past_epochs = PastEpochs()
    for number in range(20):
        past_epochs.add(PastEpoch(f"{number:08x}", 5, 5, f"{number + 1:08x}"))
    assert past_epochs.present(Cursor(f"{1:08x}", 2), f"{20:08x}", []) is None
    assert past_epochs.present(Cursor(f"{15:08x}", 2), f"{20:08x}", []) == Cursor(f"{20:08x}", 2)
