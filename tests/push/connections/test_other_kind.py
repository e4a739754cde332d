"""A kind of connection that is no event stream stands on push/connections alone.

It is called Beep: a frame is its length, a colon and the text; a line greets, pings and ends.
"""

from __future__ import annotations

import http.client
from contextlib import contextmanager
from typing import Any

import pytest

from pode_py import add_route, web_event
from pode_py.core import ambient
from pode_py.exchange.overflow import OutboxLimits
from pode_py.exchange.stream import Keepalive
from pode_py.http.response import Response
from pode_py.push.connections.admission import ConnectionLimits
from pode_py.push.connections.audience import Audience
from pode_py.push.connections.connection import ConnectionOptions, PushConnection
from pode_py.push.connections.hub import PushHub
from pode_py.push.connections.identify import identify
from pode_py.push.connections.max_age import MaxAge
from pode_py.push.sse.hub import SseHub
from tests.push.house import SOON, eventually


class Beep(PushConnection):
    __slots__ = ()

    def last_frames(self, *, reconnect: bool, retry: int | None) -> list[bytes]:
        return [b"again\n" if reconnect else b"never again\n"]


class BeepHub(PushHub[Beep, ConnectionOptions]):
    kind = "Beep"
    noun = "beeps"

    def head_of(self, event: Any, options: ConnectionOptions, client_id: str) -> Response:
        head = Response(200)
        head.headers["X-Beep-Id"] = client_id
        return head

    def keepalive_of(self, options: ConnectionOptions) -> Keepalive:
        return Keepalive(b"ping\n", self.ping_interval)

    def make_connection(self, event: Any, options: ConnectionOptions, **common: Any) -> Beep:
        return Beep(**common)

    def first_frames(self, connection: Beep, options: ConnectionOptions) -> list[bytes]:
        return [f"hello {connection.client_id}\n".encode()]


def frame(text: str) -> bytes:
    return f"{len(text)}:{text}\n".encode()


class Beeps:
    """A server with a route of beeps, and its hub."""

    def __init__(self, live_server: Any) -> None:
        self.warnings: list[str] = []
        self.live = live_server(self._set_up, dead_client_timeout=600)
        server = self.live.server
        streams = server.room(SseHub)
        self.hub = BeepHub(
            streams.clock,
            streams.events,
            warn=lambda text, where: self.warnings.append(f"{where}: {text}"),
            wake_ticker=lambda: None,
        )
        self.hub.ping_interval = 0.0
        self.hub.attach(server.engine)

    def _set_up(self) -> None:
        add_route("get", "/beeps", self._route)
        add_route("get", "/who", self._who)

    def _route(self) -> None:
        query = web_event.query
        options = ConnectionOptions(
            names=(query.get("name") or "Beeps",),
            groups=tuple(query["group"].split(",")) if "group" in query else (),
            scope=query.get("scope") or "global",
            client_id=query.get("id"),
        )
        event = ambient.WEB.variable.get()
        connection = self.hub.open(event, options)
        if connection.is_local:
            self.hub.send_local(connection, frame("from the route"))

    def _who(self) -> dict[str, Any]:
        given = web_event.request.headers.get(f"{self.hub.header}client-id")
        if not given:
            return {}
        found = identify(self.hub, ambient.WEB.variable.get(), given)
        return {"name": found.name, "id": found.client_id}

    @contextmanager
    def open(self, query: str = ""):
        """A response that is read line by line; its greeting has been read."""
        client = http.client.HTTPConnection(*self._address, timeout=SOON)
        client.request("GET", f"/beeps?{query}")
        response = client.getresponse()
        try:
            if response.status == 200:
                assert response.readline().startswith(b"hello ")
            yield response
        finally:
            response.close()
            client.close()

    @property
    def _address(self) -> tuple[str, int]:
        host, port = self.live.url.removeprefix("http://").split(":")
        return host, int(port)

    def send(self, text: str, *groups: str, client_ids: tuple[str, ...] = ()) -> Any:
        return self.hub.send(frame(text), Audience(("Beeps",), groups, client_ids))


@pytest.fixture
def beeps(live_server):
    made = Beeps(live_server)
    yield made
    made.hub.close_all()
    eventually(lambda: not made.hub.admission.total, "all beeps are gone")


def test_a_frame_reaches_the_name_the_group_and_the_client_that_are_meant(beeps):
    with beeps.open("id=1&group=red") as one, beeps.open("id=2") as two:
        assert beeps.send("to all").queued == 2
        assert beeps.send("to red", "RED").queued == 1
        assert beeps.send("to two", client_ids=("2",)).queued == 1
        assert [one.readline(), one.readline()] == [frame("to all"), frame("to red")]
        assert [two.readline(), two.readline()] == [frame("to all"), frame("to two")]


def test_the_kind_says_what_the_head_and_the_end_look_like(beeps):
    with beeps.open("id=1") as one, beeps.open("id=2") as two:
        assert one.headers["X-Beep-Id"] == "1"
        assert beeps.hub.close(Audience(("Beeps",), (), ("1",))) == 1
        assert beeps.hub.close(Audience(("*",)), reconnect=False) >= 1
        assert (one.readline(), one.readline()) == (b"again\n", b"")
        assert (two.readline(), two.readline()) == (b"never again\n", b"")


def test_a_local_connection_ends_with_its_route(beeps):
    with beeps.open("scope=local") as one:
        assert one.read() == frame("from the route") + b"again\n"


def test_the_kind_says_what_a_ping_is(beeps):
    beeps.hub.ping_interval = 0.02
    with beeps.open() as one:
        assert one.readline() == b"ping\n"


def test_one_connection_too_many_is_refused_by_the_kind_s_own_name(beeps):
    beeps.hub.admission.limits = ConnectionLimits(per_name=1, retry_after=7)
    with beeps.open(), beeps.open() as refused:
        assert (refused.status, refused.headers["Retry-After"]) == (503, "7")


def test_the_policy_for_slow_clients_holds(beeps):
    beeps.hub.slow_clients.set("*", OutboxLimits(policy="drop_oldest", size=1 << 16))
    with beeps.open("id=deaf"):
        [connection] = beeps.hub.store.select("Beeps")

        def drops() -> int:
            beeps.send("x" * 50_000).wait(0.01)
            return connection.outbox.dropped

        eventually(drops, "frames are dropped")
        eventually(lambda: beeps.warnings, "it is said once")
        assert beeps.warnings[0].startswith("Beep: The client 'deaf'")


def test_records_and_metrics_count_it(beeps):
    with beeps.open("id=1&group=red") as one:
        assert beeps.send("some text").wait(SOON)
        assert one.readline() == frame("some text")
        [record] = beeps.hub.records(Audience(("Beeps",)))
        assert (record.client_id, record.groups, record.queued_events) == ("1", ("red",), 0)
        assert (record.sent_events, record.last_write is not None) == (2, True)
        metrics = {one.name: one.value for one in beeps.hub.metrics()}
        assert metrics["pode_beep_connections"] == 1
        assert metrics["pode_beep_frames"] == 2


def test_a_connection_ends_at_its_age(beeps):
    beeps.hub.max_ages.set("*", MaxAge(0.001, 0.0))
    with beeps.open() as one:

        def has_ended() -> bool:
            beeps.hub.max_ages.run_due()
            return not beeps.hub.store.select("Beeps")

        eventually(has_ended, "it has ended")
        assert one.readline() == b"again\n"


def test_a_request_names_it_in_headers_of_its_kind(beeps):
    with beeps.open("id=me"):
        named = {"X-Pode-Beep-Client-Id": "me", "X-Pode-Beep-Name": "Beeps"}
        assert beeps.live.get("/who", headers=named).json() == {"name": "Beeps", "id": "me"}
        assert beeps.live.get("/who").json() == {}
        named["X-Pode-Beep-Name"] = "Others"
        assert beeps.live.get("/who", headers=named).status_code == 404
