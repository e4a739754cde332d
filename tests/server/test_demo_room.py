"""A new area touches its folder, a line in rooms.py, its star lines, and its slot: nothing else.

The room `demo` is put into a copy of the package, with the edits that stand here and no others. It
has what a room can have: an event, a handler that runs on a thread or awaits, a start and a stop, a
check, metrics.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# What the area brings.
FOLDER = {
    "__init__.py": '''
        """Handlers that run when somebody asks for them. Made for a test."""
        ''',
    "demo.py": '''
        """Demo: a named handler; and DemoRun, one run of it."""

        from __future__ import annotations

        from dataclasses import dataclass
        from datetime import datetime
        from typing import Any

        from pode_py.background.demo.event import DemoEvent
        from pode_py.background.runs import Run
        from pode_py.core.handlers import Handler


        @dataclass(frozen=True, slots=True, eq=False)
        class Demo:
            """What `add_demo` made."""

            name: str
            runner: Handler


        @dataclass(eq=False, slots=True, kw_only=True)
        class DemoRun(Run):
            """One run."""

            demo: Demo

            @property
            def label(self) -> str:
                """What logs call it."""
                return f"Demo {self.demo.name!r}"

            @property
            def handler(self) -> Handler:
                """The user's function."""
                return self.demo.runner

            def event(self, lockable: Any, moment: datetime) -> DemoEvent:
                """What the handler gets."""
                return DemoEvent(self.demo.name, lockable, moment)
        ''',
    "event.py": '''
        """DemoEvent: what a demo's handler can know of its run; the ambient `demo_event`."""

        from __future__ import annotations

        from dataclasses import dataclass
        from datetime import datetime
        from typing import Any, cast

        from pode_py.core import ambient

        __all__ = ["DemoEvent", "demo_event"]


        @dataclass(slots=True)
        class DemoEvent:
            """One run of a demo."""

            name: str
            lockable: Any
            timestamp: datetime


        #: The event of the run that this code belongs to.
        demo_event: DemoEvent = cast(DemoEvent, ambient.AmbientEvent(ambient.DEMO))
        ''',
    "service.py": '''
        """Demos: the room of demos."""

        from __future__ import annotations

        from collections.abc import Iterable

        from pode_py.background.demo.demo import Demo, DemoRun
        from pode_py.background.runs import RunOptions, Runs
        from pode_py.background.ticker import Ticker
        from pode_py.core import ambient
        from pode_py.core.errors import StartError
        from pode_py.core.handlers import Arguments
        from pode_py.core.registry import Registry
        from pode_py.core.runtime import Runtime
        from pode_py.observability.metrics.metric import Metric

        _RUNS = RunOptions("demos", ambient.DEMO, threads=2)


        class Demos:
            """Any thread may call."""

            def __init__(self, runtime: Runtime, ticker: Ticker) -> None:
                self._clock = runtime.clock
                self._items: Registry[Demo] = Registry("Demo")
                self._runs: Runs[DemoRun] = Runs(runtime, _RUNS, ticker.wake)
                self.started = False

            def add(self, demo: Demo) -> None:
                self._items.add(demo.name, demo)

            def invoke(self, name: str, arguments: Arguments) -> None:
                run = DemoRun(demo=self._items.need(name), create_time=self._clock.now())
                self._runs.launch(run, arguments)

            def check(self) -> None:
                if "forbidden" in self._items:
                    raise StartError("There is a forbidden demo.")

            def start(self) -> None:
                self.started = True

            def stop(self, timeout: float) -> bool:
                return self._runs.stop(timeout)

            def metrics(self) -> Iterable[Metric]:
                return [Metric("gauge", "pode_demos", "Demos.", len(self._items))]
        ''',
    "functions.py": '''
        """Functions of an area that does not exist."""

        from __future__ import annotations

        from pode_py.background.demo.demo import Demo
        from pode_py.background.demo.service import Demos
        from pode_py.core import ambient
        from pode_py.core.ambient import room
        from pode_py.core.checks import decorates
        from pode_py.core.handlers import Arguments, Function, Handler
        from pode_py.core.paths import StrPath
        from pode_py.core.registration import Registration, registered

        __all__ = ["add_demo", "invoke_demo", "test_demo"]


        @decorates('add_demo("name")')
        def add_demo(
            name: str,
            handler: Function | None = None,
            *,
            file_path: StrPath | None = None,
            argument_list: Arguments = None,
        ) -> Registration:
            """Add a handler that `invoke_demo` runs."""

            def add(runner: Handler) -> None:
                room(Demos).add(Demo(name, runner))

            what = f'add_demo("{name}")'
            return registered(what, add, handler, file_path, ambient.DEMO, argument_list)


        def invoke_demo(name: str, *, argument_list: Arguments = None) -> None:
            """Run a demo's handler soon."""
            room(Demos).invoke(name, argument_list)


        def test_demo() -> bool:
            """Whether the room has started."""
            return room(Demos).started
        ''',
}

# What it touches besides: file -> the line before which its own lines stand, and these.
LINES = {
    "core/ambient.py": (
        "SCHEDULE: Final = ",
        ['DEMO: Final = _slot("demo_event", "in the handler of a demo", "lockable metadata")'],
    ),
    "server/rooms.py": (
        "    web = WebRooms.create",
        ["    add(Demos(runtime, ticker), start=Start.BACKGROUND, stop=Stop.RUNS)"],
    ),
    "__init__.py": (
        "from pode_py.background.schedules.event import *",
        [
            "from pode_py.background.demo.event import *",
            "from pode_py.background.demo.functions import *",
        ],
    ),
}
# Its place in the wing, in the rules of the architecture: after the last room there.
LAST_ROOM = "timers schedules"
IMPORT = "from pode_py.background.demo.service import Demos"

PROGRAM = """
    import asyncio, threading
    import pode_py
    from pode_py import *
    from pode_py.testing import LiveServer

    seen, ended = [], threading.Semaphore(0)

    def server():
        @add_demo("plain", argument_list=["first"])
        def plain(value, demo_event):
            seen.append((value, demo_event.name))
            ended.release()

        @add_demo("awaits")
        async def awaits():
            await asyncio.sleep(0)
            seen.append(demo_event.name)
            ended.release()

    with LiveServer(server) as live:
        assert live.call(test_demo)
        for name in ("plain", "awaits"):
            live.call(invoke_demo, name)
            assert ended.acquire(timeout=10)
        assert seen == [("first", "plain"), "awaits"], seen
        counted = {one.name: one.value for one in live.server.metrics.collect()}
        assert counted["pode_demos"] == 2

    def refused(set_up, error, words):
        try:
            LiveServer(set_up).start()
        except error as problem:
            assert words in str(problem), problem
        else:
            raise AssertionError(words)

    def pieces(): yield
    refused(lambda: add_demo("x", pieces), PodeError, "generator function")
    refused(lambda: add_demo("x", lambda what: None), PodeError, "It may have demo_event")
    refused(lambda: add_demo(pieces), PodeError, '@add_demo("name")')
    refused(lambda: add_demo("x") and None, StartError, "has no handler")
    refused(lambda: add_demo("forbidden", print) and None, StartError, "forbidden demo")
    assert test_demo.__test__ is False
    assert {"DemoEvent", "add_demo", "demo_event"} <= set(pode_py.__all__)
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with the package, the room in it, and the tests of the architecture."""
    ignore = shutil.ignore_patterns("__pycache__")
    for part in ("pode_py", "tests/architecture", "tools"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=ignore)
    package = tmp_path / "pode_py"
    (package / "background" / "demo").mkdir()
    for name, text in FOLDER.items():
        (package / "background" / "demo" / name).write_text(textwrap.dedent(text).lstrip("\n"))
    for name, (before, lines) in LINES.items():
        _insert(package / name, before, lines)
    _insert(package / "server" / "rooms.py", "from pode_py.background.primary", [IMPORT])
    rules = tmp_path / "tests" / "architecture" / "rules.py"
    rules.write_text(rules.read_text().replace(LAST_ROOM, f"{LAST_ROOM} demo"))
    return tmp_path


def test_an_area_works_that_has_touched_nothing_else(copy: Path):
    _run(copy, "-W", "error", "-c", textwrap.dedent(PROGRAM))


def test_the_rules_of_the_house_hold_with_it(copy: Path):
    _run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull)


def _insert(file: Path, before: str, lines: list[str]) -> None:
    """Put the lines before the first one that begins so."""
    text = file.read_text().split("\n")
    place = next(number for number, line in enumerate(text) if line.startswith(before))
    file.write_text("\n".join([*text[:place], *lines, *text[place:]]))


def _run(folder: Path, *arguments: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
