"""Cron: Pode's forms, what is wrong with others, and the days on which clocks are changed."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pode_py.background.schedules.cron import PREDEFINED, Cron, parse_cron
from pode_py.background.schedules.zones import Zone

MINUTE = timedelta(minutes=1)
BERLIN = Zone(ZoneInfo("Europe/Berlin"))
NEW_YORK = Zone(ZoneInfo("America/New_York"))
LORD_HOWE = Zone(ZoneInfo("Australia/Lord_Howe"))
IN_UTC = Zone(UTC)


def cron(expression: str, seed: int = 0) -> Cron:
    return parse_cron(expression, random.Random(seed).randint)


def values(expression: str) -> list[tuple[int, ...]]:
    return [field.values for field in cron(expression).fields]


def triggers(expression: str, zone: Zone, start: str, count: int) -> list[str]:
    """The next triggers after a local time, as local times with their offsets."""
    parsed, moment = cron(expression), zone.instant(datetime.fromisoformat(start))
    found = []
    for _ in range(count):
        moment = parsed.next_after(moment, zone)
        found.append(zone.local(moment).strftime("%m-%d %H:%M %z"))
    return found


# Reading.


def test_a_field_is_everything_a_number_a_list_a_range_or_an_interval():
    minute, hour, date, month, day = values("*/20 5 1,15 3-6 *")
    assert minute == (0, 20, 40)
    assert hour == (5,)
    assert date == (1, 15)
    assert month == (3, 4, 5, 6)
    assert day == (0, 1, 2, 3, 4, 5, 6)


def test_an_interval_may_start_later():
    assert values("10/20 2/8 * * *")[:2] == [(10, 30, 50), (2, 10, 18)]


def test_an_interval_of_days_or_months_starts_at_the_first():
    assert values("0 0 */10 */5 *")[2:4] == [(1, 11, 21, 31), (1, 6, 11)]


def test_ranges_may_have_intervals_and_stand_in_lists():
    assert values("1-9/4,30-31,50 * * * *")[0] == (1, 5, 9, 30, 31, 50)


def test_months_and_weekdays_have_names_in_any_case():
    assert values("0 0 * Jan,DEC mon-Fri")[3:] == [(1, 12), (1, 2, 3, 4, 5)]
    assert values("0 0 * * SUN")[4] == (0,)


@pytest.mark.parametrize(("word", "expression"), PREDEFINED.items())
def test_predefined_words_stand_for_expressions(word: str, expression: str):
    assert values(word) == values(f"  {word.upper()} ") == values(expression)


def test_white_space_around_and_between_is_nothing():
    assert values("  0\t 5  * * * ") == values("0 5 * * *")


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("", "needs five fields and has 0"),
        ("* * * *", "and has 4"),
        ("* * * * * *", "and has 6"),
        ("60 * * * *", "minute: 60 must be from 0 to 59"),
        ("* 24 * * *", "hour: 24 must be from 0 to 23"),
        ("* * 0 * *", "day of month: 0 must be from 1 to 31"),
        ("* * 32 * *", "day of month: 32"),
        ("* * * 13 *", "month: 13 must be from 1 to 12"),
        ("* * * 0 *", "month: 0 must be"),
        ("* * * * 7", "day of week: 7 must be from 0 to 6, where 0 is Sunday"),
        ("-1 * * * *", "minute: '-1' is not understood"),
        ("5- * * * *", "minute: '5-' is not understood"),
        ("1,,2 * * * *", "minute: '' is not understood"),
        ("1;2 * * * *", "minute: '1;2' is not understood"),
        ("*/ * * * *", r"minute: '\*/' is not understood"),
        ("*/0 * * * *", "interval of '\\*/0' must be at least 1"),
        ("*/-5 * * * *", "is not understood"),
        ("1.5 * * * *", "is not understood"),
        ("\u0661 * * * *", "is not understood"),
        ("30-10 * * * *", "range '30-10' must go from the lower to the higher"),
        ("0 0 * * FRI-MON", "must go from the lower to the higher"),
        ("0 0 * JUN-13 *", "month: 13"),
        ("0 0 * FOO *", "month: 'FOO' is not known. Use numbers or the names JAN, FEB"),
        ("0 0 * * MONDAY", "day of week: 'MONDAY' is not known"),
        ("0 MON * * *", "hour: 'MON' is not known. Use numbers or R"),
        ("R,5 * * * *", "minute: 'r' is not understood. .*alone"),
        ("R/5 * * * *", "is not understood"),
        ("70/R * * * *", "minute: 70 must be from 0 to 59"),
        ("0 0 L * *", "'L' is not known"),
        ("0 0 ? * *", "'\\?' is not understood"),
        ("0 0 * * 1#2", "is not understood"),
        ("H * * * *", "'H' is not known"),
        ("0 0 31 4 *", "April has only 30 days, but the day of month is 31"),
        ("0 0 30 2 *", "February has only 29 days"),
        ("0 0 31 1,2 *", "February has only 29 days"),
        ("0 0 30-31 2 *", "names a date that never comes"),
        ("@never", "'@never' is not known. Use one of: @minutely, @hourly"),
        ("@reboot", "Pass on_start=True"),
        ("hello", "and has 1"),
    ],
)
def test_a_wrong_expression_is_refused_with_a_sentence(expression: str, problem: str):
    with pytest.raises(ValueError, match=problem) as caught:
        cron(expression)
    assert repr(expression) in str(caught.value)
    assert str(caught.value).endswith(".")


def test_an_expression_is_a_str():
    with pytest.raises(TypeError, match="cron takes a str"):
        parse_cron(5, random.Random(0).randint)  # type: ignore[arg-type]


# Random fields.


def test_r_is_a_random_value_that_is_drawn_again():
    chance = random.Random(0)
    parsed = parse_cron("R R * * *", chance.randint)
    drawn = set()
    for _ in range(300):
        drawn.add(parsed.fields[0].values)
        assert 0 <= parsed.fields[0].values[0] <= 59
        assert 0 <= parsed.fields[1].values[0] <= 23
        parsed = parsed.redrawn(chance.randint)
    assert len(drawn) > 30


def test_x_r_has_its_first_value_once():
    chance = random.Random(4)
    parsed = parse_cron("30/R * * * *", chance.randint)
    assert parsed.fields[0].values == (30,)
    assert {parsed.redrawn(chance.randint).fields[0].values for _ in range(50)} != {(30,)}


def test_star_r_begins_with_the_lowest():
    assert [field.values for field in cron("*/R * */R * *").fields][0:3:2] == [(0,), (1,)]


def test_what_is_not_random_is_not_drawn():
    parsed = cron("5 * * * *")
    assert parsed.redrawn(random.Random(0).randint) is parsed


@pytest.mark.parametrize("expression", ["0 0 R R *", "0 0 31 R *", "0 0 R 2 *", "0 0 31/R R R"])
def test_chance_never_chooses_a_date_that_does_not_come(expression: str):
    for seed in range(200):
        chance = random.Random(seed)
        parsed = parse_cron(expression, chance.randint)
        for _ in range(3):
            found = parsed.next_after(datetime(2025, 3, 1, tzinfo=UTC), IN_UTC)
            assert found.year < 2100
            parsed = parsed.redrawn(chance.randint)


# Times.


@pytest.mark.parametrize(
    ("expression", "start", "following"),
    [
        ("* * * * *", "2027-01-01T00:00", "2027-01-01T00:01"),
        ("* * * * *", "2027-01-01T00:00:59.999999", "2027-01-01T00:01"),
        ("0 * * * *", "2027-01-01T00:00", "2027-01-01T01:00"),
        ("0 0 * * *", "2027-12-31T23:59", "2028-01-01T00:00"),
        ("0 0 1 1 *", "2027-01-01T00:00", "2028-01-01T00:00"),
        ("20,40 3 15 * *", "2027-01-15T03:20", "2027-01-15T03:40"),
        ("0 0 31 * *", "2027-01-31T12:00", "2027-03-31T00:00"),
        ("0 0 30,31 * *", "2027-02-01T00:00", "2027-03-30T00:00"),
        ("0 0 29 2 *", "2024-02-29T00:00", "2028-02-29T00:00"),
        ("0 0 29 2 *", "2096-02-29T00:00", "2104-02-29T00:00"),
        # Both day fields must suit, as in Pode: Friday the 13th.
        ("0 0 13 * FRI", "2027-01-01T00:00", "2027-08-13T00:00"),
        ("0 0 29 2 MON", "2024-03-01T00:00", "2044-02-29T00:00"),
        ("0 0 1-7 * MON", "2027-01-05T00:00", "2027-02-01T00:00"),
        ("0 12 * * 0", "2027-01-01T00:00", "2027-01-03T12:00"),
    ],
)
def test_the_next_time_on_a_clock_that_is_never_changed(
    expression: str, start: str, following: str
):
    moment = IN_UTC.instant(datetime.fromisoformat(start))
    found = cron(expression).next_after(moment, IN_UTC)
    assert found == IN_UTC.instant(datetime.fromisoformat(following))


def test_leap_years_are_right_from_2024_to_2104():
    moment, found = datetime(2023, 1, 1, tzinfo=UTC), []
    while moment.year < 2104:
        moment = cron("0 0 29 2 *").next_after(moment, IN_UTC)
        found.append(moment.year)
    assert found == [year for year in range(2024, 2105, 4) if year != 2100]


def test_a_time_that_is_skipped_runs_at_the_change():
    assert triggers("30 2 * * *", BERLIN, "2027-03-27T03:00", 3) == [
        "03-28 03:00 +0200",
        "03-29 02:30 +0200",
        "03-30 02:30 +0200",
    ]


def test_all_times_that_are_skipped_together_run_once():
    assert triggers("*/5 2 * * *", BERLIN, "2027-03-28T01:00", 2) == [
        "03-28 03:00 +0200",
        "03-29 02:00 +0200",
    ]
    assert triggers("0 2,3 * * *", BERLIN, "2027-03-28T01:00", 2) == [
        "03-28 03:00 +0200",
        "03-29 02:00 +0200",
    ]


def test_a_skipped_time_right_after_a_trigger_is_not_lost():
    assert triggers("59 1,2 * * *", BERLIN, "2027-03-28T00:00", 3) == [
        "03-28 01:59 +0100",
        "03-28 03:00 +0200",
        "03-29 01:59 +0200",
    ]


def test_a_time_that_comes_twice_runs_the_first_time_only():
    assert triggers("30 2 * * *", BERLIN, "2027-10-31T00:00", 2) == [
        "10-31 02:30 +0200",
        "11-01 02:30 +0100",
    ]
    assert triggers("30 1 * * *", NEW_YORK, "2027-11-07T00:00", 2) == [
        "11-07 01:30 -0400",
        "11-08 01:30 -0500",
    ]


def test_an_interval_keeps_real_time_when_the_clocks_are_changed():
    for start in ("2027-03-28T01:40", "2027-10-31T01:40"):
        moment, parsed = BERLIN.instant(datetime.fromisoformat(start)), cron("*/15 * * * *")
        for _ in range(20):
            following = parsed.next_after(moment, BERLIN)
            assert following - moment <= 15 * MINUTE
            moment = following


def test_an_hourly_job_keeps_real_time():
    assert triggers("10 * * * *", BERLIN, "2027-03-28T01:00", 3) == [
        "03-28 01:10 +0100",
        "03-28 03:10 +0200",
        "03-28 04:10 +0200",
    ]
    assert triggers("10 * * * *", BERLIN, "2027-10-31T02:00", 3) == [
        "10-31 02:10 +0200",
        "10-31 02:10 +0100",
        "10-31 03:10 +0100",
    ]


def test_every_two_hours_runs_twelve_times_on_every_day():
    for start in ("2027-03-27T23:59", "2027-03-28T23:59", "2027-10-30T23:59"):
        day = triggers("0 */2 * * *", BERLIN, start, 12)
        assert len({one[:5] for one in day}) == 1


def test_a_change_of_half_an_hour_loses_and_doubles_nothing():
    # 2027-10-03: from 02:00 to 02:30. 2027-04-04: from 02:00 back to 01:30.
    assert triggers("15 * * * *", LORD_HOWE, "2027-10-03T01:00", 3) == [
        "10-03 01:15 +1030",
        "10-03 02:30 +1100",
        "10-03 03:15 +1100",
    ]
    assert triggers("45 * * * *", LORD_HOWE, "2027-04-04T01:00", 2) == [
        "04-04 01:45 +1100",
        "04-04 02:45 +1030",
    ]
    assert triggers("*/10 * * * *", LORD_HOWE, "2027-10-03T01:45", 3) == [
        "10-03 01:50 +1030",
        "10-03 02:30 +1100",
        "10-03 02:40 +1100",
    ]


# Against enumeration.


def brute_force(expression: Cron, tz: ZoneInfo, start: datetime, minutes: int) -> list[datetime]:
    """Look at every minute, with the rules of the module written down a second way."""
    allowed = [set(field.values) for field in expression.fields]
    every_hour = len(allowed[1]) == 24

    def matches(wall: datetime) -> bool:
        shown = (wall.minute, wall.hour, wall.day, wall.month, wall.isoweekday() % 7)
        return all(value in field for value, field in zip(shown, allowed, strict=True))

    def by_real_time(shift: timedelta) -> bool:
        step = int(shift / MINUTE)
        return every_hour and {(minute + step) % 60 for minute in allowed[0]} == allowed[0]

    found: list[datetime] = []
    # The day before, to know which walls were shown already.
    instant = start - timedelta(days=1)
    before = instant.astimezone(tz)
    latest = before.replace(tzinfo=None)
    repeated_by_real_time = True
    while instant < start + minutes * MINUTE:
        instant += MINUTE
        now = instant.astimezone(tz)
        wall = now.replace(tzinfo=None)
        shift = (now.utcoffset() or timedelta()) - (before.utcoffset() or timedelta())
        fires = matches(wall)
        if shift > timedelta() and not by_real_time(shift):
            skipped = before.replace(tzinfo=None) + MINUTE
            while skipped < wall:
                fires = fires or matches(skipped)
                skipped += MINUTE
        if shift < timedelta():
            repeated_by_real_time = by_real_time(shift)
        if wall <= latest and not repeated_by_real_time:
            fires = False
        latest = max(latest, wall)
        if fires and instant > start:
            found.append(instant)
        before = now
    return found


def fields(lowest: int, highest: int) -> st.SearchStrategy[str]:
    number = st.integers(lowest, highest)
    return st.one_of(
        st.just("*"),
        number.map(str),
        st.lists(number, min_size=2, max_size=4).map(lambda some: ",".join(map(str, some))),
        st.tuples(number, number).map(lambda pair: f"{min(pair)}-{max(pair)}"),
        st.integers(2, highest).map(lambda step: f"*/{step}"),
        st.tuples(number, st.integers(1, highest)).map(lambda pair: f"{pair[0]}/{pair[1]}"),
    )


# Days around which clocks are changed, and an ordinary one.
WINDOWS = {
    "Europe/Berlin": ["2027-03-27T22:00", "2027-10-30T22:00", "2027-06-01T00:00"],
    "America/New_York": ["2027-03-14T03:00", "2027-11-07T02:00", "2027-12-31T12:00"],
    "Australia/Lord_Howe": ["2027-10-02T10:00", "2027-04-03T10:00", "2028-02-28T12:00"],
}


@settings(max_examples=300)
@given(
    window=st.sampled_from([(zone, start) for zone, all_ in WINDOWS.items() for start in all_]),
    offset=st.integers(0, 120),
    expression=st.tuples(
        fields(0, 59),
        fields(0, 23),
        st.sampled_from(["*", "*", "28", "1-15", "*/2"]),
        st.just("*"),
        st.sampled_from(["*", "*", "0", "SAT,SUN", "1-5"]),
    ).map(" ".join),
)
@example(window=("Europe/Berlin", "2027-03-27T22:00"), offset=0, expression="59 1,2 * * *")
@example(window=("Australia/Lord_Howe", "2027-10-02T10:00"), offset=0, expression="0,30 * * * *")
def test_next_after_is_what_enumeration_finds(
    window: tuple[str, str], offset: int, expression: str
):
    name, begin = window
    start = datetime.fromisoformat(begin).replace(tzinfo=UTC) + offset * MINUTE
    parsed = cron(expression)
    expected = brute_force(parsed, ZoneInfo(name), start, 10 * 60)
    zone, found = Zone(ZoneInfo(name)), []
    moment = parsed.next_after(start, zone)
    while moment <= start + timedelta(hours=10):
        found.append(moment)
        moment = parsed.next_after(moment, zone)
    assert found == expected


@given(
    start=st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)),
    minute=fields(0, 59),
    hour=fields(0, 23),
    day=fields(0, 6),
    name=st.sampled_from(sorted(WINDOWS)),
)
def test_no_time_is_lost_or_doubled(start: datetime, minute: str, hour: str, day: str, name: str):
    parsed, zone = cron(f"{minute} {hour} * * {day}"), Zone(ZoneInfo(name))
    moment = start.replace(tzinfo=UTC)
    first = parsed.next_after(moment, zone)
    assert first > moment
    # Any question between now and the next trigger has the same answer.
    middle = moment + (first - moment) / 2
    assert parsed.next_after(middle, zone) == first
    assert parsed.next_after(first - timedelta(microseconds=1), zone) == first
    assert parsed.next_after(first, zone) > first
