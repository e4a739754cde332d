"""`python -m pode_py`: says which version this is, and where its docs are."""

from __future__ import annotations

import json
import platform
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pode_py.server.info import VERSION

_PACKAGE = Path(__file__).parent


def main() -> None:
    """Print it."""
    print(f"pode_py {VERSION} on Python {platform.python_version()}, in {_PACKAGE}")
    print(f"Docs: {_docs()}")
    print("Help for one function: python -m pydoc pode_py.add_route")
    print("To start a server, run its script: python server.py")


def _docs() -> str:
    """The first page, if the source is still where it was installed from."""
    for folder in (_PACKAGE.parent, _source()):
        if folder is not None and (folder / "docs" / "index.md").is_file():
            return str(folder / "docs" / "index.md")
    return "docs/index.md in the source folder that pode_py was installed from"


def _source() -> Path | None:
    """The folder that pip installed it from, if it was one."""
    try:
        text = distribution("pode-py").read_text("direct_url.json")
    except PackageNotFoundError:
        return None
    url = urlsplit(json.loads(text)["url"]) if text else None
    return Path(unquote(url.path)) if url is not None and url.scheme == "file" else None


if __name__ == "__main__":
    main()
