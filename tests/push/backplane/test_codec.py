"""How events travel between nodes as bytes. Pure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from pode_py.push.backplane.codec import PLAIN, REQUEST, STORED, Envelope, EnvelopeBatch, unpack_all
from pode_py.push.connections.audience import Audience

words = some.lists(some.text(), max_size=3).map(tuple)
envelopes = some.builds(
    Envelope,
    kind=some.sampled_from([STORED, PLAIN, REQUEST]),
    origin=some.just("0badcafe"),
    serial=some.integers(0, 2**53),
    audience=some.builds(Audience, words, words, words),
    frame=some.binary(),
    event_id=some.none() | some.text(),
    earlier=some.lists(some.tuples(some.text(), some.integers(0, 2**53)), max_size=3).map(tuple),
    position=some.none(),
    request=some.none() | some.dictionaries(some.text(), some.booleans()),
)


@given(some.lists(envelopes, max_size=5))
def test_envelopes_in_a_row_are_read_as_they_were_written(given_):
    body = b"".join(envelope.pack() for envelope in given_)
    assert list(unpack_all(body)) == given_
    batch = EnvelopeBatch.unpack(b"0badcafe 7 9 00c0ffee\n" + body)
    assert (batch.epoch, batch.before, batch.last, batch.sender) == (
        "0badcafe",
        7,
        9,
        "00c0ffee",
    )
    assert list(batch.envelopes) == given_


def test_halves_of_surrogate_pairs_travel():
    envelope = Envelope(PLAIN, "0badcafe", 1, Audience(("\ud83d",), ("\udc00",)), b"x")
    assert list(unpack_all(envelope.pack())) == [envelope]


@pytest.mark.parametrize("cut", [1, 20, 30, -1])
def test_what_is_cut_off_is_no_envelope(cut):
    body = Envelope(STORED, "0badcafe", 1, Audience(("Events",)), b"data: x\n\n", "own").pack()
    with pytest.raises(ValueError, match=r"cut off|Expecting"):
        list(unpack_all(body[:cut]))


def test_the_same_audience_comes_as_the_same_object():
    body = Envelope(PLAIN, "0badcafe", 1, Audience(("Events",)), b"x").pack() * 2
    one, two = unpack_all(body)
    assert one.audience is two.audience
