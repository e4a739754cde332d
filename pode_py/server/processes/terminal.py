"""Terminal: whether the terminal that a program was started in is still there.

SIGHUP comes from a terminal that goes, and from somebody who wants a restart.
"""

from __future__ import annotations

import os


class Terminal:
    """Looks at its creation whether there is one."""

    def __init__(self) -> None:
        self._was_there = _is_there()

    def has_gone(self) -> bool:
        return self._was_there and not _is_there()


def _is_there() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True
