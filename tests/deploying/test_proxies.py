"""The server behind nginx and behind Caddy, with the very files that the docs show."""

from __future__ import annotations

import asyncio

import pytest

from pode_py.testing import fetch
from tests.deploying.asking import ask, next_of, publish, streams_of, wait_until
from tests.deploying.browser_like import hear
from tests.server.program import beside

#: More than the six connections that a browser opens to one host over HTTP/1.1.
STREAMS = 20


def test_twenty_streams_share_a_connection_and_each_hears_every_event_at_once(shop, proxied):
    server = shop()
    proxy = proxied(server)
    heard = asyncio.run(hear(proxy, STREAMS, 5, lambda number: publish(server, number)))
    assert heard == ["4"] * STREAMS


def test_http_1_clients_hear_every_event_at_once(shop, proxied, listen):
    server = shop()
    stream = listen(proxied(server))
    for number in range(5):
        publish(server, number)
        assert stream.next("news").data == str(number)


def test_streams_are_not_compressed_for_a_client_that_takes_gzip(shop, proxied, listen):
    stream = listen(proxied(shop()), headers={"Accept-Encoding": "gzip"})
    assert stream.headers["Content-Type"] == "text/event-stream"
    assert "Content-Encoding" not in stream.headers


def test_a_client_that_leaves_is_noticed(shop, proxied, listen):
    server = shop()
    proxy = proxied(server)
    leaving, _ = listen(proxy), listen(proxy)
    assert streams_of(server) == 2
    leaving.close()
    wait_until(lambda: streams_of(server) == 1, "the server notices who has left")


def test_a_client_that_comes_back_gets_what_it_missed(shop, proxied, listen):
    server = shop()
    proxy = proxied(server)
    with listen(proxy) as stream:
        publish(server, "first")
        stream.next("news")
    publish(server, "second")
    with stream.reconnect() as again:
        assert again.next("news").data == "second"


def test_streams_are_spread_over_the_servers(shop, proxied, listen):
    servers = shop(), shop()
    proxy = proxied(*servers)
    for _ in range(STREAMS):
        listen(proxy)
    assert sum(map(streams_of, servers)) == STREAMS
    assert min(map(streams_of, servers)) >= STREAMS // 4


def test_while_a_server_is_replaced_nobody_is_refused_and_its_streams_move(shop, proxied, listen):
    leaving, staying = shop(), shop()
    proxy = proxied(leaving, staying)
    streams = [listen(proxy) for _ in range(8)]
    wait_until(lambda: min(streams_of(leaving), streams_of(staying)) > 0, "both have streams")
    moved = streams_of(leaving)
    stopped = beside(leaving.stop)
    answers = []
    while not stopped.done() or len(answers) < 20:
        answers.append(ask(proxy, "/health"))
    assert stopped.exception() is None
    assert {answer.status_code for answer in answers} == {200}
    # Each got its goodbye, and finds the way to the other server.
    publish(staying, "still here")
    heard = [next_of(stream, "pode.close", "news") for stream in streams]
    assert heard.count("pode.close") == moved
    for _ in range(moved):
        listen(proxy)
    assert streams_of(staying) == len(streams)


def test_what_is_for_the_servers_themselves_is_not_passed_on(shop, proxied):
    proxy = proxied(shop())
    assert ask(proxy, "/internal/news", "POST", json="psst").status_code == 404
    assert ask(proxy, "/health").json() == {"state": "running", "streams": 0}


def test_plain_http_leads_to_https(shop, proxied):
    proxy = proxied(shop())
    answer = fetch(f"{proxy.plain}/health", headers={"Host": "localhost"})
    assert answer.status_code in (301, 308)
    assert answer.headers["Location"].startswith("https://localhost")


@pytest.mark.parametrize("proxied", ["caddy"], indirect=True)
def test_caddy_offers_http_3(shop, proxied):
    proxy = proxied(shop())
    assert ask(proxy, "/health").headers["Alt-Svc"].startswith(f'h3=":{proxy.port}"')


def test_a_stop_of_the_proxy_does_not_wait_for_streams(shop, proxied, listen):
    proxy = proxied(shop())
    stream = listen(proxy)
    assert proxy.stop() == 0
    assert "pode.close" not in [event.type for event in stream.until_closed()]
