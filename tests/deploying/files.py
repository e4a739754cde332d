"""The files of samples/deploy, as they are, and with what only a test needs to be otherwise."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "samples" / "deploy"


def text_of(name: str) -> str:
    return (DEPLOY / name).read_text("utf-8")


def adapted(name: str, changes: dict[str, str]) -> str:
    """The file with other ports and paths. Each of these must stand in it."""
    text = text_of(name)
    for old, new in changes.items():
        assert old in text, f"{old!r} no longer stands in {name}."
        text = text.replace(old, new)
    return text
