"""Settings of all tests, and the engines that conversations run on."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from hypothesis import settings

from pode_py.testing import LiveServer

# Where pode_py is installed, pytest finds it by itself; the tests run without that, too.
from pode_py.testing.fixtures import pode_client  # noqa: F401
from tests.support import ENGINES, POLLERS

# Deadlines measure how busy the machine is. What must be fast has a benchmark; what must end has
# pytest-timeout.
settings.register_profile("pode_py", deadline=None)
# CI tries the same examples each time: what it finds belongs to the change it looks at. New
# examples are for whoever works on the code.
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "pode_py")

# Tests start Python some thousand times. That takes half the time if it finds what it compiled.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Folders whose tests talk to a server as its clients do: they run on every engine.
_CONVERSATIONS = ("engine", "push", "security", "server", "web")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run conversations on each engine, but those that are marked `own_engine`."""
    if "engine_kind" not in metafunc.fixturenames:
        if "poller" in metafunc.fixturenames:
            metafunc.parametrize("poller", POLLERS, indirect=True)
        return
    folder = metafunc.definition.path.relative_to(metafunc.config.rootpath / "tests").parts[0]
    own = metafunc.definition.get_closest_marker("own_engine")
    kinds = ENGINES if folder in _CONVERSATIONS and not own else ENGINES[:1]
    if "poller" not in metafunc.fixturenames:
        if len(kinds) > 1:
            metafunc.parametrize("engine_kind", kinds, indirect=True)
        return
    # Only our own engine has a poller to choose.
    pairs = [(kind, poller) for kind in kinds for poller in POLLERS[: 2 if kind == "h11" else 1]]
    metafunc.parametrize(("engine_kind", "poller"), pairs, indirect=True)


# What stays in one process, one after another. The bench compiles into one folder, and wants the
# machine for its loads; one browser is enough for a machine; the Dockerfile is built once.
_TOGETHER = ("bench", "browser", "deploying/test_dockerfile.py")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out cases of a conversation that are marked `own_engine`; mark what stays together."""
    items[:] = [item for item in items if not _is_needless(item)]
    for item in items:
        path = item.path.relative_to(config.rootpath / "tests")
        for group in _TOGETHER:
            if path.is_relative_to(group):
                item.add_marker(pytest.mark.xdist_group(group.rpartition("/")[2]))


def _is_needless(item: pytest.Item) -> bool:
    kind = item.callspec.params.get("engine_kind") if hasattr(item, "callspec") else None
    return kind not in (None, ENGINES[0]) and item.get_closest_marker("own_engine") is not None


def pytest_xdist_auto_num_workers() -> int:
    """How many processes `-n auto` starts: tests wait more than they compute."""
    return 2 * len(os.sched_getaffinity(0))


@pytest.fixture(scope="session", autouse=True)
def _default_signals() -> Iterator[None]:
    """Programs that tests start get default signals, though the tests run under nohup.

    A program inherits that a signal is ignored, but not a handler. One that does nothing is all
    the same to pytest.
    """
    ignored = [signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM]
    kept = {number: signal.getsignal(number) for number in ignored}
    kept = {number: before for number, before in kept.items() if before is signal.SIG_IGN}
    for number in kept:
        signal.signal(number, lambda *_: None)
    yield
    for number, before in kept.items():
        signal.signal(number, before)


@pytest.fixture
def engine_kind(request: pytest.FixtureRequest) -> str:
    """The engine of this run: "h11" or "uvicorn"."""
    return str(getattr(request, "param", "h11"))


@pytest.fixture
def poller(request: pytest.FixtureRequest) -> str:
    """How our own engine waits for sockets in this run."""
    return str(request.param)


@pytest.fixture
def live_server(engine_kind: str) -> Iterator[Callable[..., LiveServer]]:
    """As that of pode_py.testing, on the engine of this run."""
    with ExitStack() as stack:
        yield lambda setup, **options: stack.enter_context(
            LiveServer(setup, **{"engine": engine_kind, **options})
        )
