"""The route for Prometheus, read by Prometheus' own parser."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics_parser

from pode_py import (
    PodeError,
    StatusError,
    add_endpoint,
    add_metrics_route,
    add_route,
    add_route_group,
    add_timer,
    close_sse_connection,
    convert_to_sse_connection,
    invoke_timer,
    send_sse_event,
    set_sse_slow_client_policy,
)
from pode_py.testing import Client, ClientResponse, LiveServer, fetch

Live = Callable[..., LiveServer]
OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0; charset=utf-8"}


def server() -> None:
    add_metrics_route()
    add_route("get", "/", lambda: "hello")
    add_timer("heartbeat", 3600, lambda: None)

    @add_route("get", "/events")
    def events() -> None:
        convert_to_sse_connection(["Events", "News"])


def samples(
    response: ClientResponse, parse: Callable[[str], Iterable[Any]] | None = None
) -> dict[tuple[str, ...], float]:
    """Every sample by its name and the values of its labels."""
    assert response.status_code == 200, response.text
    families = (parse or parser.text_string_to_metric_families)(response.text)
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def test_requests_are_there_by_status_with_their_durations():
    with Client(server) as client:
        for path in ("/", "/", "/missing"):
            client.get(path)
        found = samples(client.get("/metrics"))
    assert found["pode_requests_total", "200"] == 2
    assert found["pode_requests_total", "404"] == 1
    assert found["pode_requests_active", "processing"] == 1
    assert found["pode_request_duration_seconds_count",] == 3
    assert found["pode_request_duration_seconds_bucket", "+Inf"] == 3
    assert 0 < found["pode_request_duration_seconds_sum",] < 10


def test_streams_are_there_by_name_with_what_they_got():
    with Client(server) as client:
        with client.sse("/events") as stream:
            stream.next("pode.open")
            client.call(send_sse_event, "one", name="Events")
            client.call(send_sse_event, "two", name=["Events", "News"])
            open_now = samples(client.get("/metrics"))
            client.call(close_sse_connection, "Events")
            stream.until_closed()
        ended = samples(client.get("/metrics"))
    assert open_now["pode_sse_connections",] == 1
    assert open_now["pode_sse_name_connections", "Events"] == 1
    assert open_now["pode_sse_name_connections", "News"] == 1
    assert open_now["pode_sse_events_total",] == 2
    assert open_now["pode_sse_deliveries_total",] == 2
    assert open_now["pode_sse_queue_events",] == 2
    assert open_now["pode_sse_queue_bytes",] == len(b"data: one\n\ndata: two\n\n")
    assert ended["pode_sse_connections",] == ended["pode_sse_queue_bytes",] == 0
    assert ("pode_sse_name_connections", "Events") not in ended
    assert ended["pode_sse_opened_total",] == ended["pode_sse_closed_total",] == 1
    assert ended["pode_sse_frames_total",] == 4  # with pode.open and pode.close
    # The first look at the metrics; not the stream.
    assert ended["pode_request_duration_seconds_count",] == 1


def test_what_a_full_queue_dropped_is_counted_also_when_its_stream_is_gone():
    def slow() -> None:
        server()
        set_sse_slow_client_policy("drop_oldest", limit=1024)

    with Client(slow) as client:
        with client.sse("/events") as stream:
            stream.next("pode.open")
            for _ in range(5):
                client.call(send_sse_event, "x" * 400, name="Events")
            before = samples(client.get("/metrics"))["pode_sse_dropped_total",]
        after = samples(client.get("/metrics"))["pode_sse_dropped_total",]
    assert before == after == 3


def test_timers_and_the_process_are_there(live_server: Live):
    live = live_server(server)
    live.call(invoke_timer, "heartbeat")
    found = samples(live.get("/metrics"))
    assert found["pode_timer_runs_total", "heartbeat"] == 0  # by hand is not by its interval
    assert found["pode_connections",] == 1
    assert found["pode_uptime_seconds",] > 0
    assert found["pode_restarts_total",] == 0
    assert found["process_resident_memory_bytes",] > 0
    assert found["process_open_fds",] > 0


@pytest.mark.parametrize(
    "accept", ["", "*/*", "text/html", "application/openmetrics-text;version=x"]
)
def test_plain_text_is_the_answer_to_who_asks_for_nothing_else(accept: str):
    with Client(server) as client:
        response = client.get("/metrics", headers={"Accept": accept} if accept else {})
    assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert response.headers["Vary"] == "Accept"
    assert samples(response)


def test_openmetrics_is_the_answer_to_who_asks_for_it():
    with Client(server) as client:
        client.get("/")
        response = client.get("/metrics", headers=OPENMETRICS)
    assert response.headers["Content-Type"].startswith(
        "application/openmetrics-text; version=1.0.0"
    )
    assert response.text.endswith("# EOF\n")
    found = samples(response, openmetrics_parser.text_string_to_metric_families)
    assert found["pode_requests_total", "200"] == 1


def test_each_server_shows_its_own_figures():
    with Client(server) as one, Client(server) as other:
        one.get("/")
        assert ("pode_requests_total", "200") not in samples(other.get("/metrics"))
        assert samples(one.get("/metrics"))["pode_requests_total", "200"] == 1


def test_middleware_says_who_may_see_it():
    def guard(web_event: Any) -> None:
        if web_event.headers.get("authorization") != "Bearer key":
            raise StatusError(401)

    def guarded() -> None:
        add_metrics_route("/inside", middleware=guard)
        with add_route_group("/admin", middleware=guard):
            add_metrics_route()

    with Client(guarded) as client:
        for path in ("/inside", "/admin/metrics"):
            assert client.get(path).status_code == 401
            assert client.get(path, headers={"Authorization": "Bearer key"}).status_code == 200
        assert client.get("/metrics").status_code == 404


def test_it_may_be_on_one_endpoint_only(live_server: Live):
    def two_doors() -> None:
        add_endpoint(name="outside", port=8080)
        add_endpoint(name="inside", port=8081)
        add_metrics_route(endpoint_name="inside")

    live = live_server(two_doors)
    statuses = [fetch(f"{url}/metrics").status_code for url in live.urls]
    assert statuses == [404, 200]


def test_a_second_route_at_its_path_is_told():
    def twice() -> None:
        add_metrics_route()
        add_metrics_route()

    with pytest.raises(PodeError, match="Route GET /metrics already exists"):
        Client(twice)


def test_durations_are_not_taken_where_nobody_reads_them():
    def plain() -> None:
        add_route("get", "/", lambda: "hello")

    with Client(plain) as client:
        client.get("/")
        counts = client.server.metrics.requests
        assert counts.total == 1
        assert counts.durations().buckets[-1][1] == 0


def test_without_its_package_the_program_ends_with_one_sentence():
    program = """
import sys
sys.modules["prometheus_client"] = None
from pode_py import add_endpoint, add_metrics_route, start_server
def server():
    add_endpoint(port=0)
    add_metrics_route()
start_server(server)
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert ran.stderr == (
        "pode_py: add_metrics_route needs the package prometheus-client. Install it with: "
        'pip install "pode-py[metrics]"\n'
    )
