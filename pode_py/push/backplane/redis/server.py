"""RedisServer: where Redis is and how to connect to it. Knows nothing of what it is used for.

Of a cluster it finds the node that has a given key. It never retries: whoever uses it decides
what a failure means.
"""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from pode_py.core.errors import StartError

_SCHEMES = ("redis", "rediss", "unix")


class RedisServer:
    """`timeout` is how many seconds Redis may take for any answer. ValueError for a bad URL."""

    def __init__(self, url: str, timeout: float) -> None:
        self._redis = _need_redis()
        if not isinstance(url, str) or url.partition("://")[0] not in _SCHEMES:
            raise ValueError(
                f"url={masked(str(url))!r} is not the address of a Redis. It looks like "
                '"redis://localhost:6379", "rediss://user:password@host:6380/0" or '
                '"unix:///run/redis.sock".'
            )
        self._url = url
        self._timeout = timeout
        # Other nodes of its cluster, for when the one of the URL is down.
        self._seeds: list[tuple[str, int]] = []
        self.shown = masked(url)
        try:
            self._pool()
        except ValueError:  # its text may hold a piece of the password
            raise ValueError(
                f"url={self.shown!r} is not well formed. In a user name or password, write "
                "characters such as / : @ # percent-encoded."
            ) from None
        self.errors: tuple[type[BaseException], ...] = (self._redis.exceptions.RedisError, OSError)
        self.timeout_error: type[BaseException] = self._redis.exceptions.TimeoutError
        self.refusal: type[BaseException] = self._redis.exceptions.ResponseError

    def connect(self, key: str) -> RedisNode:
        """Connect to the Redis that has `key`. Raises one of `errors`."""
        failure: BaseException | None = None
        for seed in (None, *self._seeds):
            try:
                return self._connect(key, seed)
            except (
                self._redis.exceptions.AuthenticationError,
                self._redis.exceptions.NoPermissionError,
            ):
                raise
            except self.errors as error:
                failure = failure or error
        assert failure is not None
        raise failure

    def is_hopeless(self, error: BaseException) -> bool:
        """Whether waiting will not help: Redis is there, but wants another password or TLS."""
        if isinstance(
            error,
            (self._redis.exceptions.AuthenticationError, self._redis.exceptions.NoPermissionError),
        ):
            return True
        while True:
            if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
                return True
            before = error.__cause__ or error.__context__
            if before is None:
                return "invalid DB index" in str(error) or "out of range" in str(error)
            error = before

    def _connect(self, key: str, seed: tuple[str, int] | None) -> RedisNode:
        node = RedisNode(self._redis, self._pool(seed))
        try:
            if not node.is_clustered:
                return node
            place = self._place_of(node, key, seed)
            if place is None:
                return node
        except BaseException:
            node.close()
            raise
        node.close()
        owner = RedisNode(self._redis, self._pool(place))
        owner.publish, owner.subscribe = "SPUBLISH", "SSUBSCRIBE"
        return owner

    def _place_of(
        self, node: RedisNode, key: str, seed: tuple[str, int] | None
    ) -> tuple[str, int] | None:
        """Host and port of the cluster's node that has the key. None if there is no cluster."""
        slot = node.raw("CLUSTER", "KEYSLOT", key)
        host = seed[0] if seed else (urlsplit(self._url).hostname or "localhost")
        found: tuple[str, int] | None = None
        seeds = []
        for start, end, place in _masters(node.raw("CLUSTER", "SLOTS"), host):
            seeds.append(place)
            if start <= slot <= end:
                found = place
        self._seeds = list(dict.fromkeys(seeds))
        if found is None:
            raise self._redis.exceptions.ConnectionError(
                "The Redis cluster has no node for this key"
            )
        return found

    def _pool(self, place: tuple[str, int] | None = None) -> Any:
        pool = self._redis.ConnectionPool.from_url(
            self._url,
            socket_timeout=self._timeout,
            socket_connect_timeout=self._timeout,
            retry=self._redis.retry.Retry(self._redis.backoff.NoBackoff(), 0),
            health_check_interval=0,
            protocol=2,
        )
        if place is not None:
            pool.connection_kwargs.update(host=place[0], port=place[1])
        return pool


class RedisNode:
    """Connections to one Redis: one for commands, of one thread; for others as they come."""

    def __init__(self, redis: ModuleType, pool: Any) -> None:
        self._redis = redis
        self._pool = pool
        self._many = redis.Redis(connection_pool=pool)
        self._connection = pool.make_connection()
        self.publish, self.subscribe = "PUBLISH", "SUBSCRIBE"
        try:
            self._connection.connect()
        except BaseException:
            self.close()
            raise

    @property
    def is_clustered(self) -> bool:
        try:
            answer = self.raw("INFO", "cluster")
        except self._redis.exceptions.ResponseError:  # not everybody may ask
            return False
        return b"cluster_enabled:1" in answer

    def raw(self, *command: Any) -> Any:
        """One command on the connection that belongs to one thread."""
        self._connection.send_command(*command)
        return self._connection.read_response()

    def script(self, script: Script, keys: Sequence[Any], arguments: Sequence[Any]) -> Any:
        """Run a script on that connection."""
        rest = (len(keys), *keys, *arguments)
        try:
            return self.raw("EVALSHA", script.digest, *rest)
        except self._redis.exceptions.NoScriptError:
            return self.raw("EVAL", script.text, *rest)

    def ask(self, script: Script, keys: Sequence[Any], arguments: Sequence[Any]) -> Any:
        """Run a script on any connection: for any thread."""
        rest = (len(keys), *keys, *arguments)
        try:
            return self._many.execute_command("EVALSHA", script.digest, *rest)
        except self._redis.exceptions.NoScriptError:
            return self._many.execute_command("EVAL", script.text, *rest)

    def ask_raw(self, *command: Any) -> Any:
        """One command on any connection: for any thread."""
        return self._many.execute_command(*command)

    def inbox(self, channels: Sequence[str]) -> Inbox:
        """A connection that hears what is published."""
        connection = self._pool.make_connection()
        try:
            connection.connect()
            connection.send_command(self.subscribe, *channels)
            for _ in channels:
                connection.read_response()
        except BaseException:
            connection.disconnect()
            raise
        return Inbox(connection, self._redis)

    def close(self) -> None:
        """Close all connections but inboxes."""
        self._connection.disconnect()
        self._many.close()
        self._pool.disconnect()


class Inbox:
    """What one subscription hears. Belongs to one thread, which closes it, too."""

    def __init__(self, connection: Any, redis: ModuleType) -> None:
        self._connection = connection
        self._redis = redis

    def read(self, timeout: float) -> tuple[str, bytes] | None:
        """The next message: channel and data. None if none came in time; ("", b"") for a sign of
        life."""
        if not self._connection.can_read(timeout):
            return None
        kind, channel, *data = self._connection.read_response()
        if kind in (b"message", b"smessage"):
            return channel.decode(), data[0]
        if kind in (b"sunsubscribe", b"unsubscribe"):
            raise self._redis.exceptions.ConnectionError("The channel has moved to another node")
        return "", b""

    def ping(self) -> None:
        """Ask for a sign of life."""
        self._connection.send_command("PING")

    def close(self) -> None:
        self._connection.disconnect()


class Script:
    """A Lua script, and the digest by which Redis knows it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def masked(url: str) -> str:
    """The URL without its password, as it may stand in a log.

    >>> masked("redis://me:secret@host:6379/0?password=more")
    'redis://me:***@host:6379/0'
    """
    scheme = url.partition("://")[0]
    try:
        parts = urlsplit(url)
        place = "" if parts.hostname is None else parts.hostname
        place += "" if parts.port is None else f":{parts.port}"
    except ValueError:
        return f"{scheme}://***"
    if parts.netloc and parts.hostname is None:
        return f"{scheme}://***"
    user = "" if parts.username is None else f"{parts.username}:***@"
    return f"{scheme}://{user}{place}{parts.path}"


def _masters(slots: Any, host: str) -> Iterator[tuple[int, int, tuple[str, int]]]:
    """Ranges of slots and who has them. `host` is meant where the answer names none."""
    for start, end, master, *_ in slots:
        name = master[0].decode() if master[0] else ""
        yield start, end, (name if name not in ("", "?") else host, master[1])


def _need_redis() -> ModuleType:
    try:
        import redis
        import redis.backoff
        import redis.exceptions
        import redis.retry
    except ImportError as error:
        raise StartError(
            "enable_sse_backplane needs the package redis. Install it with: "
            'pip install "pode-py[redis]"'
        ) from error
    return redis
