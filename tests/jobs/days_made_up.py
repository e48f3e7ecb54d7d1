"""Days for tests of files, made without a database."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from server.attendance.day import Mark, Status
from server.jobs.day_columns import Names
from server.jobs.days_workbook import About
from server.pipeline.day_rows import Adjustment, DayPublic
from server.store.tables import Person
from server.store.views import PersonBrief

MONDAY = date(2026, 1, 5)
LAB = "lab"
NAMES = Names({LAB: "Lab"}, {"berlin": "Berlin"})


def person(name: str, department_id: str | None = LAB) -> Person:
    return Person(id=f"id-{name}", full_name=name, employee_id="-1", department_id=department_id, site_id="berlin")


def day(of: Person, number: int = 0, **more: Any) -> DayPublic:
    """Present from 08:00:30 to 16:00 UTC, in Berlin."""
    start = datetime(2026, 1, 5, 8, 0, 30, 999_999, tzinfo=UTC) + timedelta(days=number)
    said: dict[str, Any] = {
        "person_id": of.id, "person": PersonBrief.of(of), "department_id": of.department_id, "site_id": of.site_id,
        "date": MONDAY + timedelta(days=number), "status": Status.PRESENT, "first_in": start,
        "last_out": start + timedelta(hours=8), "worked_minutes": 450, "break_minutes": 30, "late_minutes": 5,
        "early_minutes": 0, "overtime_minutes": 15, "presence_minutes": 480, "shift_id": None, "shift_name": None,
        "timezone": "Europe/Berlin", "marks": [Mark.HALF_DAY, Mark.MISSING_OUT], "closed_at": None, "entries": [],
        "locked": False, "adjustment": None,
    }  # fmt: skip
    return DayPublic(**(said | more))


LESS = Adjustment(
    status=Status.ABSENT, worked_minutes=-450, break_minutes=-30, late_minutes=0, early_minutes=0, overtime_minutes=0
)


def about(people: Sequence[Person]) -> About:
    made_at = datetime(2026, 1, 12, 9, tzinfo=UTC)
    return About(MONDAY, MONDAY + timedelta(days=6), "Europe/Berlin", made_at, None, people, NAMES)
