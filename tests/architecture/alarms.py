"""Why a place is as large or as small as it is: alarm -> reason. Read at review."""

from __future__ import annotations

from typing import Final

ALARMS: Final[dict[str, str]] = {}
