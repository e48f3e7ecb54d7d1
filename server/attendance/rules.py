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
    LATER_TODAY = "later_today"  # not the first that day, so perhaps the last: only those two count there
    STATUS = "status"  # a terminal of another maker says so itself
    MONITOR = "monitor"  # the camera only watches
    PASSED = "passed"  # in that direction over the camera's line, or into its zone
    NOT_PASSED = "not_passed"  # the camera has a line or a zone for it, and the person has not passed
    OTHER_WAY = "other_way"  # passed against the direction of which the camera is
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
    passed: Direction | None = None,
    must_pass: bool = False,
    first_and_last: bool = False,
) -> Decision:
    """What a sighting at `at` means. `last_at_camera` is the person's last entry there, of any direction.

    `last_direction_today` is that of the person's last entry anywhere on the working day of `at`, which goes over
    midnight where the shift does (`assign.working_day`), and is the date in the site's time zone (`day_bounds`) where
    no shift is known. Whether a day counts from its first to its last entry (`first_and_last`) or turn by turn is the
    rule of that day; either is a guess, which `days` makes again from all entries. Sightings may arrive late, so the
    cool-down holds on both sides of the last entry.
    Where a line or a zone of the camera says which way somebody passes (`must_pass`), only that counts.
    """
    kind = CameraRole(role)
    if kind is CameraRole.MONITOR:
        return Decision(None, Why.MONITOR)
    if must_pass and passed is None:
        return Decision(None, Why.NOT_PASSED)
    if passed is not None and kind is not CameraRole.BOTH and kind.value != passed:
        return Decision(None, Why.OTHER_WAY)
    if last_at_camera is not None and abs(at - last_at_camera) < timedelta(seconds=cooldown_s):
        return Decision(None, Why.COOLDOWN)
    if passed is not None:
        return Decision(passed, Why.PASSED)
    if kind is CameraRole.IN:
        return Decision("in", Why.ROLE)
    if kind is CameraRole.OUT:
        return Decision("out", Why.ROLE)
    if last_direction_today is None:
        return Decision("in", Why.FIRST_TODAY)
    if first_and_last:
        return Decision("out", Why.LATER_TODAY)
    return Decision("out" if last_direction_today == "in" else "in", Why.OTHER_DIRECTION)


def day_of(at: datetime, tz: tzinfo = UTC) -> date:
    """The day on which something happened, as people at the site count days."""
    return at.astimezone(tz).date()


def day_bounds(day: date, tz: tzinfo = UTC) -> tuple[datetime, datetime]:
    """The first moment of a day and that of the next, in UTC; 23 or 25 hours apart where the clocks change."""
    start = datetime.combine(day, time.min, tz)
    end = datetime.combine(day + timedelta(days=1), time.min, tz)
    return start.astimezone(UTC), end.astimezone(UTC)
