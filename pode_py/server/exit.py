"""How a program that can't start ends."""

from __future__ import annotations

import sys
import threading

from pode_py.core.errors import StartError


def exit_for(error: StartError) -> BaseException:
    """What ends a program that can't start: one sentence on standard error, exit code 1.

    A thread would end without a word, and an interactive session would end with everything in
    it: both get the error itself.
    """
    if threading.current_thread() is not threading.main_thread() or hasattr(sys, "ps1"):
        return error
    return SystemExit(f"pode_py: {error}")
