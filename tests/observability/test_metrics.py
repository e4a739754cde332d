"""What is counted: requests from many threads, uptime on a clock, figures of other rooms."""

from __future__ import annotations

import math
import threading

import pytest

from pode_py.observability.metrics.metric import Metric
from pode_py.observability.metrics.metrics import Metrics
from pode_py.observability.metrics.requests import BOUNDS, RequestCounts
from pode_py.observability.metrics.uptime import readable
from tests.observability.conftest import HandClock


def test_requests_are_counted_by_status_and_in_all():
    counts = RequestCounts()
    for status in (200, 404, 200, 500):
        request = object()
        counts.began(request)
        counts.ended(request, status, None)
    assert counts.statuses() == {200: 2, 404: 1, 500: 1}
    assert counts.total == 4


def test_a_request_is_active_from_its_begin_to_its_end():
    counts = RequestCounts()
    first, second = object(), object()
    counts.began(first)
    counts.began(second)
    assert counts.active == 2
    counts.ended(first, 200, None)
    assert counts.active == 1
    assert counts.total == 1


def test_no_count_is_lost_among_threads():
    counts = RequestCounts()

    def work() -> None:
        for number in range(2000):
            request = object()
            counts.began(request)
            counts.ended(request, 200 + number % 2, 0.001)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts.statuses() == {200: 8000, 201: 8000}
    assert counts.active == 0
    assert counts.durations().buckets[-1] == (math.inf, 16_000)


def test_a_duration_falls_into_the_buckets_that_are_not_shorter():
    counts = RequestCounts()
    for seconds in (0.0005, 0.3, 60.0):
        counts.ended(object(), 200, seconds)
    durations = counts.durations()
    assert [bound for bound, _ in durations.buckets] == [*BOUNDS, math.inf]
    assert dict(durations.buckets)[0.0005] == 1
    assert dict(durations.buckets)[0.25] == 1
    assert dict(durations.buckets)[0.5] == 2
    assert dict(durations.buckets)[math.inf] == 3
    assert durations.total == pytest.approx(60.3005)


def test_a_request_without_a_duration_is_in_no_bucket():
    counts = RequestCounts()
    counts.ended(object(), 200, None)
    assert counts.durations().buckets[-1][1] == 0


def test_uptime_counts_from_the_start_and_in_total_from_the_first(clock: HandClock):
    first = Metrics(clock)
    clock.advance(2)
    first.mark_started()
    clock.advance(10)
    assert (first.uptime(), first.uptime(total=True), first.restarts) == (10, 12, 0)
    second = Metrics(clock, before=first)
    clock.advance(1)
    second.mark_started()
    clock.advance(4)
    assert (second.uptime(), second.uptime(total=True), second.restarts) == (4, 17, 1)


def test_requests_go_on_counting_over_a_restart(clock: HandClock):
    first = Metrics(clock)
    first.requests.ended(object(), 200, None)
    second = Metrics(clock, before=first)
    second.requests.ended(object(), 200, None)
    assert second.requests.total == 2


def test_figures_of_other_rooms_are_shown_too(clock: HandClock):
    metrics = Metrics(clock)
    own = Metric("gauge", "rooms", "Rooms.", {"a": 1, "b": 2}, "name")
    metrics.add_source(lambda: [own])
    assert own in list(metrics.collect())
    assert list(own.samples()) == [("a", 1), ("b", 2)]


@pytest.mark.parametrize(
    ("milliseconds", "form", "exclude", "text"),
    [
        (0, "concise", False, "0ms"),
        (0, "concise", True, "0ms"),
        (999, "concise", True, "999ms"),
        (1_500, "concise", True, "1s"),
        (93_784_000, "concise", False, "1d 2h 3m 4s"),
        (86_400_000, "concise", False, "1d"),
        (0, "compact", False, "00:00:00:00.000"),
        (8_640_000_000 + 7, "compact", False, "100:00:00:00.007"),
        (93_784_005, "compact", True, "01:02:03:04"),
        (0, "verbose", False, "0 milliseconds"),
        (1, "verbose", False, "1 millisecond"),
        (93_784_005, "verbose", False, "1 day, 2 hours, 3 minutes, 4 seconds, 5 milliseconds"),
        (3_661_000, "verbose", True, "1 hour, 1 minute, 1 second"),
    ],
)
def test_uptime_is_written_as_pode_writes_it(
    milliseconds: int, form: str, exclude: bool, text: str
):
    assert readable(milliseconds, form, exclude_milliseconds=exclude) == text
