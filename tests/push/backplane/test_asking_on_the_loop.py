"""What an async handler does with the streams of other nodes never waits for Redis on the loop."""

from __future__ import annotations

import asyncio

import pytest
from redis import Redis

from pode_py import (
    add_route,
    close_sse_connection,
    convert_to_sse_connection,
    enable_sse_backplane,
    get_sse_client_id_list,
    get_sse_group_list,
    get_sse_name_list,
    join_sse_group,
    join_sse_name,
    leave_sse_group,
    new_sse_ticket,
    test_sse_client_id,
    test_sse_name,
)
from pode_py.testing import LiveServer
from tests.push.backplane.publishing import is_up
from tests.push.house import build, eventually

ASKING = {
    "test_sse_name, 'Events'": lambda: test_sse_name("Events"),
    "test_sse_client_id, 'Events', 'me'": lambda: test_sse_client_id("Events", "me"),
    "get_sse_name_list": get_sse_name_list,
    "get_sse_group_list, 'Events'": lambda: get_sse_group_list("Events"),
    "get_sse_client_id_list, 'Events'": lambda: get_sse_client_id_list("Events"),
}
CHANGING = {
    "close": lambda: close_sse_connection("Events", client_id="far"),
    "join": lambda: join_sse_group("Events", "late", client_id="far"),
    "leave": lambda: leave_sse_group("Events", "early", client_id="far"),
    "name": lambda: join_sse_name("Events", "More", client_id="far"),
}


def routes():
    @add_route("get", "/ask/:number")
    async def ask(number):
        return {"answer": list(ASKING.values())[int(number)]()}

    @add_route("get", "/ask-on-a-thread/:number")
    async def ask_on_a_thread(number):
        return {"answer": await asyncio.to_thread(list(ASKING.values())[int(number)])}

    @add_route("get", "/change/:how")
    async def change(how):
        return {"answer": CHANGING[how]()}

    @add_route("get", "/ticket")
    async def ticket():
        return new_sse_ticket("Events", client_id="invited")

    @add_route("get", "/enter")
    async def enter():
        convert_to_sse_connection("Events", ticket=True)

    @add_route("get", "/enter-on-a-thread")
    async def enter_on_a_thread():
        await asyncio.to_thread(convert_to_sse_connection, "Events", ticket=True)

    @add_route("get", "/enter-plainly")
    def enter_plainly():
        convert_to_sse_connection("Events", ticket=True)


@pytest.fixture
def redis(own_redis):
    return own_redis()


@pytest.fixture
def nodes(engine_kind, redis, prefix):
    started = []

    def live_server(setup, **options):
        started.append(LiveServer(setup, engine=engine_kind, **options).start())
        return started[-1]

    def more():
        # It waits for a paused Redis for longer than any test takes.
        enable_sse_backplane(redis.url, prefix=prefix, timeout=60)
        routes()

    made = [build(live_server, more) for _ in range(2)]
    for node in made:
        eventually(lambda one=node: is_up(one), "Redis is there")
    yield made
    for live in started:
        live.close()
    for live in started:  # only now, as one can't tell whose a thread is
        live.check_threads()


@pytest.mark.parametrize("number", range(len(ASKING)))
def test_a_question_to_other_nodes_is_an_error_that_says_how_to_ask(nodes, number):
    a, b = nodes
    with b.open(id="me", group="g"):
        answer = a.live.get(f"/ask-on-a-thread/{number}").json()["answer"]
        assert answer in (True, ["Events"], ["g"], ["me"])
        # Whether or not this node knows the answer itself.
        for node in nodes:
            assert node.live.get(f"/ask/{number}").status_code == 500
            [error] = node.errors()
            assert f"`await asyncio.to_thread({list(ASKING)[number]})`" in error


@pytest.mark.parametrize("how", CHANGING)
def test_a_change_of_streams_elsewhere_does_not_wait(nodes, redis, how):
    a, b = nodes
    with b.open(id="far", group="early") as far:
        redis.pause()
        try:
            assert a.live.get(f"/change/{how}").json() == {"answer": 0}
        finally:
            redis.resume()
        if how == "close":
            assert far.next().type == "pode.close"
            return
        changed = {
            "join": lambda: "late" in b.call(get_sse_group_list, "Events"),
            "leave": lambda: not b.call(get_sse_group_list, "Events"),
            "name": lambda: b.call(test_sse_name, "More"),
        }
        eventually(changed[how], "the other node has done it")


def test_a_change_counts_the_streams_of_this_node(nodes):
    a, _ = nodes
    with a.open(id="far"):
        assert a.live.get("/change/join").json() == {"answer": 1}


def test_a_ticket_is_there_before_redis_knows_it(nodes, redis):
    a, b = nodes
    redis.pause()
    try:
        ticket = a.live.get("/ticket").text
        assert a.live.get("/quick").text == "quick"
    finally:
        redis.resume()

    def enters(node):
        with node.live.sse(f"/enter-plainly?ticket={ticket}") as events:
            return events.status == 200 and events.headers["X-Pode-Sse-Client-Id"] == "invited"

    eventually(lambda: enters(b), "the other node takes it")
    assert not enters(a)


def test_a_ticket_that_is_used_before_redis_knows_it_is_used_up(nodes, redis):
    a, b = nodes
    redis.pause()
    try:
        ticket = a.live.get("/ticket").text
        # Nobody has to be asked: it is known here alone. No stream would open before Redis answers.
        assert a.hub.tickets.take(ticket) is not None
    finally:
        redis.resume()
    with Redis.from_url(redis.url) as client:
        eventually(lambda: "cmdstat_getdel" in client.info("commandstats"), "it is taken back")
    with b.live.sse(f"/enter-plainly?ticket={ticket}") as refused:
        assert refused.status == 401


def test_a_ticket_is_taken_on_a_thread(nodes):
    a, b = nodes
    ticket = a.call(new_sse_ticket, "Events", client_id="invited")
    with b.live.sse(f"/enter?ticket={ticket}") as refused:
        assert refused.status == 500
    [error] = b.errors()
    assert "`await asyncio.to_thread(convert_to_sse_connection, ..., ticket=True)`" in error
    # It was not used up.
    with b.live.sse(f"/enter-on-a-thread?ticket={ticket}") as events:
        assert events.next().type == "pode.open"
        a.send("hello", client_id="invited")
        assert events.next().data == "hello"
    with a.live.sse(f"/enter-on-a-thread?ticket={ticket}") as refused:
        assert refused.status == 401


def test_without_a_backplane_nothing_has_to_be_asked(make_house):
    house = make_house(routes)
    with house.open(id="me", group="g"):
        for number in range(len(ASKING)):
            answer = house.live.get(f"/ask/{number}").json()["answer"]
            assert answer in (True, ["Events"], ["g"], ["me"])
    ticket = house.live.get("/ticket").text
    with house.live.sse(f"/enter?ticket={ticket}") as events:
        assert events.next().type == "pode.open"
