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
    """How long the server has run, in milliseconds. Pode: Get-PodeServerUptime.

    `total` counts from the first start, not from the last restart. The other formats are text:
    "concise" (1d 2h 3m), "compact" (01:02:03:00.000) and "verbose" (1 day, 2 hours, 3 minutes).

        print("up for", get_server_uptime(format="verbose", exclude_milliseconds=True))
    """
    form = one_of("format", format, FORMATS)
    milliseconds = int(room(Metrics).uptime(total=total) * 1000)
    if form == "milliseconds":
        return milliseconds
    return readable(milliseconds, form, exclude_milliseconds=exclude_milliseconds)


def get_server_restart_count() -> int:
    """How often the server was restarted since its first start. Pode: Get-PodeServerRestartCount.

    get_server_restart_count()
    """
    return room(Metrics).restarts


def get_server_request_metric(status_code: int = 0, *, total: bool = False) -> int | dict[int, int]:
    """How many requests were answered, with each status. Pode: Get-PodeServerRequestMetric.

    With `status_code`, how many with this one; with `total`, how many in all. A request counts
    once it was answered; restarts do not set the numbers back.

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
    """How many requests are being answered or wait for a thread.

    Pode: Get-PodeServerActiveRequestMetric. Open event streams of which no handler runs are none.

        if get_server_active_request_metric("queued") > 100: ...
    """
    wanted = one_of("count_type", count_type, _COUNT_TYPES)
    metrics = room(Metrics)
    processing = metrics.requests.active if wanted != "queued" else 0
    return processing + (metrics.queued() if wanted != "processing" else 0)
