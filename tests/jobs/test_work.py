"""One try of one job: progress, the key of its result, its end; and nothing once it is somebody else's."""

from datetime import timedelta
from typing import Any

import pytest

from server.clock import ManualClock
from server.errors import NotFound
from server.jobs.kinds import Outcome
from server.jobs.work import HeldWork, Lost, Place
from server.store import jobs
from server.store.tables import Job
from tests.jobs.conftest import Woken, load, states_told, told

LEASE = timedelta(seconds=30)


async def taken(place: Place, job: Job | None = None, worker: str = "a", **more: Any) -> HeldWork:
    """A try of a job: of a new one, or another of this one."""
    now = place.clock.now()
    async with place.store.transaction() as session:
        job = job or await jobs.add(session, Job(kind="work", state="queued", run_at=now, arguments={"a": 1}, **more))
    async with place.store.transaction() as session:
        row = await jobs.take(session, job.id, ("work",), worker, now, LEASE)
    assert row is not None
    return HeldWork(place, row, worker)


async def test_progress_is_told_about_once_a_second(place: Place, clock: ManualClock) -> None:
    """However often it is said; the end has the last of it. All in order on the log."""
    work = await taken(place)
    for done in range(1, 26):
        await work.progress(done, 25)
        clock.advance(0.1)
    assert await work.finish(Outcome({"rows": 25}))
    events = await told(place)
    assert [event.type for event in events] == ["job.progress"] * 4 + ["job.done"]
    assert [event.data["done"] for event in events] == [0, 1, 11, 21, 25]
    assert [event.data["resultUrl"] for event in events] == [None] * 4 + [f"/api/v1/jobs/{work.job_id}"]
    assert [event.offset for event in events] == [1, 2, 3, 4, 5]
    row = await load(place, work.job_id)
    assert (row.state, row.done, row.total, row.result, row.error) == ("done", 25, 25, {"rows": 25}, None)
    assert isinstance(place.waker, Woken)
    assert place.waker.topics == ["jobs"] * 4


async def test_what_was_asked_for(place: Place) -> None:
    """Its arguments, and who asked."""
    work = await taken(place)
    assert (dict(work.arguments), work.asked_by) == ({"a": 1}, None)


async def test_a_failure_is_told(place: Place) -> None:
    """With its reason, and without a link."""
    work = await taken(place)
    assert await work.fail("The disk is full.")
    _, event = await told(place)
    assert (event.type, event.data["error"], event.data["state"]) == ("job.failed", "The disk is full.", "failed")
    assert event.data["resultUrl"] is None


async def test_of_a_job_that_is_lost_nothing_is_said(place: Place, clock: ManualClock) -> None:
    """Another worker has it by now."""
    first = await taken(place)
    clock.advance(31)
    second = await taken(place, await load(place, first.job_id), "b")
    with pytest.raises(Lost):
        await first.progress(1, 2)
    with pytest.raises(Lost):
        await first.result_key("exports", "csv")
    assert not await first.finish(Outcome())
    assert not await first.fail("It is too late.")
    assert not await first.put_back()
    assert (await first.held(), await second.held()) == (False, True)
    assert await states_told(place) == ["queued"]


async def test_each_try_has_a_key_of_its_own(place: Place) -> None:
    """It is in the row before anything is written; the next try removes what the one before it left."""
    first = await taken(place)
    key = await first.result_key("exports", "csv")
    assert key == f"exports/{first.job_id}-1.csv"
    assert (await load(place, first.job_id)).result_key == key
    await place.objects.put(key, b"half")
    await first.put_back()
    second = await taken(place, await load(place, first.job_id))
    again = await second.result_key("exports", "csv")
    assert again == f"exports/{first.job_id}-2.csv"
    with pytest.raises(NotFound):
        await place.objects.get(key)


async def test_discarding(place: Place) -> None:
    """What a try has written goes, if it has written anything."""
    work = await taken(place)
    await work.discard()
    await place.objects.put(key := await work.result_key("exports", "csv"), b"half")
    await work.discard()
    with pytest.raises(NotFound):
        await place.objects.get(key)


async def test_putting_back(place: Place, clock: ManualClock) -> None:
    """It waits for its time, with the reason of the failure; and whoever follows it is told."""
    work = await taken(place)
    await work.put_back(10, reason="Not now.")
    row = await load(place, work.job_id)
    event = (await told(place))[-1]
    assert (event.type, event.data["state"], event.data["error"]) == ("job.progress", "queued", "Not now.")
    assert isinstance(place.waker, Woken)
    assert place.waker.topics == ["jobs"]
    assert (row.state, row.error, row.run_at) == ("queued", "Not now.", clock.now() + timedelta(seconds=10))


async def test_further_is_further_than_was_told(place: Place) -> None:
    """Progress is written once a second, but what a failed try came to counts to the last of it."""
    work = await taken(place, failures=2, furthest=5)
    await work.progress(1, 9)
    await work.progress(6, 9)  # within the same second
    assert work.failures == 0
    await work.put_back(reason="It failed.")
    row = await load(place, work.job_id)
    assert (row.failures, row.furthest) == (1, 6)
    again = await taken(place, row)
    await again.progress(6, 9)
    assert again.failures == 1, "no further than before"
    await again.put_back(reason="It failed.")
    assert (await load(place, work.job_id)).failures == 2


async def test_how_far_it_is_in_all_its_lives(place: Place) -> None:
    """May be another figure than that of the bar, which begins anew."""
    work = await taken(place, failures=2, furthest=5)
    await work.progress(1, 9, 7)
    row = await load(place, work.job_id)
    assert (row.done, row.total, row.furthest, row.failures) == (1, 9, 7, 0)
    await work.progress(8, 9, 7)
    await work.put_back()
    assert (await load(place, work.job_id)).furthest == 7


async def test_a_lease_is_renewed(place: Place, clock: ManualClock) -> None:
    """So that nobody else takes the job."""
    work = await taken(place)
    clock.advance(20)
    assert await work.renew(clock.now() + LEASE)
    clock.advance(20)
    async with place.store.read() as session:
        assert await jobs.due(session, ("work",), clock.now(), 1) == []
