"""Who is in, around midnight."""

from datetime import date, datetime, timedelta
from typing import Any

from server.clock import ManualClock
from server.parts import Parts
from server.pipeline.presence import still_in
from server.store import entries
from server.store.paging import Page
from server.store.runtime import AttendanceSettings
from server.store.tables import Entry, Person, Schedule, Shift


async def keep(parts: Parts, *rows: Any) -> None:
    async with parts.store.transaction() as session:
        for row in rows:
            session.add(row)
            await session.flush()


def came(person: Person, at: datetime, direction: str = "in") -> Entry:
    return Entry(person_id=person.id, at=at, direction=direction, origin="manual")


async def names(parts: Parts, now: datetime) -> list[str]:
    midnight = now.replace(hour=0, minute=0)
    async with parts.store.read() as session:
        still = await still_in(session, midnight, now, AttendanceSettings(), "UTC")
        found = await entries.present(session, midnight, still, Page())
        ids = await entries.present_ids(session, midnight, still)
    assert {row.entry.person_id for row in found.rows} == set(ids)
    return sorted(row.person.full_name for row in found.rows if row.person)


async def test_a_night_goes_on_after_midnight(parts: Parts, clock: ManualClock) -> None:
    """Until it is over, also without a check-out; whoever forgot theirs in the afternoon is not in the next morning."""
    today = clock.now().replace(hour=0, minute=0)
    night = Shift(name="Night", rules={"start": "22:00", "end": "06:00", "closesMinutes": 120})
    day = Shift(name="Day", rules={"start": "09:00", "end": "17:00", "closesMinutes": 120})
    ada, bea, cleo = (Person(full_name=name) for name in ("Ada", "Bea", "Cleo"))
    await keep(
        parts, night, day, ada, bea, cleo,
        *(Schedule(person_id=one.id, shift_id=shift.id, first_date=date(2026, 1, 1))
          for one, shift in ((ada, night), (bea, day))),
        came(ada, today + timedelta(hours=22)), came(bea, today + timedelta(hours=9)),
        came(cleo, today + timedelta(hours=10)), came(cleo, today + timedelta(hours=23, minutes=30), "out"),
    )  # fmt: skip
    assert await names(parts, today + timedelta(hours=23, minutes=45)) == ["Ada", "Bea"]
    assert await names(parts, today + timedelta(hours=27)) == ["Ada"]
    assert await names(parts, today + timedelta(hours=40)) == []


async def test_who_left_after_midnight_is_not_in(parts: Parts, person: Person, clock: ManualClock) -> None:
    """And who works without a shift stays in for as long as a presence may last."""
    today = clock.now().replace(hour=0, minute=0)
    await keep(parts, came(person, today + timedelta(hours=20)))
    assert await names(parts, today + timedelta(hours=25)) == [person.full_name]
    assert await names(parts, today + timedelta(hours=37)) == []
    await keep(parts, came(person, today + timedelta(hours=24, minutes=30), "out"))
    assert await names(parts, today + timedelta(hours=25)) == []
