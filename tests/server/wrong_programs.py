"""Runs many wrong programs in one process, as `python FILE` would: for test_wrong_programs.py.

python wrong_programs.py FILE ... prints a JSON object: file to what its user would see.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

#: What is shown of one that serves. It is a BaseException, so that no server takes it for a fault.
STARTED = "IT HAS STARTED"
#: Seconds. One that fails does so in a few hundredths.
PATIENCE = 20


class Started(BaseException):
    """A program that should have failed has not."""


def shown(path: str) -> str:
    """What stands on standard error in the end."""
    try:
        with limited():
            runpy.run_path(path, run_name="__main__")
    except Started:
        return STARTED
    except SystemExit as end:
        return str(end.code)
    except BaseException as error:
        return "".join(traceback.format_exception(error))
    return "IT HAS ENDED WITHOUT A WORD"


@contextmanager
def limited() -> Iterator[None]:
    def end(*_: Any) -> None:
        raise Started

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


if __name__ == "__main__":
    output = os.dup(1)
    os.dup2(2, 1)  # a server that starts prints where
    told = {path: shown(path) for path in sys.argv[1:]}
    with os.fdopen(output, "w") as stream:
        json.dump(told, stream)
