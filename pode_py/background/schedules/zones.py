"""Zone: what the wall clocks of a place show, and when they are changed. It has no clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


class Zone:
    """A named time zone, or the machine's own if `tz` is None.

    An *instant* is an aware datetime in UTC; a *wall* is a naive one, as a wall clock shows it.
    """

    __slots__ = ("_tz", "fixed")

    def __init__(self, tz: tzinfo | None = None) -> None:
        self._tz = tz
        self.fixed = isinstance(tz, timezone) or (isinstance(tz, ZoneInfo) and tz.key == "UTC")

    def local(self, instant: datetime) -> datetime:
        """The instant as an aware datetime of this zone."""
        return instant.astimezone(self._tz)

    def offset(self, instant: datetime) -> timedelta:
        """How far the wall clocks are ahead of UTC at this instant."""
        return self.local(instant).utcoffset() or timedelta(0)

    def wall(self, instant: datetime) -> datetime:
        """What the wall clocks show at this instant."""
        return self.local(instant).replace(tzinfo=None)

    def instant(self, moment: datetime) -> datetime:
        """The instant of an aware datetime, or of a naive one of this zone."""
        if moment.tzinfo is None and self._tz is not None:
            moment = moment.replace(tzinfo=self._tz)
        return moment.astimezone(UTC)

    def next_change(self, after: datetime, until: datetime) -> datetime | None:
        """The first instant after `after`, up to `until`, at which the wall clocks are changed."""
        if self.fixed:
            return None
        before = self.offset(after)
        # No zone changes its clocks and changes them back within a day.
        while after < until:
            step = min(after + DAY, until)
            if self.offset(step) != before:
                return self._bisect(after, step, before)
            after = step
        return None

    def _bisect(self, low: datetime, high: datetime, before: timedelta) -> datetime:
        while high - low > SECOND:
            middle = low + (high - low) // 2
            middle -= timedelta(microseconds=middle.microsecond)
            if middle <= low:
                break
            low, high = (middle, high) if self.offset(middle) == before else (low, middle)
        return high


def zone_of(time_zone: str | tzinfo | None) -> Zone:
    """The zone of a name such as "Europe/Berlin", of a tzinfo, or the machine's own for None."""
    if time_zone is None or isinstance(time_zone, tzinfo):
        return Zone(time_zone)
    try:
        return Zone(ZoneInfo(time_zone))
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError) as error:
        raise ValueError(
            f"time_zone={time_zone!r} is not known. Use a name such as 'Europe/Berlin' or 'UTC'; "
            "if even those fail, install the package tzdata."
        ) from error
