"""Folders: where the server's files are, from the folder of the user's script."""

from __future__ import annotations

from pathlib import Path


class Folders:
    """Resolves the paths users write: absolute ones as they are, others from `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def resolve(self, path: str | Path) -> Path:
        """The absolute path that `path` means."""
        return (self.root / Path(path).expanduser()).resolve()
