"""Leftover threads: those of the user's that keep a program from ending once its server has ended.

Python waits for every thread that is no daemon, without a word and for as long as it takes.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Final

from pode_py.core.paths import is_library, is_ours
from pode_py.server.console.screen import complain

# Threads that notice the stop have ended by then.
_PATIENCE: Final = 2.0


def watch_leftover_threads() -> None:
    """Once the program wants to end, name the threads that it waits for. Waits for nothing here."""
    if _leftover():
        threading.Thread(target=_wait_and_say, name="pode-leftover", daemon=True).start()


def _leftover() -> list[threading.Thread]:
    """Those that Python waits for."""
    spared = (threading.main_thread(), threading.current_thread())
    return [one for one in threading.enumerate() if not one.daemon and one not in spared]


def _wait_and_say() -> None:
    threading.main_thread().join()
    time.sleep(_PATIENCE)
    threads = _leftover()
    if not threads:
        return
    names = ", ".join(f"{one.name!r}{_place_of(one)}" for one in threads)
    complain(
        "The server has stopped, but the program can't end: it waits for "
        f"{'the thread' if len(threads) == 1 else 'the threads'} {names}. Start such a thread with "
        "daemon=True, or have it end in a handler: @register_event('terminate', 'end threads')."
    )


def _place_of(thread: threading.Thread) -> str:
    """The user's line that it is at: " (app.py:9)"."""
    frame = sys._current_frames().get(thread.ident or 0)
    while frame is not None:
        code = frame.f_code
        if not is_library(code.co_filename) and not is_ours(code.co_filename):
            return f" ({Path(code.co_filename).name}:{frame.f_lineno})"
        frame = frame.f_back
    return ""
