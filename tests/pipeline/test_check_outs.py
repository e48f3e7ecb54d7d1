"""Missing check-outs: an alert each, once; over when it is corrected; none where it was paid or they went."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from server.parts import Parts
from server.pipeline import check_outs
from server.store import alerts, people
from server.store.event_log import TableLog
from server.store.paging import Page
from server.store.tables import Alert, DayLock, Entry, Person, Schedule, Shift
from tests.opened import parts_in

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    async with parts_in(tmp_path / "state", users=False) as parts:
        yield parts


async def at_work(parts: Parts, *days: int, closing: str = "end") -> str:
    """Somebody in Berlin who came at nine on those days of March and never left; the id."""
    rules = {"start": "09:00", "end": "17:00", "timezone": "Europe/Berlin", "days": EVERY_DAY, "closing": closing}
    async with parts.store.transaction() as session:
        person, shift = Person(full_name="Ada", timezone="Europe/Berlin"), Shift(name=f"Day {closing}", rules=rules)
        session.add_all([person, shift])
        await session.flush()
        session.add(Schedule(shift_id=shift.id, person_id=person.id, first_date=date(2026, 3, 1)))
        for day in days:
            at = datetime(2026, 3, day, 8, tzinfo=UTC)
            session.add(Entry(person_id=person.id, at=at, direction="in", origin="manual"))
    return person.id


async def look(parts: Parts, now: datetime = NOW) -> tuple[int, int]:
    return await check_outs.look(parts.store, TableLog(parts.store), parts.hub.wake, parts.runtime, now)


async def all_of(parts: Parts) -> Sequence[Alert]:
    async with parts.store.read() as session:
        return (await alerts.page(session, Page(sort="subject"))).rows


async def events(parts: Parts) -> list[str]:
    return [event.type for event in await TableLog(parts.store).read("alerts", 0, 100)]


async def test_each_is_told_once(parts: Parts) -> None:
    """With what the rule made of it and without a name; who runs still, or came days before the look, is not told."""
    ada = await at_work(parts, 1, 8, 9, 10)
    assert await look(parts) == (2, 0)
    found = await all_of(parts)
    assert [row.subject for row in found] == [f"people/{ada}/days/2026-03-08", f"people/{ada}/days/2026-03-09"]
    assert found[0].message == "A check-out is missing on 2026-03-08. The presence was ended by rule at 17:00."
    assert (found[0].kind, found[0].severity) == ("check_out_missing", "warning")
    async with parts.store.transaction() as session:
        await alerts.acknowledge(session, await alerts.get(session, found[0].id), "Uma", NOW)
    assert await look(parts, NOW + timedelta(minutes=1)) == (0, 0)
    assert await events(parts) == ["alert.raised", "alert.raised"]


async def test_it_is_over_when_corrected(parts: Parts) -> None:
    """At once within the correction's transaction, or at the next look; what is wrong again is told again."""
    ada = await at_work(parts, 8, 9, closing="nothing")
    await look(parts)
    assert "counts for nothing until it is corrected" in (await all_of(parts))[0].message
    async with parts.store.transaction() as session:
        gone = Entry(person_id=ada, at=datetime(2026, 3, 8, 16, tzinfo=UTC), direction="out", origin="manual")
        session.add(gone)
        await session.flush()
        settings = parts.runtime.current.attendance
        assert len(await check_outs.settle(session, TableLog(parts.store), ada, settings, "UTC", NOW)) == 1
        assert await check_outs.settle(session, TableLog(parts.store), None, settings, "UTC", NOW) == []
    assert [row.cleared_at is not None for row in await all_of(parts)] == [True, False]
    async with parts.store.transaction() as session:
        session.add(Entry(person_id=ada, at=datetime(2026, 3, 9, 16, tzinfo=UTC), direction="out", origin="manual"))
        (await session.get_one(Entry, gone.id)).state = "removed"
    assert await look(parts) == (1, 1)
    assert await look(parts) == (0, 0)


async def test_what_was_paid_is_not_asked_for(parts: Parts) -> None:
    """A locked day raises none, and clears what was open."""
    await at_work(parts, 8, 9)
    await look(parts)
    async with parts.store.transaction() as session:
        session.add(DayLock(through=date(2026, 3, 8), note="", locked_by=None, locked_by_name=""))
    raised, cleared = await look(parts)
    assert (raised, cleared) == (0, 1)


async def test_whoever_goes_leaves_none_behind(parts: Parts) -> None:
    """Removed, or merged into somebody else."""
    ada, bea = await at_work(parts, 8), await at_work(parts, 9, closing="longest")
    await look(parts)
    async with parts.store.transaction() as session:
        await people.remove(session, await people.lock(session, ada))
    assert [row.subject for row in await all_of(parts)] == [f"people/{bea}/days/2026-03-09"]
    async with parts.store.transaction() as session:
        other = Person(full_name="Bea")
        session.add(other)
        await session.flush()
        await people.merge(session, other, await people.lock(session, bea))
    assert await all_of(parts) == []
