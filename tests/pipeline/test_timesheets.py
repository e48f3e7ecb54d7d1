"""Timesheets: the rows of the tables as the working out of days takes them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from server.attendance.day import Status
from server.attendance.rules import Why
from server.parts import Parts
from server.pipeline import timesheets
from server.store.runtime import AttendanceSettings
from server.store.tables import Department, Entry, Holiday, Leave, Person, Schedule, Shift, Site

MONDAY = date(2026, 1, 5)
LATER = datetime(2026, 2, 1, tzinfo=UTC)
EARLY = {"start": "09:00", "end": "17:00"}


async def keep(parts: Parts, *rows: Any) -> None:
    """In this order, for some point to others."""
    async with parts.store.transaction() as session:
        for row in rows:
            session.add(row)
            await session.flush()


async def sheets_of(parts: Parts, *people: Person, zone: str = "UTC", days: int = 1) -> timesheets.Sheets:
    async with parts.store.read() as session:
        return await timesheets.load(session, people, MONDAY, MONDAY + timedelta(days=days - 1), zone)


@pytest.fixture
async def early(parts: Parts) -> Shift:
    shift = Shift(name="Early", rules=EARLY)
    await keep(parts, shift)
    return shift


def entry(person: Person, hour: int, direction: str, **more: Any) -> Entry:
    at = datetime(2026, 1, 5, hour, tzinfo=UTC)
    return Entry(person_id=person.id, at=at, direction=direction, origin="manual", **more)


async def test_whose_zone_counts(parts: Parts, early: Shift) -> None:
    """A person's own, else that of their site, else the server's; a shift without one goes by it."""
    site = Site(name="Tokyo", timezone="Asia/Tokyo")
    own, there, here = (
        Person(full_name="A", timezone="Europe/Berlin"), Person(full_name="B", site_id=site.id), Person(full_name="C"),
    )  # fmt: skip
    await keep(parts, site, own, there, here, Schedule(shift_id=early.id, first_date=MONDAY))
    sheets = await sheets_of(parts, own, there, here, zone="America/New_York")
    starts = [sheet.plan.windows[-1].starts_at.hour for sheet in sheets.all]
    assert [sheet.timezone for sheet in sheets.all] == ["Europe/Berlin", "Asia/Tokyo", "America/New_York"]
    assert starts == [8, 0, 14]


async def test_what_does_not_count_is_not_there(parts: Parts, person: Person) -> None:
    """Entries that wait or were removed make no day; a guessed direction is known as one."""
    await keep(
        parts, entry(person, 9, "in", why=Why.FIRST_TODAY.value), entry(person, 12, "out", state="removed"),
        entry(person, 13, "in", state="pending"), entry(person, 17, "out", why=Why.ROLE.value),
    )  # fmt: skip
    sheets = await sheets_of(parts, person)
    assert [(one.at.hour, one.guessed) for one in sheets.facts[person.id]] == [(9, True), (17, False)]
    (day,) = sheets.days(AttendanceSettings(), LATER)
    assert (day.worked_minutes, day.overtime_minutes) == (480, 0)


async def test_schedules_of_every_kind(parts: Parts, early: Shift) -> None:
    """A shift, a rotation, off for good, and an exception; a person's before their department's before everybody's."""
    crew = Department(name="Crew")
    ada, bea, cleo = (Person(full_name=name, department_id=crew.id) for name in ("Ada", "Bea", "Cleo"))
    turns = {"anchor": "2026-01-05", "unit": "day", "turns": [[early.id], []]}
    await keep(
        parts, crew, ada, bea, cleo,
        Schedule(shift_id=early.id, first_date=MONDAY),
        Schedule(department_id=crew.id, rotation=turns, first_date=MONDAY),
        Schedule(person_id=bea.id, first_date=MONDAY),
        Schedule(person_id=cleo.id, shift_id=early.id, first_date=date(2026, 1, 6), last_date=date(2026, 1, 6),
                 exception=True),
    )  # fmt: skip
    sheets = await sheets_of(parts, ada, bea, cleo, days=3)
    found = {
        person.full_name: [day.status for day in days] for person, days in sheets.by_person(AttendanceSettings(), LATER)
    }
    assert found["Ada"] == [Status.ABSENT, Status.OFF, Status.ABSENT]
    assert found["Bea"] == [Status.OFF] * 3
    assert found["Cleo"] == [Status.ABSENT] * 3


async def test_holidays_and_leave(parts: Parts, early: Shift) -> None:
    """A site's holidays are its own people's; halves of leave stay halves."""
    site = Site(name="Plant", timezone="UTC")
    ada, bea = Person(full_name="Ada", site_id=site.id), Person(full_name="Bea")
    await keep(
        parts, site, ada, bea, Schedule(shift_id=early.id, first_date=MONDAY),
        Holiday(date=MONDAY, name="Fair", site_id=site.id),
        Leave(person_id=bea.id, first_date=MONDAY, last_date=MONDAY, kind="vacation", half="first"),
        entry(bea, 13, "in"), entry(bea, 17, "out"),
    )  # fmt: skip
    sheets = await sheets_of(parts, ada, bea)
    (of_ada, of_bea) = sheets.days(AttendanceSettings(), LATER)
    assert of_ada.status is Status.HOLIDAY
    assert (of_bea.status, of_bea.late_minutes, of_bea.worked_minutes) == (Status.PRESENT, 0, 240)


async def test_what_the_site_says_of_days_off(parts: Parts, person: Person) -> None:
    """Work on a holiday is overtime, or only worked."""
    await keep(parts, Holiday(date=MONDAY, name="Fair"), entry(person, 9, "in"), entry(person, 10, "out"))
    sheets = await sheets_of(parts, person)
    for pays, overtime in (("overtime", 60), ("worked", 0)):
        settings = AttendanceSettings.model_validate({"holiday": pays})
        (day,) = sheets.days(settings, LATER)
        assert (day.worked_minutes, day.overtime_minutes) == (60, overtime)


async def test_many_people_are_asked_for_in_turns(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has their own entries, however many questions that takes."""
    monkeypatch.setattr(timesheets, "AT_ONCE", 2)
    people = [Person(full_name=f"P{n}") for n in range(5)]
    await keep(parts, *people, *(entry(person, 8 + n, "in") for n, person in enumerate(people)))
    sheets = await sheets_of(parts, *people)
    assert [sheets.facts[person.id][0].at.hour for person in people] == [8, 9, 10, 11, 12]


async def test_what_was_expected_of_an_entry(parts: Parts, person: Person, early: Shift) -> None:
    """The shift, and how late whoever came with it is; of a later entry nothing is late; without a shift nothing."""
    came, went = entry(person, 10, "in"), entry(person, 17, "out")
    night = entry(person, 3, "in")
    await keep(parts, Schedule(shift_id=early.id, first_date=MONDAY), came, went, night)
    settings, found = AttendanceSettings(), []
    async with parts.store.read() as session:
        for one in (came, went, night):
            found.append(await timesheets.expected_of(session, person, one, settings, "UTC", LATER))
    assert [(window.shift.name if window else None, late) for window, late in found] == [
        ("Early", 60), ("Early", 0), (None, None),
    ]  # fmt: skip
