"""From a sighting to an entry: which direction a recognised person's sighting means at a camera, or why none."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Literal

Direction = Literal["in", "out"]


class CameraRole(StrEnum):
    """What a sighting at a camera means."""

    IN = "in"
    OUT = "out"
    BOTH = "both"
    MONITOR = "monitor"


class Why(StrEnum):
    """The reason of a decision."""

    ROLE = "role"  # the camera is for this direction
    FIRST_TODAY = "first_today"  # nothing came before it that day, so the day begins
    OTHER_DIRECTION = "other_direction"  # the other one of the person's last that day
    MONITOR = "monitor"  # the camera only watches
    COOLDOWN = "cooldown"  # the person has an entry at this camera a moment ago


@dataclass(frozen=True, slots=True)
class Decision:
    """The entry to write, if any."""

    direction: Direction | None
    why: Why


def decide(
    *,
    role: str,
    at: datetime,
    last_at_camera: datetime | None,
    last_direction_today: str | None,
    cooldown_s: float,
) -> Decision:
    """What a sighting at `at` means. `last_at_camera` is the person's last entry there, of any direction.

    `last_direction_today` is that of the person's last entry anywhere on the day of `at` in the site's time zone
    (`day_bounds`). Sightings may arrive late, so the cool-down holds on both sides of the last entry.
    """
    kind = CameraRole(role)
    if kind is CameraRole.MONITOR:
        return Decision(None, Why.MONITOR)
    if last_at_camera is not None and abs(at - last_at_camera) < timedelta(seconds=cooldown_s):
        return Decision(None, Why.COOLDOWN)
    if kind is CameraRole.IN:
        return Decision("in", Why.ROLE)
    if kind is CameraRole.OUT:
        return Decision("out", Why.ROLE)
    if last_direction_today is None:
        return Decision("in", Why.FIRST_TODAY)
    return Decision("out" if last_direction_today == "in" else "in", Why.OTHER_DIRECTION)


def day_of(at: datetime, tz: tzinfo = UTC) -> date:
    """The day on which something happened, as people at the site count days."""
    return at.astimezone(tz).date()


def day_bounds(day: date, tz: tzinfo = UTC) -> tuple[datetime, datetime]:
    """The first moment of a day and that of the next, in UTC; 23 or 25 hours apart where the clocks change."""
    start = datetime.combine(day, time.min, tz)
    end = datetime.combine(day + timedelta(days=1), time.min, tz)
    return start.astimezone(UTC), end.astimezone(UTC)
