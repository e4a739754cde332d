"""Zone: walls and instants of a place, and the machine's own clocks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from pode_py.background.schedules.zones import Zone, zone_of


@pytest.fixture
def machine_in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine's own time zone is Europe/Berlin."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_a_naive_datetime_is_one_of_the_zone():
    zone = zone_of("Europe/Berlin")
    assert zone.instant(datetime(2027, 7, 1, 12)) == datetime(2027, 7, 1, 10, tzinfo=UTC)
    assert zone.instant(datetime(2027, 7, 1, 12, tzinfo=UTC)).hour == 12


def test_changes_are_found_to_the_second():
    zone = zone_of(ZoneInfo("Europe/Berlin"))
    year = datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
    spring = zone.next_change(*year)
    assert spring == datetime(2027, 3, 28, 1, tzinfo=UTC)
    assert zone.next_change(spring, year[1]) == datetime(2027, 10, 31, 1, tzinfo=UTC)
    assert zone.next_change(year[0], spring) == spring
    assert zone.next_change(year[0], spring - timedelta(seconds=1)) is None


def test_zones_without_changes_are_not_searched():
    assert zone_of("UTC").fixed
    assert zone_of(timezone(timedelta(hours=5))).fixed
    assert not zone_of("Europe/Berlin").fixed


@pytest.mark.usefixtures("machine_in_berlin")
def test_the_machine_s_own_zone_knows_its_changes():
    zone = zone_of(None)
    assert zone.instant(datetime(2027, 7, 1, 12)) == datetime(2027, 7, 1, 10, tzinfo=UTC)
    assert zone.wall(datetime(2027, 1, 1, tzinfo=UTC)) == datetime(2027, 1, 1, 1)
    found = zone.next_change(datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC))
    assert found == datetime(2027, 3, 28, 1, tzinfo=UTC)


@pytest.mark.usefixtures("machine_in_berlin")
def test_the_machine_s_own_zone_agrees_with_the_named_one():
    own, named = zone_of(None), Zone(ZoneInfo("Europe/Berlin"))
    for hour in range(0, 366 * 24, 1):
        instant = datetime(2027, 1, 1, tzinfo=UTC) + timedelta(hours=hour)
        assert own.offset(instant) == named.offset(instant)


@pytest.mark.parametrize("name", ["Europe/Berln", "", "Europe", "../etc/passwd", "/etc/localtime"])
def test_an_unknown_zone_is_refused_with_a_sentence(name: str):
    with pytest.raises(ValueError, match=r"is not known\. Use a name such as 'Europe/Berlin'"):
        zone_of(name)


def test_a_zone_is_a_name_or_a_tzinfo():
    with pytest.raises(ValueError, match="time_zone=5"):
        zone_of(5)  # type: ignore[arg-type]
