"""The reason phrases of HTTP statuses, and which statuses carry no body."""

from __future__ import annotations

from http import HTTPStatus

REASONS = {status.value: status.phrase for status in HTTPStatus} | {
    413: "Content Too Large",  # the names of RFC 9110, which Python 3.11 does not know yet
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}

# Statuses from 200 on whose responses carry no body (RFC 9110, 6.4.1). Of these 205 says so by a
# length of 0, as clients do not know it by its status (15.3.6).
BODILESS = frozenset({204, 205, 304})
#: What ends a request and has a body.
WITH_BODY = frozenset(range(200, 1000)) - BODILESS
RESET_CONTENT = 205


def reason(status: int) -> str:
    """The phrase of a status: "Not Found". Statuses nobody named give an empty one."""
    return REASONS.get(status, "")


def has_body(status: int) -> bool:
    """Whether a response with this status may carry a body (RFC 9110, 6.4.1)."""
    return status >= 200 and status not in BODILESS
