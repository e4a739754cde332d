"""What several tests need: programs that must be installed."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest

#: What a conversation must be the same on.
ENGINES = ("h11", "uvicorn")
#: What our own engine waits with.
POLLERS = ("auto", "selectors")


def need_program(name: str) -> str:
    """The path of an installed program.

    Without it the test is skipped and says which program it wants; with PODE_PY_NO_SKIP set, as
    in CI, it fails instead, so that nothing goes untested unseen.
    """
    # Debian keeps daemons such as nginx where a user's PATH does not look.
    path = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))
    if path is None:
        skip_or_fail(f"The program {name!r} is not installed; .ci/run says which package has it.")
    return path


def skip_or_fail(reason: str) -> NoReturn:
    """Skip the test for what this machine lacks; fail it if PODE_PY_NO_SKIP is set."""
    if os.environ.get("PODE_PY_NO_SKIP"):
        pytest.fail(reason)
    pytest.skip(reason)
