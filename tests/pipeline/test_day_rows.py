"""Days as they are shown, and as they were paid."""

from datetime import UTC, date, datetime
from typing import Any

from server.parts import Parts
from server.pipeline import day_rows
from server.pipeline.day_rows import DayPublic
from server.store import locks
from server.store.runtime import AttendanceSettings
from server.store.tables import DayLock, Entry, Person, Schedule, Shift

MONDAY = date(2026, 1, 5)
LATER = datetime(2026, 2, 1, tzinfo=UTC)


async def shown(parts: Parts, person: Person) -> list[DayPublic]:
    async with parts.store.read() as session:
        loaded = await day_rows.load(session, [person], MONDAY, MONDAY, "UTC")
    return day_rows.shown(*loaded, AttendanceSettings(), LATER)


async def keep(parts: Parts, *rows: Any) -> None:
    async with parts.store.transaction() as session:
        for row in rows:
            session.add(row)
            await session.flush()


def entry(person: Person, hour: int, direction: str) -> Entry:
    return Entry(
        person_id=person.id, at=datetime(2026, 1, 5, hour, tzinfo=UTC), direction=direction, origin="manual"
    )  # fmt: skip


async def test_a_row_says_what_it_rests_on(parts: Parts, person: Person) -> None:
    """Whose it is, the shift's name, and each entry with its time."""
    shift = Shift(name="Early", rules={"start": "09:00", "end": "17:00"})
    came, went = entry(person, 9, "in"), entry(person, 17, "out")
    await keep(parts, shift, Schedule(shift_id=shift.id, first_date=MONDAY), came, went)
    (row,) = await shown(parts, person)
    assert (row.person.full_name, row.shift_name, row.locked) == (person.full_name, "Early", False)
    assert [(one.id, one.direction) for one in row.entries] == [(came.id, "in"), (went.id, "out")]


async def test_two_shifts_of_a_date_are_locked_together(parts: Parts, person: Person) -> None:
    """Both stay as they were; the difference of the whole date stands on the first."""
    early = Shift(name="Early", rules={"start": "06:00", "end": "10:00", "opensMinutes": 60, "closesMinutes": 60})
    late = Shift(name="Late", rules={"start": "14:00", "end": "18:00", "opensMinutes": 60, "closesMinutes": 60})
    await keep(
        parts, early, late, *(Schedule(shift_id=shift.id, first_date=MONDAY) for shift in (early, late)),
        entry(person, 6, "in"), entry(person, 10, "out"), entry(person, 14, "in"), entry(person, 17, "out"),
    )  # fmt: skip
    before = await shown(parts, person)
    assert [row.worked_minutes for row in before] == [240, 180]
    async with parts.store.transaction() as session:
        await locks.add(session, DayLock(through=MONDAY), day_rows.said_now(before))
    await keep(parts, entry(person, 18, "out"))
    after = await shown(parts, person)
    assert [(row.shift_name, row.worked_minutes, row.locked) for row in after] == [
        ("Early", 240, True), ("Late", 180, True),
    ]  # fmt: skip
    assert after[0].adjustment is not None
    assert (after[0].adjustment.early_minutes, after[0].adjustment.worked_minutes) == (-60, 0)
    assert after[1].adjustment is None


async def test_what_is_kept_names_nobody(parts: Parts, person: Person) -> None:
    """A lock outlives the people whose days it holds."""
    await keep(parts, entry(person, 9, "in"), entry(person, 17, "out"))
    ((person_id, day, said),) = day_rows.said_now(await shown(parts, person))
    assert (person_id, day) == (person.id, MONDAY)
    assert person.full_name not in str(said)
    assert person.id not in str(said)


async def test_a_date_that_was_not_there_when_it_was_locked(parts: Parts, person: Person) -> None:
    """Of somebody who came to be known later: as it is now, and marked as locked."""
    async with parts.store.transaction() as session:
        await locks.add(session, DayLock(through=MONDAY), [])
    await keep(parts, entry(person, 9, "in"), entry(person, 17, "out"))
    (row,) = await shown(parts, person)
    assert (row.locked, row.worked_minutes, row.adjustment) == (True, 480, None)
