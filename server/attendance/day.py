"""Day: what the report says of one person's working day."""

from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple


class Status(StrEnum):
    """What a day was. Who was there is `present`, whatever was planned; the marks tell that."""

    PRESENT = "present"
    ABSENT = "absent"
    LEAVE = "leave"
    HOLIDAY = "holiday"
    INCOMPLETE = "incomplete"  # a check-in or a check-out is missing, or the day has not told yet
    OFF = "off"


class Mark(StrEnum):
    """What somebody should know of a day besides its status."""

    MISSING_IN = "missing_in"  # a check-out without a check-in before it: that time does not count
    MISSING_OUT = "missing_out"  # a check-in without a check-out after it
    CLOSED = "closed"  # the presence without a check-out was ended by rule, at `closed_at`
    DUPLICATE_IN = "duplicate_in"  # checked in while in: the first counts
    DUPLICATE_OUT = "duplicate_out"  # checked out again within minutes: the last counts
    TOO_SHORT = "too_short"  # fewer minutes than count as presence
    HALF_DAY = "half_day"  # fewer minutes than a whole day has to have
    FIRST_HALF_LEAVE = "first_half_leave"
    SECOND_HALF_LEAVE = "second_half_leave"
    LEAVE_WORKED = "leave_worked"  # there on a day of leave
    HOLIDAY = "holiday"  # a holiday, on a date on which nothing was planned anyway
    HOLIDAY_WORKED = "holiday_worked"
    OFF_WORKED = "off_worked"  # there on a day off
    UNASSIGNED = "unassigned"  # there on a date with shifts, but outside of what belongs to them
    CARRIED = "carried"  # stayed from one shift through the next without checking out in between
    RUNNING = "running"  # not over yet: the numbers still grow
    EXPECTED = "expected"  # nobody has been seen, and the shift is not over


NO_MARKS: frozenset[Mark] = frozenset()


class Day(NamedTuple):
    """One window of the plan, or a date without one. Minutes are whole ones, each the floor of one sum.

    `date` is that on which the shift starts. `first_in` and `last_out` are entries as they were made; what is rounded
    or closed by rule changes the minutes alone. `presence_minutes` are from the first coming to the last going;
    worked and break together are never more. Two shifts on a date are two days.
    """

    person_id: str
    date: date
    status: Status
    first_in: datetime | None = None
    last_out: datetime | None = None
    worked_minutes: int = 0
    break_minutes: int = 0
    late_minutes: int = 0
    early_minutes: int = 0
    overtime_minutes: int = 0
    shift_id: str | None = None
    entries: tuple[str, ...] = ()  # the ids, by time
    marks: frozenset[Mark] = NO_MARKS
    presence_minutes: int = 0
    closed_at: datetime | None = None
