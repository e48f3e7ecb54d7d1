"""The import as a job: progress, a report, and the same result when its worker is killed on the way."""

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.events.limits import Reach
from server.jobs import asker, import_job
from server.jobs.jobs import Jobs
from server.jobs.kinds import Kind
from server.jobs.people_import import PeopleImporter
from server.jobs.uploads import FOLDER, keep_upload
from server.jobs.work import Place
from server.parts import Parts
from server.store import people
from server.store.audit import Actor
from server.store.event_log import TableLog
from server.store.paging import Page
from server.store.tables import Job
from tests.jobs.conftest import Woken, jobs_of, load, running, until
from tests.opened import parts_in

ROWS = 300
TABLE = b"fullName,employeeId,email\n" + b"".join(
    b"Person %d,%d,%s\n" % (n, n, b"wrong" if n % 100 == 7 else b"") for n in range(ROWS)
)


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    async with parts_in(tmp_path / "state", users=False) as parts:
        yield parts


def place_of(parts: Parts) -> Place:
    return Place(parts.store, TableLog(parts.store), Woken(), parts.objects, parts.clock)


def kind_of(parts: Parts) -> Kind:
    return import_job.people_import(parts.objects, parts.store, parts.importer.ready)


async def submit(parts: Parts, jobs: Jobs, table: bytes, *, asked_by: str | None = None) -> Job:
    kept = await keep_upload(parts.objects, io.BytesIO(table))
    asked = asker.arguments_of(Actor("user", "u1", "u"), Reach())
    return await jobs.submit(None, import_job.NAME, kept | asked, asked_by=asked_by)


async def count(parts: Parts) -> int:
    async with parts.store.read() as session:
        return (await people.page(session, Page())).total


async def test_it_says_how_far_it_is_and_leaves_a_report(parts: Parts) -> None:
    """Figures, a table of refusals, and nothing of what was sent."""
    place = place_of(parts)
    async with running(here := jobs_of(place, kind_of(parts))):
        job = await until(place, (await submit(parts, here, TABLE)).id, "done", "failed")
    assert job.error is None
    assert job.result == {"people": ROWS - 3, "photos": 0, "refused": 3, "warnings": 0}
    assert (job.done, job.total) == (ROWS - 3, ROWS - 3)
    assert job.result_key is not None
    lines = (await parts.objects.get(job.result_key)).decode().splitlines()
    assert lines[1] == "refused,9,email,,Person 7,bad_email,This is not an email address."
    assert len(lines) == 4
    assert [key async for key in parts.objects.keys(FOLDER)] == []
    assert await count(parts) == ROWS - 3


async def test_a_lost_worker_makes_nobody_twice(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stops in the middle, as if it was killed; another one begins anew and comes to the same."""
    place, reached, stuck = place_of(parts), asyncio.Event(), asyncio.Event()
    original = PeopleImporter._take

    async def halting(self: PeopleImporter, *arguments: object) -> None:
        if await count(parts) >= ROWS // 2 and not reached.is_set():
            reached.set()
            await stuck.wait()
        await original(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(PeopleImporter, "_take", halting)
    kind = kind_of(parts)
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task((here := jobs_of(place, kind)).run())
        job = await submit(parts, here, TABLE)
        await reached.wait()
        first.cancel()
    assert (await load(place, job.id)).state == "queued"
    async with running(jobs_of(place, kind)):
        done = await until(place, job.id, "done", "failed")
    assert done.result == {"people": ROWS - 3, "photos": 0, "refused": 3, "warnings": 0}
    assert await count(parts) == ROWS - 3


async def test_a_table_that_is_wrong_fails_at_once(parts: Parts) -> None:
    """With its place, and is not tried again."""
    place = place_of(parts)
    async with running(here := jobs_of(place, kind_of(parts))):
        job = await until(place, (await submit(parts, here, b"name\nAda\n")).id, "done", "failed")
    assert (job.state, job.attempts) == ("failed", 1)
    assert "Line 1, column 1" in (job.error or "")


async def test_who_may_not_any_more(parts: Parts) -> None:
    """Who asked and has no account by now adds nobody."""
    place = place_of(parts)
    async with running(here := jobs_of(place, kind_of(parts))):
        gone = await until(place, (await submit(parts, here, TABLE, asked_by="nobody")).id, "done", "failed")
    assert (gone.state, gone.attempts, await count(parts)) == ("failed", 1, 0)
    assert "may not import people any more" in (gone.error or "")
