"""The bench's own Redis is there while it is needed, and gone without a trace afterwards."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from bench.redis_server import RedisServer
from tests.support import need_program


@pytest.fixture(autouse=True)
def redis() -> None:
    need_program("redis-server")


def test_it_answers_keeps_nothing_and_is_gone_afterwards():
    with RedisServer() as server:
        assert _ask(server.port, "PING") == "+PONG"
        (folder,) = _values(server.port, "CONFIG GET dir")
        assert _values(server.port, "CONFIG GET save") == [""]
        assert _values(server.port, "CONFIG GET appendonly") == ["no"]
        assert server.cpu_seconds() >= 0
    assert not Path(folder).exists()
    with pytest.raises(ConnectionError):
        _ask(server.port, "PING")


def test_two_at_a_time_do_not_disturb_each_other():
    with RedisServer() as one, RedisServer() as other:
        _ask(one.port, "SET key value")
        assert _ask(other.port, "EXISTS key") == ":0"


def _values(port: int, command: str) -> list[str]:
    """The values of a setting: of its name and value, each has a line with its length before it."""
    return _ask(port, command).split("\r\n")[4::2]


def _ask(port: int, command: str) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(f"{command}\r\n".encode())
        return client.recv(4096).decode().removesuffix("\r\n")
