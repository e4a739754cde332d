"""The Dockerfile: what it says is done here, step by step, in a folder instead of an image."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pode_py.testing import SseClient
from tests.deploying.asking import DEADLINE
from tests.deploying.dockerfile import Instruction, instructions
from tests.deploying.files import ROOT, text_of
from tests.server.program import is_listening
from tests.support import free_port

ALL = instructions(text_of("Dockerfile"))
LAST_STAGE = ALL[-1].stage


def those(word: str, stage: int | None = None) -> list[Instruction]:
    return [one for one in ALL if one.word == word and stage in (None, one.stage)]


class Image:
    """Stands for the image: what belongs at / is in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # The packages that pip would fetch are those of the tests: no test needs the network.
        packages = sysconfig.get_path("purelib")
        here = Path(sys.executable).parent
        variables = dict(re.findall(r'(\w+)="?([^" ]+)"?', those("ENV")[0].rest))
        self.environment = os.environ | variables | {"PATH": f"{here}:{os.environ['PATH']}"}
        self.environment |= {"PYTHONPATH": packages, "PIP_NO_DEPS": "1", "PIP_NO_INDEX": "1"}
        self.environment |= {"PIP_NO_BUILD_ISOLATION": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}

    def inside(self, text: str) -> str:
        return re.sub(r"(?<![\w.:/}])/(?=srv|source)", f"{self.folder}/", text)

    def copy(self, instruction: Instruction, workdir: Path) -> None:
        *sources, target = instruction.rest.split()
        for source in sources:
            origin, goal = ROOT / source, workdir / target
            if origin.is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(origin, goal, ignore=ignored)
            else:
                goal.mkdir(parents=True, exist_ok=True)
                shutil.copy(origin, goal)

    def build(self) -> None:
        workdir = self.folder
        for one in ALL:
            if one.word == "WORKDIR":
                workdir = Path(self.inside(one.rest))
                workdir.mkdir(parents=True, exist_ok=True)
            elif one.word == "COPY" and not one.options:
                self.copy(one, workdir)
            elif one.word == "RUN" and one.stage == 1:
                done = subprocess.run(
                    ["sh", "-ec", self.inside(one.rest)],
                    cwd=workdir,
                    env=self.environment,
                    capture_output=True,
                    text=True,
                    check=False,
                )
                assert done.returncode == 0, done.stdout + done.stderr

    def command(self, instruction: Instruction) -> list[str]:
        listed = instruction.rest.removeprefix("CMD").strip()
        return [self.inside(part) for part in json.loads(listed)]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    built = Image(tmp_path_factory.mktemp("image"))
    built.build()
    return built


@pytest.fixture
def container(image: Image) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Start its command, as `docker run` would."""
    started: list[subprocess.Popen[bytes]] = []
    image.environment["PORT"] = str(free_port())

    def start() -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            image.command(those("CMD")[0]), env=image.environment, stdin=subprocess.DEVNULL
        )
        started.append(process)
        until_healthy(image)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def health(image: Image) -> int:
    command = image.command(those("HEALTHCHECK")[0])
    return subprocess.run(
        command, env=image.environment, stderr=subprocess.DEVNULL, timeout=DEADLINE, check=False
    ).returncode


def until_healthy(image: Image) -> None:
    for _ in range(100):
        if health(image) == 0:
            return
    raise AssertionError("It did not become healthy.")


def test_what_it_builds_runs_and_is_healthy_until_sigterm_ends_it(image, container):
    port = int(image.environment["PORT"])
    process = container()
    with SseClient(f"http://127.0.0.1:{port}/events", deadline=DEADLINE) as stream:
        assert stream.next().type == "pode.open"
        process.send_signal(signal.Signals[those("STOPSIGNAL")[0].rest])
        assert stream.until_closed()[-1].type == "pode.close"
    assert process.wait(DEADLINE) == 0
    assert not is_listening(port)
    assert health(image) != 0


def test_the_server_that_runs_is_the_one_that_was_installed(image):
    python = image.command(those("CMD")[0])[0]
    where = "import pode_py; print(pode_py.__file__)"
    shown = subprocess.check_output(
        [python, "-c", where], env=image.environment, cwd="/", text=True
    )
    assert shown.startswith(str(image.folder / "srv" / "shop"))


def test_what_it_copies_is_there_and_is_let_through():
    ignored = [
        line
        for line in text_of("Dockerfile.dockerignore").splitlines()
        if line[:1] not in ("", "#")
    ]
    allowed = {line[1:] for line in ignored if line.startswith("!")}
    assert ignored[0] == "*"
    copied = {
        source for one in those("COPY") if not one.options for source in one.rest.split()[:-1]
    }
    assert copied == allowed
    assert all((ROOT / source).exists() for source in copied)
    assert any(fnmatch.fnmatch("pode_py/core/__pycache__", pattern) for pattern in ignored)


def test_what_goes_from_stage_to_stage_keeps_its_place():
    """A virtual environment holds its own path."""
    moved = [one.rest.split() for one in those("COPY") if one.options]
    assert moved == [["/srv/shop/.venv", "/srv/shop/.venv"]]
    bases = {one.rest.split()[0] for one in those("FROM")}
    assert len(bases) == 1


def test_it_runs_as_a_user_of_its_own():
    (user,) = those("USER")
    (made,) = those("RUN", LAST_STAGE)
    assert user.rest in made.rest.split()
    assert ALL.index(user) < ALL.index(those("CMD")[0])


def test_no_shell_stands_between_docker_and_the_server():
    for word in ("CMD", "HEALTHCHECK"):
        (one,) = those(word)
        assert isinstance(json.loads(one.rest.removeprefix("CMD").strip()), list)


def test_it_listens_where_the_world_reaches_it():
    assert 'ADDRESS="*"' in those("ENV")[0].rest
    assert f"PORT={those('EXPOSE')[0].rest}" in those("ENV")[0].rest
