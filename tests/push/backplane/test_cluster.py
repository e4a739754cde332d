"""A cluster of Redis: any of its nodes may be named, and sharded channels are used."""

from __future__ import annotations

import subprocess

import pytest

from pode_py import set_sse_history, test_sse_client_id
from tests.push.backplane.redis_process import RedisProcess
from tests.push.house import eventually
from tests.push.sse.resuming import texts
from tests.support import free_port, need_program


@pytest.fixture
def cluster(tmp_path):
    """Three masters on loopback."""
    masters = []
    try:
        for number in range(3):
            folder = tmp_path / f"master-{number}"
            folder.mkdir()
            port = free_port()
            settings = {
                "cluster_enabled": "yes",
                "cluster_node_timeout": "2000",
                "cluster_port": port + 1,
            }
            masters.append(RedisProcess(folder, port=port, **settings))
        places = [f"127.0.0.1:{master.port}" for master in masters]
        subprocess.run(
            [need_program("redis-cli"), "--cluster", "create", *places, "--cluster-yes"],
            check=True,
            timeout=30,
            stdout=subprocess.DEVNULL,
        )
        for master in masters:
            eventually(lambda m=master: "cluster_state:ok" in m.cli("cluster", "info"), "it is up")
        yield masters
    finally:
        for master in masters:
            master.close()


def test_nodes_meet_on_a_cluster_whichever_of_its_masters_they_are_told(cluster, make_node, prefix):
    nodes = [make_node(set_sse_history, url=master.url) for master in cluster]
    streams = [node.open(id=str(number)) for number, node in enumerate(nodes)]
    for number in range(30):
        nodes[number % 3].send(number).wait(10)
    got = [[(event.id, event.data) for event in stream.take(30)] for stream in streams]
    assert got[0] == got[1] == got[2]
    assert texts(streams[0].received[1:]) == [str(number) for number in range(30)]
    assert nodes[0].call(test_sse_client_id, "Events", "2")
    # All of it is on one master, and the channel is a sharded one.
    holding = [master for master in cluster if master.cli("dbsize") != "0"]
    assert len(holding) == 1
    assert f"{{{prefix}}}:events" in holding[0].cli("pubsub", "shardchannels")
    for master in cluster:
        assert master.cli("pubsub", "channels") == ""


def test_a_master_that_is_restarted_is_found_again(cluster, make_node, prefix):
    a, b = (make_node(set_sse_history, url=cluster[n].url, timeout=0.5) for n in (0, 1))
    with a.open() as at_a, b.open() as at_b:
        a.send("before").wait(10)
        [holding] = [master for master in cluster if master.cli("dbsize") != "0"]
        holding.kill()
        a.send("without")
        holding.start()
        for stream in (at_a, at_b):
            assert texts(stream.take(2, deadline=30)) == ["before", "without"]
