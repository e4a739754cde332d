"""Settings of all tests, and the engines that conversations run on."""

import os
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

# Folders whose tests talk to a server as its clients do: they run on every engine.
_CONVERSATIONS = ("engine", "push", "server", "web")


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
