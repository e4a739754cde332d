"""Who is measured, how each is started, and what it needs. It starts nothing."""

import json
import signal
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

OURS = "pode_py"

NODE = Path(__file__).parent / "node"

_ABSENT = "not installed"

# So many handlers at a time does pode_py run by default; Flask gets as many threads.
HANDLERS = 16


@dataclass(frozen=True, slots=True)
class Contender:
    """One server, with places in its command that are filled in when it starts.

    `{port}` and `{ceiling}` can be in any of them, others in those that a scenario fills in. Its
    name is what --contenders and the goals call it.
    """

    name: str
    title: str
    command: tuple[str, ...]
    packages: tuple[str, ...] = ()
    npm: tuple[str, ...] = ()  # packages in bench/node
    programs: tuple[str, ...] = ()  # programs of the machine whose versions count
    stop_signal: int = signal.SIGTERM


def _module(name: str) -> tuple[str, ...]:
    return (sys.executable, "-m", name, "{port}")


def _gunicorn(workers: str) -> tuple[str, ...]:
    return (
        *(sys.executable, "-m", "gunicorn", "--workers", workers, "--worker-class", "gthread"),
        *("--threads", str(HANDLERS), "--bind", "127.0.0.1:{port}"),
        *("--log-level", "warning", "bench.servers.with_flask:app"),
    )


_GUNICORN = ("flask", "werkzeug", "gunicorn")
_UVICORN = ("starlette", "uvicorn", "httptools", "uvloop")

PODE_PY = Contender(OURS, "pode_py", _module("bench.servers.with_pode_py"), ("h11",))

CEILING = Contender("ceiling", "yardstick in C", ("{ceiling}", "{port}"))

STARLETTE = Contender(
    "starlette",
    "Starlette sync on uvicorn (httptools, uvloop)",
    _module("bench.servers.with_starlette"),
    _UVICORN,
)

FLASK = Contender(
    "flask",
    f"Flask on gunicorn ({HANDLERS} threads)",
    _gunicorn("1"),
    _GUNICORN,
)

AIOHTTP = Contender("aiohttp", "aiohttp", _module("bench.servers.with_aiohttp"), ("aiohttp",))

ROBYN = Contender(
    "robyn",
    "Robyn, sync",
    (*_module("bench.servers.with_robyn"), "--log-level", "WARNING"),
    ("robyn",),
    stop_signal=signal.SIGKILL,  # it goes on after SIGTERM, and it has nothing to lose
)

STDLIB = Contender(
    "stdlib", "http.server of the standard library", _module("bench.servers.with_stdlib")
)

SSE_STARLETTE = Contender(
    "sse-starlette",
    "sse-starlette on uvicorn (httptools, uvloop)",
    _module("bench.servers.with_sse_starlette"),
    ("sse-starlette", *_UVICORN),
)

FASTAPI = Contender(
    "fastapi",
    "FastAPI, sse-starlette on uvicorn (httptools, uvloop)",
    _module("bench.servers.with_fastapi"),
    ("fastapi", *SSE_STARLETTE.packages),
)

BETTER_SSE = Contender(
    "better-sse",
    "better-sse on Node",
    ("node", str(NODE / "with_better_sse.mjs"), "{port}"),
    npm=("better-sse",),
    programs=("node",),
)

NCHAN = Contender(
    "nchan",
    "nchan in nginx, two workers",
    _module("bench.servers.with_nchan"),
    programs=("nginx", "nchan"),
)

# What anybody can reach who sends each delivery by itself.
EACH = Contender("each", "C, one send per delivery", ("{ceiling}", "{port}", "each"))


# As many processes as {workers} says.
WORKERS = (
    Contender(OURS, "pode_py", (*_module("bench.servers.with_workers"), "{workers}"), ("h11",)),
    Contender(
        STARLETTE.name,
        STARLETTE.title,
        (
            *(sys.executable, "-m", "uvicorn", "--workers", "{workers}", "--loop", "uvloop"),
            *("--http", "httptools", "--no-access-log", "--log-level", "warning"),
            *("--host", "127.0.0.1", "--port", "{port}", "bench.servers.with_starlette:app"),
        ),
        _UVICORN,
    ),
    Contender(
        FLASK.name,
        f"Flask on gunicorn ({HANDLERS} threads each)",
        _gunicorn("{workers}"),
        _GUNICORN,
    ),
)

# One of the nodes that share the Redis at {redis}; {history} is yes or no.
NODES = (
    Contender(
        OURS,
        "pode_py",
        (*_module("bench.servers.pode_py_node"), "{redis}", "{history}"),
        ("h11", "redis"),
        programs=("redis-server",),
    ),
    Contender(
        SSE_STARLETTE.name,
        "sse-starlette on uvicorn, redis.asyncio",
        (*_module("bench.servers.sse_starlette_node"), "{redis}"),
        (*SSE_STARLETTE.packages, "redis"),
        programs=("redis-server",),
    ),
)


def versions(contenders: Iterable[Contender]) -> dict[str, str]:
    """Return the installed version of every package that takes part, or 'not installed'."""
    found = {}
    for one in contenders:
        found |= {package: version_of(package) for package in one.packages}
        found |= {package: _npm_version_of(package) for package in one.npm}
    return found


def version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return _ABSENT


def _npm_version_of(package: str) -> str:
    try:
        text = (NODE / "node_modules" / package / "package.json").read_text()
    except OSError:
        return _ABSENT
    return str(json.loads(text)["version"])


def missing(contender: Contender) -> list[str]:
    """Return the packages without which the contender cannot start."""
    return [package for package, found in versions([contender]).items() if found == _ABSENT]
