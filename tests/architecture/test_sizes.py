"""Sizes are alarms: what is unusually large or small has a reason, and no reason is left over."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture import tree
from tests.architecture.alarms import ALARMS
from tests.architecture.sizes import alarms_of, found
from tests.architecture.tree import Module, check, report


def test_every_alarm_has_a_reason():
    report(
        f"{alarm} ({figure}): make it better, or write down in alarms.py why it is so."
        for alarm, figure in found().items()
        if not ALARMS.get(alarm, "").strip()
    )


def test_no_reason_is_left_over():
    report(f"{alarm}: there is no such alarm any more." for alarm in ALARMS.keys() - found().keys())


def test_every_file_says_what_it_is():
    check(_silent_files)


@pytest.mark.parametrize(
    ("source", "alarm"),
    [
        ("x = 1\n" * 401, "long file: a.py"),
        ("x = 1\n" * 39, "short module: a.py"),
        ("def f():\n" + "    x = 1\n" * 60, "long function: a.py f"),
        ("def f(a, b, c, d, e, f, g): ...\n", "many parameters: a.py f"),
        (
            "class A:\n    def _tiny_and_alone(self):\n        return 1\n\n"
            "    def go(self):\n        return self._tiny_and_alone()\n",
            "tiny and used once: a.py A._tiny_and_alone",
        ),
    ],
)
def test_each_kind_of_alarm_rings(
    source: str, alarm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    package = tmp_path / tree.PACKAGE
    package.mkdir()
    (package / "a.py").write_text(source, "utf-8")
    monkeypatch.setattr(tree, "ROOT", tmp_path)
    monkeypatch.setattr("tests.architecture.sizes._definitions", lambda: {"_tiny_and_alone": 1})
    assert alarm in dict(alarms_of(Module(package / "a.py")))


def _silent_files(module: Module) -> Iterator[str]:
    if ast.get_docstring(module.tree) is None:
        yield module.at(1, "the first line says what the file is, and what it is not.")
