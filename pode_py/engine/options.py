"""EngineOptions: how an engine works, and the limits it holds its clients to."""

from __future__ import annotations

from dataclasses import dataclass, field

from pode_py.http.response import HeadDefaults


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds."""

    header_size: int = 64 * 1024
    body_size: int = 100 * 1024 * 1024
    request_timeout: float = 30.0
    keep_alive_timeout: float = 75.0
    write_timeout: float = 30.0
    handshake_timeout: float = 10.0
    # A body that comes slower than this on the whole is a stalled one.
    body_rate: int = 1024
    # Plain requests are read without h11: see engine/h11/fast_lane.py.
    fast_lane: bool = True


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How the engine works. `poller` is "auto" or "selectors". The worker that is kept for quick
    requests takes slow ones when none has come for `quiet_time` seconds."""

    threads: int = 16
    limits: Limits = field(default_factory=Limits)
    server_name: str = "Pode"
    poller: str = "auto"
    max_connections: int | None = None
    quiet_time: float = 0.25
    head_defaults: HeadDefaults = field(default_factory=HeadDefaults)
