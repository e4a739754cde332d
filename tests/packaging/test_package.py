"""What is shipped: the source archive works on its own, the extras are listed, `-m` says where."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

from pode_py.server.info import VERSION

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source archive."""
    return Path(
        next(SdistBuilder(str(ROOT)).build(directory=str(tmp_path_factory.mktemp("sdist"))))
    )


@pytest.fixture(scope="module")
def source(archive: Path) -> Path:
    """The source archive, unpacked."""
    with tarfile.open(archive) as tar:
        tar.extractall(archive.parent, filter="data")
    return archive.parent / f"pode_py-{VERSION}"


def run(*command: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_make_samples_works_in_the_source_archive(source):
    listed = run("make", "samples", f"PYTHON={sys.executable}", folder=source)
    assert listed.returncode == 0, listed.stderr
    names = {path.stem for path in (ROOT / "samples").glob("*.py")}
    assert names <= set(listed.stdout.split())


def test_make_docs_works_in_the_source_archive(source):
    # With the packages of these tests: none needs the network.
    ready = source / ".venv"
    (ready / "bin").mkdir(parents=True)
    (ready / "bin" / "python").symlink_to(sys.executable)
    for stamp in (".ready-tls", ".ready-dev"):
        (ready / stamp).touch()
    checked = run("make", "docs", folder=source, PYTHONPATH=os.pathsep.join(sys.path))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "links and code are fine" in checked.stdout


def test_the_source_archive_has_nothing_that_was_made(archive):
    with tarfile.open(archive) as tar:
        parts = {part for name in tar.getnames() for part in Path(name).parts}
    assert not parts & {"__pycache__", "node_modules", ".venv", ".mypy_cache", "dist"}


def test_the_docs_list_the_extras_that_there_are():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = set(project["optional-dependencies"]) - {"dev"}
    page = (ROOT / "docs" / "getting-started.md").read_text("utf-8")
    assert set(re.findall(r"^\| `pip install '\.\[(\w+)\]'`", page, re.MULTILINE)) == extras
    wanted = re.search(r"pode-py\[(.*?)\]", " ".join(project["optional-dependencies"]["dev"]))
    assert wanted is not None
    assert set(wanted[1].split(",")) == extras


def test_messages_name_extras_that_there_are(tmp_path):
    wheel = next(WheelBuilder(str(ROOT)).build(directory=str(tmp_path)))
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(f"pode_py-{VERSION}.dist-info/METADATA").decode()
    provided = set(re.findall(r"^Provides-Extra: (\w+)$", metadata, re.MULTILINE))
    named = set()
    for path in (ROOT / "pode_py").rglob("*.py"):
        named.update(re.findall(r"pode-py\[(\w+)\]", path.read_text("utf-8")))
    assert named
    assert named <= provided


def test_the_module_says_its_version_and_where_the_docs_are():
    said = run(sys.executable, "-m", "pode_py", folder=ROOT)
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith(f"pode_py {VERSION} on Python ")
    docs = re.search(r"^Docs: (.*)$", said.stdout, re.MULTILINE)
    assert docs is not None
    assert Path(docs[1]).is_file()


def test_without_its_source_the_module_says_where_to_look(tmp_path):
    """As it is after `pip install` of an archive whose folder is gone."""
    wheel = next(WheelBuilder(str(ROOT)).build(directory=str(tmp_path)))
    alone = tmp_path / "alone"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(alone)
    paths = [str(alone), *(path for path in sys.path if "site-packages" in path)]
    said = run(
        *(sys.executable, "-P", "-m", "pode_py"), folder=tmp_path, PYTHONPATH=os.pathsep.join(paths)
    )
    assert said.returncode == 0, said.stderr
    assert f"in {alone / 'pode_py'}\n" in said.stdout
    assert "Docs: docs/index.md in the source folder" in said.stdout
