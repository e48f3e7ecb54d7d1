"""The calendar: what calendar programs make of presence, leave and holidays."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from icalendar import Calendar

from server.attendance.day import Mark
from server.pipeline.attendance_calendar import calendar, of_people
from server.pipeline.day_rows import DayEntry, DayPublic
from server.store.tables import Holiday, Leave, Person
from tests.jobs.days_made_up import day, person

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def events(content: bytes) -> Mapping[str, Any]:
    """By summary. Lines end as they must, and every one is short enough."""
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    return {str(one["summary"]): one for one in Calendar.from_ical(content).walk("VEVENT")}


def test_whole_days() -> None:
    """Both dates of a leave count; a holiday names its site; a name with letters of all kinds is kept."""
    somebody = Person(full_name="Łukasz Ångström; Jr, " + "é" * 60)
    leave = Leave(
        person_id=somebody.id, first_date=date(2026, 3, 2), last_date=date(2026, 3, 4), kind="vacation", half=None
    )
    half = Leave(
        person_id=somebody.id, first_date=date(2026, 3, 9), last_date=date(2026, 3, 9), kind="sick", half="first"
    )
    others = Leave(
        person_id="somebody", first_date=date(2026, 3, 9), last_date=date(2026, 3, 9), kind="sick", half=None
    )
    holidays = [
        Holiday(date=date(2026, 5, 1), name="Labour Day", site_id="s1"),
        Holiday(date=date(2026, 5, 2), name="Fair", site_id=None),
    ]
    found = events(
        calendar(
            "All", NOW, leave=of_people([leave, half, others], [somebody]), holidays=holidays, sites={"s1": "Works"}
        )
    )
    assert set(found) == {
        f"{somebody.full_name}: vacation", f"{somebody.full_name}: sick (first half)", "Labour Day (Works)", "Fair",
    }  # fmt: skip
    first = found[f"{somebody.full_name}: vacation"]
    assert (first["dtstart"].dt, first["dtend"].dt) == (date(2026, 3, 2), date(2026, 3, 5))
    assert found["Fair"]["dtend"].dt == date(2026, 5, 3)


def was_there(name: str, came: datetime | None, left: datetime | None, **more: Any) -> DayPublic:
    """A day with a check-in, and a check-out if there was one."""
    moments = (("in", came), ("out", left))
    entries = [DayEntry(id=way, at=at, direction=way) for way, at in moments if at is not None]
    said: dict[str, Any] = {"entries": entries, "marks": [], "late_minutes": 0, **more}
    return day(person(name), **said)


def test_presence_ends_where_it_does() -> None:
    """At the last entry; at what the rule said; now, while somebody is in; a day without entries is none."""
    at = datetime(2026, 3, 9, 8, tzinfo=UTC)
    over = was_there("Ada", at, at + timedelta(hours=8))
    marks = [Mark.MISSING_OUT, Mark.CLOSED]
    closed = was_there("Bea", at, None, marks=marks, closed_at=at + timedelta(hours=7), late_minutes=9)
    runs = was_there("Cyd", NOW - timedelta(hours=1), None, marks=[Mark.RUNNING])
    found = events(calendar("All", NOW, days=[over, closed, runs, was_there("Dan", None, None)]))
    assert {name: one["dtend"].dt for name, one in found.items()} == {
        "Ada": at + timedelta(hours=8), "Bea": at + timedelta(hours=7), "Cyd": NOW,
    }  # fmt: skip
    assert str(found["Ada"]["description"]) == "Worked 7:30"
    assert str(found["Bea"]["description"]) == "Worked 7:30, missing out, late 9 min"
