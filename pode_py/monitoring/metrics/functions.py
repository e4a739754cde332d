"""Pode's Metrics area, but what is about event streams: uptime, restarts and requests."""

from __future__ import annotations

from typing import Literal, overload

from pode_py.core.ambient import room
from pode_py.core.arguments import one_of, whole_number
from pode_py.observability.metrics.metrics import Metrics
from pode_py.observability.metrics.uptime import FORMATS, readable

__all__ = [
    "get_server_active_request_metric",
    "get_server_request_metric",
    "get_server_restart_count",
    "get_server_uptime",
]

_COUNT_TYPES = ("total", "queued", "processing")


@overload
def get_server_uptime(
    *,
    total: bool = False,
    format: Literal["milliseconds"] = "milliseconds",
    exclude_milliseconds: bool = False,
) -> int: ...


@overload
def get_server_uptime(
    *,
    total: bool = False,
    format: Literal["concise", "compact", "verbose"],
    exclude_milliseconds: bool = False,
) -> str: ...


def get_server_uptime(
    *,
    total: bool = False,
    format: Literal["milliseconds", "concise", "compact", "verbose"] = "milliseconds",
    exclude_milliseconds: bool = False,
) -> int | str:
    """Return how long the server has run. Pode: Get-PodeServerUptime.

    total: count from the first start, not from the last restart.
    format: "milliseconds" is a number. The others are text: "concise" (1d 2h 3m), "compact"
        (01:02:03:00.000) and "verbose" (1 day, 2 hours, 3 minutes).
    exclude_milliseconds: leave them out of the text.

        print("up for", get_server_uptime(format="verbose", exclude_milliseconds=True))
    """
    form = one_of("format", format, FORMATS)
    milliseconds = int(room(Metrics).uptime(total=total) * 1000)
    if form == "milliseconds":
        return milliseconds
    return readable(milliseconds, form, exclude_milliseconds=exclude_milliseconds)


def get_server_restart_count() -> int:
    """Return how often the server was restarted. Pode: Get-PodeServerRestartCount.

    get_server_restart_count()
    """
    return room(Metrics).restarts


def get_server_request_metric(status_code: int = 0, *, total: bool = False) -> int | dict[int, int]:
    """Return how many requests were answered. Pode: Get-PodeServerRequestMetric.

    A request counts once it was answered; restarts do not reset the numbers.

    status_code: count the answers with this status; 0 means each status.
    total: count all answers.

    Returns a number with `status_code` or `total`, else a dict: status to number.

        errors = get_server_request_metric(500)
    """
    requests = room(Metrics).requests
    if total:
        return requests.total
    statuses = requests.statuses()
    return statuses.get(status_code, 0) if whole_number("status_code", status_code) else statuses


def get_server_active_request_metric(
    count_type: Literal["total", "queued", "processing"] = "total",
) -> int:
    """Return how many requests are open. Pode: Get-PodeServerActiveRequestMetric.

    An open event stream counts only while its handler runs.

    count_type: "processing" are being answered, "queued" wait for a thread, "total" are both.

        if get_server_active_request_metric("queued") > 100:
            print("busy")
    """
    wanted = one_of("count_type", count_type, _COUNT_TYPES)
    metrics = room(Metrics)
    processing = metrics.requests.active if wanted != "queued" else 0
    return processing + (metrics.queued() if wanted != "processing" else 0)
