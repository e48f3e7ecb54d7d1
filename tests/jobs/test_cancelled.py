"""What stays of a job that is cancelled while its worker has trouble of its own."""

import asyncio

import pytest

from server.jobs.kinds import Kind, Outcome, Work
from server.jobs.work import Place
from server.jobs.worker import Pace
from server.store import jobs
from tests.jobs.conftest import load
from tests.jobs.test_worker import queued, worker_of


@pytest.mark.parametrize("how", ["fails", "fails for good", "stops"])
async def test_what_a_cancelled_one_has_done_is_told_however_its_try_ends(place: Place, how: str) -> None:
    """Also where its worker comes to hear of the cancel by what it cannot write any more."""
    cancelled = asyncio.Event()

    async def half(work: Work) -> Outcome:
        await work.result_key("reports", "csv")
        work.tell_if_cancelled(lambda: ({"rows": 2}, b"two"))
        async with place.store.transaction() as session:
            await jobs.cancel(session, await jobs.get(session, work.job_id), place.clock.now())
        cancelled.set()
        if how == "stops":
            await asyncio.sleep(60)
        raise OSError("no space left")

    kind = Kind("work", half, tries=1 if how == "fails for good" else 3)
    worker, job = worker_of(place, kind, pace=Pace(watch_s=30.0)), await queued(place)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(worker.work(job.id))
        await cancelled.wait()
        if how == "stops":
            await worker.stop()
    row = await load(place, job.id)
    assert (row.state, row.result, row.error) == ("cancelled", {"rows": 2}, "Cancelled.")
    assert row.result_key is not None
    assert await place.objects.get(row.result_key) == b"two"
