"""Python files that a set-up runs are modules, as long as their server is there."""

from __future__ import annotations

import gc
import multiprocessing
import pickle
import sys
import typing
import weakref
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from pode_py import PodeError
from pode_py.core.paths import Folders


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path)


def write(folders: Folders, name: str, code: str) -> str:
    path = folders.resolve(name)
    path.parent.mkdir(exist_ok=True)
    path.write_text(dedent(code))
    return name


POINT = """
    from __future__ import annotations

    import dataclasses
    import enum

    class Colour(enum.Enum):
        RED = 1

    @dataclasses.dataclass
    class Point:
        x: int
        colour: Colour

    def square(number):
        return number * number

    def handler():
        return Point(3, Colour.RED)
"""


def test_a_value_of_a_file_s_class_can_be_pickled(folders: Folders):
    value = folders.handler(write(folders, "point.py", POINT))()
    assert pickle.loads(pickle.dumps(value)) == value


def test_type_hints_find_the_classes_of_a_file(folders: Folders):
    value = folders.handler(write(folders, "point.py", POINT))()
    hints = typing.get_type_hints(type(value))
    assert hints["colour"] is type(value.colour)


def test_another_process_runs_a_file_s_function(folders: Folders):
    handler = folders.handler(write(folders, "point.py", POINT))
    square: Any = handler.__globals__["square"]
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(1, mp_context=fork) as pool:
        assert pool.submit(square, 4).result(30) == 16


def test_a_file_that_is_run_twice_is_two_modules(folders: Folders):
    name = write(folders, "point.py", POINT)
    first, second = folders.handler(name)(), folders.handler(name)()
    assert type(first) is not type(second)
    assert pickle.loads(pickle.dumps(first)) == first
    assert pickle.loads(pickle.dumps(second)) == second


def test_the_files_of_a_folder_are_modules(folders: Folders):
    write(folders, "routes/one-two.py", POINT)
    assert folders.load("routes") == 1
    (module,) = [
        one for name, one in sys.modules.items() if name.startswith("pode_py_file_one_two")
    ]
    assert pickle.loads(pickle.dumps(module.handler())) == module.handler()


def test_modules_go_with_their_folders(tmp_path: Path):
    folders = Folders(tmp_path)
    handler = folders.handler(write(folders, "point.py", POINT))
    name = handler.__module__
    gone = weakref.ref(folders)
    del folders
    gc.collect()
    assert gone() is None
    assert name not in sys.modules


def test_a_file_that_raises_leaves_no_module(folders: Folders):
    write(folders, "broken.py", "1 / 0")
    with pytest.raises(ZeroDivisionError):
        folders.handler("broken.py")
    assert not [name for name in sys.modules if name.startswith("pode_py_file_broken")]


def test_a_path_without_its_ending_is_completed_in_the_message(folders: Folders):
    write(folders, "home.py", POINT)
    with pytest.raises(PodeError, match=r"home does not exist. Did you mean 'home\.py'\?"):
        folders.handler("home")


@pytest.mark.parametrize(
    ("code", "idle"),
    [
        ("def handler(): ...", True),
        ("async def handler(): ...", True),
        ("def helper(): ...", False),
        ("def handler(): ...\nprint(handler)", False),
        ("import functools\n@functools.cache\ndef handler(): ...", False),
    ],
)
def test_a_file_of_a_folder_that_only_defines_a_handler_is_idle(
    folders: Folders, code: str, idle: bool
):
    write(folders, "routes/x.py", code)
    folders.load("routes")
    assert [path.name for path in folders.idle] == ["x.py"] * idle


def test_a_handler_that_is_added_as_a_file_is_not_idle(folders: Folders):
    write(folders, "routes/x.py", "def handler(): ...")
    folders.load("routes")
    folders.handler("routes/x.py")
    assert folders.idle == []
