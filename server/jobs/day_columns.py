"""What a table of days says: the same columns in every format, each with its kind of value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from server.pipeline.day_rows import Adjustment, DayPublic

Value = str | int | bool | date | datetime | None
Kind = Literal["text", "date", "moment", "duration", "minutes", "flag"]


@dataclass(frozen=True, slots=True)
class Names:
    """What departments and sites are called, by id."""

    departments: Mapping[str, str] = field(default_factory=dict)
    sites: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Column:
    """`name` is for programs, `title` for people. Minutes are whole ones; a duration is minutes shown as h:mm."""

    name: str
    title: str
    kind: Kind
    width: int
    value: Callable[[DayPublic, Names], Value]


def _adjusted(day: DayPublic, name: str) -> Value:
    found: Adjustment | None = day.adjustment
    return None if found is None else getattr(found, name)


def _local(at: datetime | None, day: DayPublic) -> Value:
    """As the clock on the wall showed it where the person works."""
    return None if at is None else at.astimezone(ZoneInfo(day.timezone))


COLUMNS: tuple[Column, ...] = (
    Column("date", "Date", "date", 11, lambda day, _: day.date),
    Column("personId", "Person id", "text", 12, lambda day, _: day.person_id),
    Column("fullName", "Name", "text", 24, lambda day, _: day.person.full_name),
    Column("employeeId", "Employee no.", "text", 13, lambda day, _: day.person.employee_id),
    Column("department", "Department", "text", 18, lambda day, names: names.departments.get(day.department_id or "")),
    Column("site", "Site", "text", 14, lambda day, names: names.sites.get(day.site_id or "")),
    Column("status", "Status", "text", 11, lambda day, _: day.status.value),
    Column("shift", "Shift", "text", 14, lambda day, _: day.shift_name),
    Column("firstIn", "First in", "moment", 17, lambda day, _: _local(day.first_in, day)),
    Column("lastOut", "Last out", "moment", 17, lambda day, _: _local(day.last_out, day)),
    Column("timezone", "Time zone", "text", 16, lambda day, _: day.timezone),
    Column("presenceMinutes", "Presence (h:mm)", "duration", 10, lambda day, _: day.presence_minutes),
    Column("workedMinutes", "Worked (h:mm)", "duration", 10, lambda day, _: day.worked_minutes),
    Column("breakMinutes", "Break (h:mm)", "duration", 10, lambda day, _: day.break_minutes),
    Column("overtimeMinutes", "Overtime (h:mm)", "duration", 10, lambda day, _: day.overtime_minutes),
    Column("lateMinutes", "Late (minutes)", "minutes", 9, lambda day, _: day.late_minutes),
    Column("earlyMinutes", "Left early (minutes)", "minutes", 9, lambda day, _: day.early_minutes),
    Column("marks", "Marks", "text", 18, lambda day, _: " ".join(mark.value for mark in day.marks) or None),
    Column("closedAt", "Closed by rule at", "moment", 17, lambda day, _: _local(day.closed_at, day)),
    Column("locked", "Locked", "flag", 8, lambda day, _: day.locked),
    Column("adjustedStatus", "Would now be", "text", 11, lambda day, _: _adjusted(day, "status")),
    *(
        Column(f"adjusted{name.title()}Minutes", f"{title} since (minutes)", "minutes", 10,
               lambda day, _, name=name: _adjusted(day, f"{name}_minutes"))  # type: ignore[misc]
        for name, title in (
            ("worked", "Worked"), ("break", "Break"), ("overtime", "Overtime"), ("late", "Late"),
            ("early", "Left early"),
        )
    ),
)  # fmt: skip


def row_of(day: DayPublic, names: Names) -> list[Value]:
    """A value for each column."""
    return [column.value(day, names) for column in COLUMNS]


def as_text(value: Value) -> Value:
    """For a table of text: times with their offset from UTC, so that none of them is ambiguous."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return value.isoformat() if isinstance(value, date) else value
