"""The picture shows every goal that was measured, for better to the right."""

import re
from xml.etree import ElementTree

import pytest

from bench.goals import Outcome
from bench.plot import LEFT, RIGHT, picture
from bench.scenario import Column, Goal

SVG = "{http://www.w3.org/2000/svg}"
COLUMN = Column("wait", lambda figures: figures["wait"], "{:.1f} ms".format, -1)


def outcome(value: float | None, peer: str = "", **limit: float) -> Outcome:
    against = (peer,) if peer else ()
    return Outcome("any", Goal("wait & see", "wait", against=against, **limit), COLUMN, value, peer)


def bars(text: str) -> list[ElementTree.Element]:
    drawn = ElementTree.fromstring(text)
    return [one for one in drawn.iter(f"{SVG}rect") if one.get("class") != "ground"]


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (outcome(5.0, at_most=10), "reached"),
        (outcome(20.0, at_most=10), "missed"),
        (outcome(4.0, "peer", at_least=3), "reached"),
        (outcome(2.0, "peer", at_least=3), "missed"),
        (outcome(1.1, "peer", at_most=1.15), "reached"),
        (outcome(1.2, "peer", at_most=1.15), "missed"),
    ],
)
def test_a_bar_says_whether_the_goal_is_reached(found, kind):
    (bar,) = bars(picture([found]))
    assert bar.get("class") == kind == ("reached" if found.met else "missed")


def test_twice_as_good_and_half_as_good_are_as_long_and_on_either_side_of_one():
    better, worse = bars(picture([outcome(5.0, at_most=10), outcome(20.0, at_most=10)]))
    assert better.get("width") == worse.get("width")
    ends = float(worse.get("x", "")) + float(worse.get("width", ""))
    assert ends == pytest.approx(float(better.get("x", "")), abs=0.2)


def test_bars_stay_within_the_axis():
    found = [outcome(value, "peer", at_least=3) for value in (0.002, 1.0, 99_999.0)]
    for bar in bars(picture(found)):
        start = float(bar.get("x", ""))
        assert LEFT <= start <= start + float(bar.get("width", "")) <= RIGHT


def test_what_has_no_ratio_is_left_out():
    absent = [outcome(None, at_most=1), outcome(0.0, at_most=0), outcome(3.0, at_most=0)]
    assert bars(picture(absent)) == []
    assert len(bars(picture([*absent, outcome(1.0, at_most=1)]))) == 1


def test_names_are_escaped_and_the_peer_is_named():
    texts = [
        one.text
        for one in ElementTree.fromstring(picture([outcome(2.0, "A<B", at_least=1)])).iter()
    ]
    assert "wait & see: A<B" in texts


def test_it_can_be_read_on_dark_ground():
    text = picture([outcome(1.0, at_most=1)])
    assert re.search(r"prefers-color-scheme: dark", text)
