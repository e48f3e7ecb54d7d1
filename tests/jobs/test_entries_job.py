"""The import of entries as a job: progress, a report, the same when its worker is killed, and who may still."""

import asyncio
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.events.limits import Reach
from server.jobs import entries_job
from server.jobs.entries_import import EntriesImporter
from server.jobs.jobs import Jobs
from server.jobs.kinds import Kind
from server.jobs.uploads import FOLDER, keep_upload
from server.jobs.work import Place
from server.parts import Parts
from server.store.audit import Actor
from server.store.event_log import TableLog
from server.store.tables import Entry, Job, Person
from tests.jobs.conftest import Woken, jobs_of, load, running, until
from tests.opened import parts_in

ROWS = 300
TABLE = b"employeeId,at,direction\n" + b"".join(
    b"%d,2026-01-05 %02d:%02d,in\n" % (9 if n % 100 == 7 else 1, n // 60, n % 60) for n in range(ROWS)
)
RESULT = {"rows": ROWS, "added": ROWS - 3, "known": 0, "locked": 0, "pending": 0, "refused": 3, "dry": 0}


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    async with parts_in(tmp_path / "state", users=True) as parts:
        async with parts.store.transaction() as session:
            session.add(Person(full_name="Ada", employee_id="1"))
        yield parts


def place_of(parts: Parts) -> Place:
    return Place(parts.store, TableLog(parts.store), Woken(), parts.objects, parts.clock)


def kind_of(parts: Parts, place: Place) -> Kind:
    importer = EntriesImporter(parts.store, place.log, place.waker, parts.access.audit, parts.clock, parts.runtime)
    return entries_job.entries_import(parts.objects, parts.store, importer)


async def submit(parts: Parts, jobs: Jobs, table: bytes, *, dry: bool = False, asked_by: str | None = None) -> Job:
    kept = await keep_upload(parts.objects, io.BytesIO(table))
    asked = entries_job.arguments_of(Actor("user", "u1", "u"), Reach(), datetime.now(UTC), dry=dry)
    return await jobs.submit(None, entries_job.NAME, kept | asked, asked_by=asked_by)


async def count(parts: Parts) -> int:
    async with parts.store.read() as session:
        return (await session.exec(select(func.count()).select_from(Entry))).one()


async def test_a_look_and_then_the_import(parts: Parts) -> None:
    """Both leave figures and a report of refusals, and nothing of what was sent; only one adds something."""
    place = place_of(parts)
    async with running(here := jobs_of(place, kind_of(parts, place))):
        looked = await until(place, (await submit(parts, here, TABLE, dry=True)).id, "done", "failed")
        assert await count(parts) == 0
        job = await until(place, (await submit(parts, here, TABLE)).id, "done", "failed")
    assert (looked.error, looked.result) == (None, RESULT | {"dry": 1})
    assert (job.error, job.result, job.done, job.total) == (None, RESULT, ROWS, ROWS)
    assert job.result_key is not None
    lines = (await parts.objects.get(job.result_key)).decode().splitlines()
    assert lines[:2] == [
        "kind,line,column,person,code,message",
        "refused,9,employeeId,9,person_not_found,There is nobody with employeeId 9.",
    ]
    assert [key async for key in parts.objects.keys(FOLDER)] == []


async def test_a_lost_worker_adds_nothing_twice(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stops in the middle, as if it was killed; another one begins anew and comes to the same."""
    place, reached, stuck = place_of(parts), asyncio.Event(), asyncio.Event()
    original = EntriesImporter._take

    async def halting(self: EntriesImporter, *arguments: object) -> None:
        if await count(parts) and not reached.is_set():
            reached.set()
            await stuck.wait()
        await original(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(EntriesImporter, "_take", halting)
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task((here := jobs_of(place, kind_of(parts, place))).run())
        job = await submit(parts, here, TABLE)
        await reached.wait()
        first.cancel()
    assert (await load(place, job.id)).state == "queued"
    async with running(jobs_of(place, kind_of(parts, place))):
        done = await until(place, job.id, "done", "failed")
    assert (done.result, await count(parts)) == (RESULT, ROWS - 3)


async def test_who_may_not_any_more(parts: Parts) -> None:
    """Who asked and has no account by now adds nothing; a table that is wrong fails at once."""
    place = place_of(parts)
    async with running(here := jobs_of(place, kind_of(parts, place))):
        gone = await until(place, (await submit(parts, here, TABLE, asked_by="nobody")).id, "done", "failed")
        wrong = await until(place, (await submit(parts, here, b"who\n")).id, "done", "failed")
    assert (gone.state, gone.attempts, await count(parts)) == ("failed", 1, 0)
    assert "may not add entries any more" in (gone.error or "")
    assert "Line 1, column 1" in (wrong.error or "")


async def test_of_a_cancelled_one_it_is_told_what_was_done(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was added by then stays, and figures and a report say how much that is; nothing of what was sent stays."""
    place, stuck, reached = place_of(parts), asyncio.Event(), asyncio.Event()
    original = EntriesImporter._take

    async def halting(self: EntriesImporter, *arguments: object) -> None:
        if await count(parts):
            reached.set()
            await stuck.wait()
        await original(self, *arguments)  # type: ignore[arg-type]

    async def noted(_session: AsyncSession, _job: Job) -> None:
        """No audit here."""

    monkeypatch.setattr(EntriesImporter, "_take", halting)
    async with running(here := jobs_of(place, kind_of(parts, place))):
        job = await submit(parts, here, TABLE)
        await reached.wait()
        await here.dismiss(job.id, noted)
        for _ in range(1000):
            if (row := await load(place, job.id)).result is not None:
                break
            await asyncio.sleep(0.01)
    assert (row.state, row.result) == ("cancelled", RESULT | {"added": 99, "refused": 1})
    assert (await count(parts), row.done, row.total) == (99, 100, ROWS)
    assert row.result_key is not None
    assert len((await parts.objects.get(row.result_key)).splitlines()) == 2
    assert [key async for key in parts.objects.keys(FOLDER)] == []
