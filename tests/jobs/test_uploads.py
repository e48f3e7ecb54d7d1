"""Uploads of jobs: kept in pieces, given back whole, gone with the job however it ends."""

import io

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import BadRequest
from server.jobs import uploads
from server.jobs.kinds import Kind, Outcome, Work
from server.jobs.uploads import FOLDER, fetch_upload, keep_upload, keys_of
from server.jobs.work import Place
from server.store.tables import Job
from tests.jobs.conftest import jobs_of, running, until


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "PIECE_BYTES", 4)


async def kept(place: Place) -> list[str]:
    return [key async for key in place.objects.keys(FOLDER)]


async def test_it_comes_back_as_it_was(place: Place) -> None:
    """In order, whatever its length."""
    arguments = await keep_upload(place.objects, io.BytesIO(b"0123456789"))
    assert sorted(await kept(place)) == keys_of(arguments)
    assert len(keys_of(arguments)) == 3
    back = io.BytesIO()
    await fetch_upload(place.objects, arguments, back)
    assert back.getvalue() == b"0123456789"
    assert keys_of({}) == []


@pytest.mark.parametrize("ends", ["done", "failed"])
async def test_it_is_gone_when_the_job_is_over(place: Place, ends: str) -> None:
    """Whichever way it ends; while it runs it is there."""
    seen: list[list[str]] = []

    async def do(_work: Work) -> Outcome:
        seen.append(await kept(place))
        if ends == "failed":
            raise BadRequest("no")
        return Outcome()

    arguments = await keep_upload(place.objects, io.BytesIO(b"0123456789"))
    async with running(here := jobs_of(place, Kind("a", do))):
        job = await here.submit(None, "a", arguments)
        await until(place, job.id, ends)
    assert len(seen[0]) == 3
    assert await kept(place) == []


async def test_a_cancelled_job_takes_it_along(place: Place) -> None:
    """At once: it may be faces."""

    async def do(_work: Work) -> Outcome:
        return Outcome()

    async def note(_session: AsyncSession, _job: Job) -> None: ...

    here = jobs_of(place, Kind("a", do))
    job = await here.submit(None, "a", await keep_upload(place.objects, io.BytesIO(b"01234")))
    await here.dismiss(job.id, note)
    assert await kept(place) == []
