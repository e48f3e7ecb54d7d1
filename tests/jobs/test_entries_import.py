"""The importer of entries: each there once, whoever is meant, what stands behind a lock, and what only is looked at."""

import io
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlmodel import select

from server.events.limits import Reach
from server.jobs.entries_import import EntriesImporter, EntriesReport
from server.jobs.entries_plan import entries_in
from server.parts import Parts
from server.pipeline import amend
from server.pipeline.amend import Terms
from server.store import entries
from server.store.audit import Actor
from server.store.entries import EntryFilter
from server.store.event_log import TableLog
from server.store.paging import Page
from server.store.runtime import AttendanceSettings, RuntimeSettings
from server.store.tables import Correction, DayLock, Department, Entry, Person, Site
from tests.jobs.conftest import Woken
from tests.opened import parts_in

HEAD = "employeeId,at,direction\n"
ME = Actor("user", "u1", "Uma")


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    async with parts_in(tmp_path / "state", users=False) as parts:
        async with parts.store.transaction() as session:
            site = Site(name="Tokyo", timezone="Asia/Tokyo")
            here, there = Department(name="Here"), Department(name="There")
            session.add_all([site, here, there])
            await session.flush()
            session.add_all([
                Person(full_name="Ada", employee_id="7", email="Ada@Example.com", site_id=site.id,
                       department_id=here.id, external_ids={"sap": "S7"}),
                Person(full_name="Bea", employee_id="8", department_id=there.id, external_ids={"sap": "S8"}),
                Person(full_name="Bea", email="ada@example.com", timezone="UTC", external_ids={"sap": "S8"}),
            ])  # fmt: skip
        yield parts


def importer(parts: Parts, woken: Woken | None = None) -> EntriesImporter:
    return EntriesImporter(
        parts.store, TableLog(parts.store), woken or Woken(), parts.access.audit, parts.clock, parts.runtime
    )  # fmt: skip


async def tell(_done: int, _total: int) -> None: ...


async def imported(
    parts: Parts, rows: str, *, head: str = HEAD, dry: bool = False, begun: datetime | None = None,
    reach: Reach | None = None,
) -> EntriesReport:  # fmt: skip
    plan = entries_in(io.BytesIO((head + rows).encode()))
    when = begun or parts.clock.now()
    return await importer(parts).run(plan, tell, begun=when, dry=dry, actor=ME, reach=reach or Reach())


async def all_of(parts: Parts, state: str | None = None) -> Sequence[Entry]:
    async with parts.store.read() as session:
        found = await entries.page(session, Page(sort="at", page_size=200), EntryFilter(state=state))
    return [row.entry for row in found.rows]


def codes(report: EntriesReport) -> list[tuple[int | None, str, str]]:
    return [(one.line, one.column, one.code) for one in report.refused]


TWO = "7,2026-01-05 09:00,in\n7,2026-01-05T08:00:00Z,out\n"


async def test_twice_changes_nothing(parts: Parts) -> None:
    """By the clock of the person's site; with an event, a correction that says who, and a line of the audit each."""
    report = await imported(parts, TWO)
    assert report.figures == {"rows": 2, "added": 2, "known": 0, "locked": 0, "pending": 0, "refused": 0}
    first = await all_of(parts)
    assert [(one.at.hour, one.direction, one.origin, one.state) for one in first] == [
        (0, "in", "import", "valid"), (8, "out", "import", "valid"),
    ]  # fmt: skip
    events = await TableLog(parts.store).read("attendance", 0, 100)
    assert [event.type for event in events] == ["attendance.checked_in", "attendance.checked_out"]
    async with parts.store.read() as session:
        correction = await session.get_one(Correction, (await all_corrections(parts))[0])
    assert (correction.asked_by_name, correction.reason) == ("Uma", "Imported from a file.")
    again = await imported(parts, TWO)
    assert (again.added, again.known) == (0, 2)
    assert b"entry_exists" in again.as_table()
    assert [one.id for one in await all_of(parts)] == [one.id for one in first]
    assert len(await TableLog(parts.store).read("attendance", 0, 100)) == 2


async def all_corrections(parts: Parts) -> list[str]:
    async with parts.store.read() as session:
        return list((await session.exec(select(Correction.id))).all())


async def test_what_was_corrected_or_removed_does_not_come_back(parts: Parts) -> None:
    """Nor is what a camera or somebody by hand has said already added a second time, nor a row that is there twice."""
    await imported(parts, TWO)
    async with parts.store.transaction() as session:
        terms = Terms(ME, "Wrong", parts.clock.now())
        come, gone = await all_of(parts)
        await amend.remove(session, await session.get_one(Entry, come.id), terms)
        later = amend.Wish(at=datetime(2026, 1, 5, 9, tzinfo=UTC))
        await amend.replace(session, await session.get_one(Entry, gone.id), later, terms)
        by_hand = Entry(person_id=come.person_id, at=datetime(2026, 1, 6, tzinfo=UTC), direction="in", origin="manual")
        await amend.add(session, by_hand, terms)
    report = await imported(parts, TWO + "7,2026-01-06T00:00:00Z,in\n" + "7,2026-01-07T00:00:00Z,in\n" * 2)
    assert (report.added, report.known) == (1, 4)
    assert len(await all_of(parts)) == 4


async def test_begun_again_it_comes_to_the_same(parts: Parts) -> None:
    """A worker that was killed has added some; the figures are those of one import."""
    begun = parts.clock.now()
    plan = entries_in(
        io.BytesIO((HEAD + "".join(f"7,2026-01-05 {n // 60:02}:{n % 60:02},in\n" for n in range(250))).encode())
    )

    async def dies(done: int, _total: int) -> None:
        if done >= 200:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await importer(parts).run(plan, dies, begun=begun, actor=ME)
    assert 0 < len(await all_of(parts)) < 250
    report = await importer(parts).run(plan, tell, begun=begun, actor=ME)
    assert (report.added, report.known) == (250, 0)
    assert (await imported(parts, "7,2026-01-05 00:00,in\n", begun=datetime(2030, 1, 1, tzinfo=UTC))).known == 1


async def test_who_is_meant(parts: Parts) -> None:
    """By number, email in whichever case, or an id elsewhere; who is not clear or out of reach is told by its field."""
    head = "employeeId,email,externalIds.sap,at,direction\n"
    rows = [",,S7,2026-01-05 09:00,in", "9,,,2026-01-05 09:00,in", ",ada@example.com,,2026-01-05 09:00,in",
            ",,S8,2026-01-05 09:00,in", "8,,S7,2026-01-05 09:00,in", ",,S9,2026-01-05 09:00,in"]  # fmt: skip
    report = await imported(parts, "\n".join(rows), head=head)
    assert report.added == 1
    assert codes(report) == [
        (3, "employeeId", "person_not_found"), (4, "email", "person_not_unique"),
        (5, "externalIds.sap", "person_not_unique"), (6, "externalIds.sap", "contradiction"),
        (7, "externalIds.sap", "person_not_found"),
    ]  # fmt: skip
    assert "There is nobody with employeeId 9." in report.as_table().decode()
    async with parts.store.read() as session:
        here = (await session.get_one(Person, (await all_of(parts))[0].person_id)).department_id
    limited = await imported(
        parts, "7,2026-02-05 09:00,in\n8,2026-02-05 09:00,in\n", reach=Reach(departments=frozenset({here or ""}))
    )
    assert (limited.added, codes(limited)) == (1, [(3, "employeeId", "person_not_found")])


async def test_times_that_cannot_be(parts: Parts) -> None:
    """What is to come, and what is before anybody had such a thing."""
    report = await imported(parts, "7,2999-01-01 09:00,in\n7,1999-01-01 09:00,in\n")
    assert codes(report) == [(2, "at", "in_the_future"), (3, "at", "too_long_ago")]


async def test_a_look_adds_nothing(parts: Parts) -> None:
    """It says what would be: also what stands on locked days, by the date of whoever it is."""
    async with parts.store.transaction() as session:
        session.add(DayLock(through=date(2026, 1, 5), note="", locked_by=None, locked_by_name=""))
    rows = "7,2026-01-05 23:30,in\n7,2026-01-06 00:30,out\n9,2026-01-05 09:00,in\n"
    looked = await imported(parts, rows, dry=True)
    assert looked.figures == {"rows": 3, "added": 2, "known": 0, "locked": 1, "pending": 0, "refused": 1}
    assert (await all_of(parts), await TableLog(parts.store).read("attendance", 0, 10)) == ([], [])
    done = await imported(parts, rows)
    assert done.figures == looked.figures


async def test_a_second_person_where_asked_for(parts: Parts) -> None:
    """An import is no way round the agreement that an entry by hand needs."""
    await second_person(parts)
    report = await imported(parts, TWO)
    assert (report.added, report.pending) == (2, 2)
    assert [one.state for one in await all_of(parts)] == ["pending", "pending"]
    assert await TableLog(parts.store).read("attendance", 0, 10) == []
    assert (await imported(parts, TWO)).known == 2


async def second_person(parts: Parts) -> None:
    runtime = parts.runtime
    async with parts.store.transaction() as session:
        row = await runtime.locked(session)
        await runtime.save(session, row, RuntimeSettings(attendance=AttendanceSettings(second_person=True)))
    runtime.apply(row)
