"""Sums of days, added up one after the other: of a person, of a department, of all."""

from dataclasses import dataclass, field

from server.attendance.day import Mark, Status
from server.pipeline.day_rows import DayPublic

STATUSES = (Status.PRESENT, Status.ABSENT, Status.LEAVE, Status.HOLIDAY, Status.INCOMPLETE, Status.OFF)


@dataclass(slots=True)
class Sums:
    """Minutes are whole ones."""

    days: int = 0
    by_status: dict[Status, int] = field(default_factory=lambda: dict.fromkeys(STATUSES, 0))
    worked: int = 0
    rest: int = 0
    overtime: int = 0
    late: int = 0
    late_days: int = 0
    early: int = 0
    missing_outs: int = 0
    adjusted_days: int = 0
    adjusted_worked: int = 0

    def add(self, day: DayPublic) -> None:
        self.days += 1
        self.by_status[day.status] += 1
        self.worked += day.worked_minutes
        self.rest += day.break_minutes
        self.overtime += day.overtime_minutes
        self.late += day.late_minutes
        self.late_days += day.late_minutes > 0
        self.early += day.early_minutes
        self.missing_outs += Mark.MISSING_OUT in day.marks
        if day.adjustment is not None:
            self.adjusted_days += 1
            self.adjusted_worked += day.adjustment.worked_minutes
