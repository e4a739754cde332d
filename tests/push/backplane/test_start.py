"""What the set-up and the start say about a URL, a password, a Redis that is not there."""

from __future__ import annotations

import pytest

from pode_py import PodeError, enable_sse_backplane, test_sse_client_id
from pode_py.core.errors import StartError
from pode_py.push.backplane.redis.server import masked
from pode_py.testing import LiveServer
from tests.engine.conftest import pki  # noqa: F401 - a fixture
from tests.push.house import eventually
from tests.support import free_port


def start(url, **options):
    LiveServer(lambda: enable_sse_backplane(url, **options)).start()


@pytest.mark.parametrize("url", ["", "localhost:6379", "http://localhost", "redis:/localhost"])
def test_what_is_no_url_of_a_redis_is_said_in_the_set_up(url):
    with pytest.raises(ValueError, match="is not the address of a Redis"):
        start(url)


@pytest.mark.parametrize("url", [6379, None])
def test_a_url_that_is_no_text_is_said_in_the_set_up(url):
    with pytest.raises(TypeError, match=r"url takes a str, .*redis://"):
        start(url)


def test_a_password_that_breaks_the_url_is_not_repeated():
    with pytest.raises(ValueError, match="percent-encoded") as caught:
        start("redis://:sec/ret@localhost:6379")
    assert "sec" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://localhost", "redis://localhost"),
        ("redis://:secret@host:1/2", "redis://:***@host:1/2"),
        ("rediss://me:se%40cret@host", "rediss://me:***@host"),
        ("redis://me:a@b@host", "redis://me:***@host"),
        ("redis://host?password=secret", "redis://host"),
        ("redis://host?password=sec@ret", "redis://host"),
        ("redis://:sec/ret@host", "redis://***"),
        ("redis://:12/34@host", "redis://***"),
        ("redis://:sec?ret@host", "redis://***"),
        ("redis://:sec#ret@host", "redis://***"),
        ("unix:///run/redis.sock", "unix:///run/redis.sock"),
    ],
)
def test_what_is_shown_of_a_url_has_no_password(url, shown):
    assert masked(url) == shown


@pytest.mark.parametrize(
    "url", ["redis://:wrong@{place}", "redis://{place}", "redis://nobody:secret@{place}"]
)
def test_a_wrong_password_ends_the_start_with_a_sentence(own_redis, url):
    redis = own_redis(requirepass="secret")
    with pytest.raises(StartError, match="Check the URL") as caught:
        start(url.format(place=f"127.0.0.1:{redis.port}"))
    assert "wrong" not in str(caught.value).split("/", 3)[2]
    assert "nobody:secret" not in str(caught.value)


def test_the_right_password_and_a_database_number_are_taken_from_the_url(own_redis, make_node):
    redis = own_redis(requirepass="p@ss:/word")
    url = f"redis://:p%40ss%3A%2Fword@127.0.0.1:{redis.port}/3"
    a, b = make_node(url=url), make_node(url=url)
    with b.open(id="1") as events:
        a.send("hello")
        assert events.next().data == "hello"
        assert a.call(test_sse_client_id, "Events", "1")
    flags = ("-a", "p@ss:/word", "--no-auth-warning")
    assert redis.cli("dbsize", flags=(*flags, "-n", "3")) != "0"
    assert redis.cli("dbsize", flags=flags) == "0"


def test_a_database_that_is_not_there_ends_the_start(own_redis):
    redis = own_redis()
    with pytest.raises(StartError, match="database number"):
        start(f"{redis.url}/99")


def test_a_user_that_may_too_little_is_told_at_the_start(own_redis):
    redis = own_redis(user="limited on >secret ~* +ping +select")
    with pytest.raises(StartError, match="permission"):
        start(f"redis://limited:secret@127.0.0.1:{redis.port}")


def test_a_redis_that_is_not_there_yet_is_waited_for(make_node, tmp_path):
    port = free_port()
    node = make_node(url=f"redis://me:secret@127.0.0.1:{port}")
    with node.open() as events:
        node.send("alone")
        assert events.next().data == "alone"
        eventually(lambda: node.warnings, "it was said")
        [warning] = [one["message"] for one in node.warnings]
        assert f"redis://me:***@127.0.0.1:{port}" in warning
        assert "secret" not in warning


def test_nodes_meet_as_soon_as_redis_is_there(make_node, own_redis):
    redis = own_redis()
    redis.kill()
    from pode_py import set_sse_history

    a, b = (make_node(set_sse_history, url=redis.url) for _ in range(2))
    with a.open() as at_a, b.open() as at_b:
        a.send("from a")
        b.send("from b")
        redis.start()
        assert sorted(event.data for event in at_a.take(2)) == ["from a", "from b"]
        assert sorted(event.data for event in at_b.take(2)) == ["from a", "from b"]


def test_a_host_that_does_not_exist_is_waited_for(make_node):
    node = make_node(url="redis://no-such-host.invalid:6379")
    with node.open() as events:
        node.send("alone")
        assert events.next().data == "alone"


def test_redis_over_tls(own_redis, make_node, pki):  # noqa: F811
    redis = own_redis(
        tls_cert_file=pki.certificate,
        tls_key_file=pki.key,
        tls_ca_cert_file=pki.certificate,
        tls_auth_clients="no",
    )
    place = f"rediss://localhost:{redis.port}"
    a, b = (make_node(url=f"{place}?ssl_ca_certs={pki.certificate}") for _ in range(2))
    with b.open() as events:
        a.send("hello")
        assert events.next().data == "hello"
    with pytest.raises(StartError, match="certificate"):
        start(place)


def test_the_server_can_restart_with_a_backplane(make_node):
    a = make_node()
    with a.open(id="1"):
        b = make_node()
        assert b.call(test_sse_client_id, "Events", "1")
        a.live.stop()
    c = make_node()
    with c.open() as events:
        b.send("hello")
        assert events.next().data == "hello"


def test_a_second_backplane_is_refused(make_node, shared_redis):
    with pytest.raises(PodeError, match="called already"):
        make_node(lambda: enable_sse_backplane(shared_redis))


def test_bad_bounds_are_said_in_the_set_up():
    for wrong in ({"limit": 0}, {"size": 0}, {"timeout": 0}, {"expiry": 1}, {"prefix": ""}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            start("redis://localhost", **wrong)
