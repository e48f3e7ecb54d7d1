"""Days as they are shown: with whose they are, which entries they rest on, and what had been paid when they were
locked."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession

from server.attendance.day import Day, Mark, Status
from server.pipeline import timesheets
from server.store import locks
from server.store.runtime import AttendanceSettings
from server.store.tables import Person
from server.store.views import PersonBrief
from server.wire import Time, Wire

MINUTES = ("worked_minutes", "break_minutes", "late_minutes", "early_minutes", "overtime_minutes")


class DayEntry(Wire):
    """One that the day rests on."""

    id: str
    at: Time
    direction: str


class Adjustment(Wire):
    """By how much a locked day differs from what its entries say by now."""

    status: Status = Field(description="as it would be now")
    worked_minutes: int
    break_minutes: int
    late_minutes: int
    early_minutes: int
    overtime_minutes: int


class DayPublic(Wire):
    """One working day of a person. What is `locked` stays as it was paid; `adjustment` says what has changed since."""

    person_id: str
    person: PersonBrief
    department_id: str | None
    site_id: str | None
    date: date
    status: Status
    first_in: Time | None
    last_out: Time | None
    worked_minutes: int
    break_minutes: int
    late_minutes: int
    early_minutes: int
    overtime_minutes: int
    presence_minutes: int
    shift_id: str | None
    shift_name: str | None
    timezone: str
    marks: list[Mark]
    closed_at: Time | None
    entries: list[DayEntry]
    locked: bool
    adjustment: Adjustment | None


Frozen = Mapping[tuple[str, date], Sequence[Mapping[str, Any]]]


async def load(
    session: AsyncSession, people: Sequence[Person], first: date, last: date, zone: str
) -> tuple[timesheets.Sheets, Frozen, date | None]:
    """All that `shown` needs."""
    sheets = await timesheets.load(session, people, first, last, zone)
    through = await locks.through(session)
    frozen: dict[tuple[str, date], list[dict[str, Any]]] = {}
    if through is not None and first <= through:
        for some in timesheets.chunks([one.id for one in people]):
            frozen |= await locks.frozen(session, some, first, min(last, through))
    return sheets, frozen, through


def shown(
    sheets: timesheets.Sheets, frozen: Frozen, through: date | None, settings: AttendanceSettings, now: datetime
) -> list[DayPublic]:
    """Of each person in turn, by date. Takes no database: for a thread."""
    names = {one.id: one.name for one in sheets.plans.shifts}
    found: list[DayPublic] = []
    for person, days in sheets.by_person(settings, now):
        zone = timesheets.zone_of_person(person, sheets.plans.sites, sheets.plans.zone)
        said = {fact.id: fact for fact in sheets.facts.get(person.id, ())}
        rows = [_row(person, zone, day, names, said, through) for day in days]
        found += _as_paid(rows, frozen) if frozen else rows
    return found


def said_now(rows: Iterable[DayPublic]) -> list[tuple[str, date, list[dict[str, Any]]]]:
    """What a lock keeps."""
    kept: dict[tuple[str, date], list[dict[str, Any]]] = {}
    for row in rows:
        # Neither names nor the people themselves: those may change, or be erased.
        said = row.model_dump(mode="json", exclude={"person_id", "person", "locked", "adjustment"})
        kept.setdefault((row.person_id, row.date), []).append(said)
    return [(person_id, day, said) for (person_id, day), said in kept.items()]


def _row(
    person: Person, zone: str, day: Day, names: Mapping[str, str], said: Mapping[str, Any], through: date | None
) -> DayPublic:
    return DayPublic(
        person_id=person.id, person=PersonBrief.of(person), department_id=person.department_id,
        site_id=person.site_id, date=day.date, status=day.status, first_in=day.first_in, last_out=day.last_out,
        worked_minutes=day.worked_minutes, break_minutes=day.break_minutes, late_minutes=day.late_minutes,
        early_minutes=day.early_minutes, overtime_minutes=day.overtime_minutes,
        presence_minutes=day.presence_minutes, shift_id=day.shift_id,
        shift_name=names.get(day.shift_id) if day.shift_id else None, timezone=zone, marks=sorted(day.marks),
        closed_at=day.closed_at,
        entries=[DayEntry(id=one, at=said[one].at, direction=said[one].direction) for one in day.entries],
        locked=through is not None and day.date <= through, adjustment=None,
    )  # fmt: skip


def _as_paid(rows: Sequence[DayPublic], frozen: Frozen) -> list[DayPublic]:
    """Locked days as they were, each with the difference to now on its first row."""
    found: list[DayPublic] = []
    by_date: dict[date, list[DayPublic]] = {}
    for row in rows:
        by_date.setdefault(row.date, []).append(row)
    for day, now in by_date.items():
        kept = frozen.get((now[0].person_id, day))
        if kept is None:
            found += now
            continue
        own = {"person_id": now[0].person_id, "person": now[0].person, "locked": True}
        paid = [DayPublic.model_validate({**one, **own, "adjustment": None}) for one in kept]
        found += [paid[0].model_copy(update={"adjustment": _difference(paid, now)}), *paid[1:]]
    return found


def _difference(paid: Sequence[DayPublic], now: Sequence[DayPublic]) -> Adjustment | None:
    by = {name: _sum(now, name) - _sum(paid, name) for name in MINUTES}
    if not any(by.values()) and [one.status for one in paid] == [one.status for one in now]:
        return None
    return Adjustment(status=now[0].status, **by)


def _sum(rows: Sequence[DayPublic], name: str) -> int:
    return sum(getattr(row, name) for row in rows)
