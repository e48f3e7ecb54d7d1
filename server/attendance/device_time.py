"""When somebody checked in at a device: the server's clock decides, also for what the device has kept while offline."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

KEPT_AFTER = timedelta(seconds=60)  # older than this it was kept; younger, it was on its way
KEPT_AFTER_SENT = timedelta(seconds=30)  # the same by the device's own clock, which has no part in how the net is
KEPT_FOR = timedelta(days=7)

Implausible = Literal["in_the_future", "too_long_ago"]


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment by the server's clock, and how far the device's was ahead of it."""

    at: datetime
    offset_ms: int
    kept: bool


def moment_of(
    device_time: datetime, now: datetime, *, sent_at: datetime | None = None, known_offset_ms: int | None = None
) -> Moment | Implausible:
    """`device_time` is when the code was typed, by the device's clock; `now` when it arrived, by the server's.

    `sent_at`, the device's clock as it sent the request, tells how far that clock is off, however wrong it is. Without
    it the offset is the one known from before (`known_offset_ms`), or none. What was sent at once happens now.
    """
    if sent_at is not None:
        offset = sent_at - now
        waited, tolerance = sent_at - device_time, KEPT_AFTER_SENT
    else:
        offset = timedelta(milliseconds=known_offset_ms or 0)
        waited, tolerance = now + offset - device_time, KEPT_AFTER
    if waited < -tolerance:
        return "in_the_future"
    if waited > KEPT_FOR:
        return "too_long_ago"
    if waited <= tolerance:
        measured = offset if sent_at is not None else device_time - now
        return Moment(now, _milliseconds(measured), kept=False)
    return Moment(now - waited, _milliseconds(offset), kept=True)


def _milliseconds(offset: timedelta) -> int:
    """Bounded by what a database's integer holds: about 24 days either way."""
    return max(-(2**31) + 1, min(2**31 - 1, round(offset / timedelta(milliseconds=1))))
