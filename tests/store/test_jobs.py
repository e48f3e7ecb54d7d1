"""Jobs: taken by one worker at a time, renewed, put back, finished; and schedules reached once."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from server.errors import NotFound
from server.store import jobs
from server.store.engine import Store
from server.store.event_log import TableLog
from server.store.jobs import Holder
from server.store.paging import Page
from server.store.tables import EventRow, Job
from tests.store.conftest import NOON, after

LEASE = timedelta(seconds=30)
KINDS = ("export", "retention")


async def added(store: Store, kind: str = "export", **more: Any) -> Job:
    async with store.transaction() as session:
        return await jobs.add(session, Job(kind=kind, state="queued", **({"run_at": NOON} | more)))


async def taken(store: Store, job: Job, worker: str, minutes: float = 0) -> Holder | None:
    async with store.transaction() as session:
        row = await jobs.take(session, job.id, KINDS, worker, after(minutes), LEASE)
    return Holder(row.id, worker, row.attempts) if row else None


async def loaded(store: Store, job: Job) -> Job:
    async with store.read() as session:
        return await jobs.get(session, job.id)


async def test_one_worker_gets_it(store: Store) -> None:
    """Of many that reach for it at the same moment."""
    job = await added(store)
    holders = await asyncio.gather(*(taken(store, job, f"w{number}") for number in range(6)))
    (holder,) = [one for one in holders if one]
    row = await loaded(store, job)
    assert (row.state, row.worker, row.attempts, row.lease_until) == ("running", holder.worker, 1, NOON + LEASE)


async def test_whoever_follows_jobs_is_told_of_a_new_one(store: Store) -> None:
    """By an event at the end of the transaction; and of none that was taken back."""
    log = TableLog(store)
    async with store.transaction() as session:
        job = await jobs.add(session, Job(kind="export", state="queued", run_at=NOON, asked_by="u1"), NOON)
        with suppress(RuntimeError):
            async with session.begin_nested():
                await jobs.add(session, Job(kind="export", state="queued", run_at=NOON))
                raise RuntimeError
        assert (await session.exec(select(EventRow))).all() == []
    [event] = await log.read("jobs", 0, 10)
    assert (event.type, event.time, event.data) == (
        "job.progress",
        NOON,
        jobs.job_event(job, "job.progress", NOON).data,
    )
    assert (event.data["state"], event.data["askedBy"]) == ("queued", "u1")


async def test_what_is_due(store: Store) -> None:
    """Those that wait and may run, and those whose lease ran out; not those that run, are over or come later."""
    first, second = await added(store, run_at=after(-2)), await added(store, run_at=after(-1))
    await added(store, run_at=after(5))
    running = await added(store)
    assert await taken(store, running, "a")
    async with store.read() as session:
        assert await jobs.due(session, KINDS, NOON, 10) == [first.id, second.id]
        assert await jobs.due(session, KINDS, NOON, 1) == [first.id]
        assert await jobs.due(session, KINDS, after(1), 10) == [first.id, second.id, running.id]


async def test_a_worker_leaves_what_it_does_not_know(store: Store) -> None:
    """Such as a kind that came with a newer version of the one that submitted it."""
    job = await added(store, kind="new")
    assert await taken(store, job, "a") is None
    async with store.read() as session:
        assert await jobs.due(session, KINDS, NOON, 10) == []
        assert await jobs.due(session, ("new",), NOON, 10) == [job.id]


async def test_a_lost_one_goes_to_another(store: Store) -> None:
    """And nothing that the first worker says about it counts any more."""
    job = await added(store)
    first = await taken(store, job, "a")
    assert first
    assert await taken(store, job, "b", 0.4) is None
    second = await taken(store, job, "b", 1)
    assert second == Holder(job.id, "b", 2)
    async with store.transaction() as session:
        assert not await jobs.renew(session, first, after(9))
        assert not await jobs.progress(session, first, 5, 10)
        assert not await jobs.keep_result_at(session, first, "exports/1.csv")
        assert not await jobs.finish(session, first, "done", after(2), done=1, total=1)
        assert not await jobs.put_back(session, first, after(2))
        assert (await jobs.held(session, first), await jobs.held(session, second)) == (False, True)
    assert (await loaded(store, job)).state == "running"


async def test_the_same_worker_that_takes_it_again_is_another_holder(store: Store) -> None:
    """What it still says of the earlier try is ignored."""
    job = await added(store)
    first, second = await taken(store, job, "a"), await taken(store, job, "a", 1)
    assert first
    assert second
    async with store.transaction() as session:
        assert not await jobs.progress(session, first, 5, 10)
        assert await jobs.progress(session, second, 1, 10)


async def test_a_lease_is_no_edit(store: Store) -> None:
    """It grows, and the stamp of the last change stays."""
    job = await added(store)
    holder = await taken(store, job, "a")
    assert holder
    before = await loaded(store, job)
    async with store.transaction() as session:
        assert await jobs.renew(session, holder, after(7))
    row = await loaded(store, job)
    assert (row.lease_until, row.updated_at) == (after(7), before.updated_at)


async def test_progress_and_the_end(store: Store) -> None:
    """What was done, where the result is, and nothing after it."""
    job = await added(store)
    holder = await taken(store, job, "a")
    assert holder
    async with store.transaction() as session:
        assert await jobs.progress(session, holder, 3, 10)
        assert await jobs.keep_result_at(session, holder, "exports/1.csv")
    assert ((await loaded(store, job)).done, (await loaded(store, job)).total) == (3, 10)
    async with store.transaction() as session:
        assert await jobs.finish(session, holder, "done", after(1), done=10, total=10, result={"rows": 10})
        assert not await jobs.finish(session, holder, "failed", after(1), done=0, total=None, error="late")
    row = await loaded(store, job)
    assert (row.state, row.result, row.result_key, row.finished_at) == (
        "done", {"rows": 10}, "exports/1.csv", after(1),
    )  # fmt: skip
    assert row.lease_until is None


async def test_putting_back(store: Store) -> None:
    """It waits until its time; a try that does not count is taken off."""
    job = await added(store)
    holder = await taken(store, job, "a")
    assert holder
    async with store.transaction() as session:
        assert not await jobs.waits(session, job.kind)
        assert await jobs.put_back(session, holder, after(3), error="It failed.")
        assert await jobs.waits(session, job.kind)
        assert not await jobs.waits(session, "other")
    row = await loaded(store, job)
    assert (row.state, row.run_at, row.attempts, row.error) == ("queued", after(3), 1, "It failed.")
    assert await taken(store, job, "a", 2) is None
    holder = await taken(store, job, "a", 3)
    assert holder
    async with store.transaction() as session:
        assert await jobs.put_back(session, holder, after(3), counted=False)
    assert (await loaded(store, job)).attempts == 1


async def test_failures_and_deaths_count_until_it_gets_further(store: Store) -> None:
    """Those of tries that came no further than one before them; a new record forgives all."""
    job = await added(store)

    async def begun(minutes: float, done: int) -> Holder:
        holder = await taken(store, job, "a", minutes)
        assert holder
        async with store.transaction() as session:
            assert await jobs.progress(session, holder, done, 9)
        return holder

    async def counted() -> tuple[int, int, int]:
        row = await loaded(store, job)
        return row.failures, row.deaths, row.furthest

    await begun(0, 3)
    first = await begun(1, 2)  # whoever has begun before was not heard of any more
    assert await counted() == (0, 1, 3)
    async with store.transaction() as session:
        assert await jobs.put_back(session, first, after(1), error="It failed.")
    await begun(2, 3)
    assert await counted() == (1, 1, 3)
    await begun(3, 4)
    assert await counted() == (0, 0, 4)


async def test_what_is_told_of_a_cancelled_one(store: Store) -> None:
    """By who ran it when it was cancelled, and by nobody else."""
    job = await added(store)
    first, second = await taken(store, job, "a"), await taken(store, job, "b", 1)
    assert first
    assert second
    async with store.transaction() as session:
        assert not await jobs.cancelled(session, second)
        await jobs.cancel(session, await jobs.get(session, job.id, locked=True), after(2))
    async with store.transaction() as session:
        assert [await jobs.cancelled(session, one) for one in (first, second)] == [False, True]
        assert not await jobs.tell_cancelled(session, first, 1, 9, {"rows": 1})
        assert await jobs.tell_cancelled(session, second, 4, 9, {"rows": 4})
    row = await loaded(store, job)
    assert (row.state, row.done, row.total, row.result) == ("cancelled", 4, 9, {"rows": 4})


async def test_cancelling_takes_it_away_from_its_worker(store: Store) -> None:
    """Who runs it holds it no longer."""
    job = await added(store)
    holder = await taken(store, job, "a")
    assert holder
    async with store.transaction() as session:
        await jobs.cancel(session, await jobs.get(session, job.id, locked=True), after(1))
        assert not await jobs.held(session, holder)
    row = await loaded(store, job)
    assert (row.state, row.finished_at) == ("cancelled", after(1))


async def test_lists_and_counts(store: Store) -> None:
    """By kind and by state; those of one user that are open."""
    one, two = await added(store, asked_by="u1"), await added(store, asked_by="u2")
    other = await added(store, kind="retention")
    assert await taken(store, one, "a")
    async with store.read() as session:
        assert [row.id for row in (await jobs.page(session, Page())).rows] == [other.id, two.id, one.id]
        assert [row.id for row in (await jobs.page(session, Page(), kind="retention")).rows] == [other.id]
        assert [row.id for row in (await jobs.page(session, Page(), state="running")).rows] == [one.id]
        assert await jobs.count_open(session, "export") == 2
        await jobs.cancel(session, await jobs.get(session, two.id), after(1))
        assert [row.id for row in (await jobs.page(session, Page(), only_open=True)).rows] == [other.id, one.id]
        assert await jobs.count_open(session, "export") == 1
        assert await jobs.count_open(session, "export", asked_by="u1") == 1
        with pytest.raises(NotFound, match="job"):
            await jobs.get(session, "nothing")


async def test_what_finished_long_ago(store: Store) -> None:
    """The oldest first; open ones never."""
    job = await added(store)
    await added(store)
    async with store.transaction() as session:
        await jobs.cancel(session, await jobs.get(session, job.id, locked=True), after(1))
        assert await jobs.finished_before(session, after(1), 10) == []
        (row,) = await jobs.finished_before(session, after(2), 10)
        await jobs.remove(session, row)
    async with store.read() as session:
        assert (await jobs.page(session, Page())).total == 1


async def claimed(store: Store, minutes: float) -> bool:
    async with store.transaction() as session:
        return await jobs.claim_slot(session, "retention", after(minutes))


async def test_a_moment_of_a_schedule_is_reached_once(store: Store) -> None:
    """By one of many, the first time and every time after it; a moment that is past is nobody's."""
    for minutes in (0, 10):
        assert sorted(await asyncio.gather(*(claimed(store, minutes) for _ in range(5)))) == [False] * 4 + [True]
    assert not await claimed(store, 5)


async def test_the_event_tells_the_state(store: Store) -> None:
    """All that the contract lists, and the state."""
    job = await added(store, done=2, total=4)
    event = jobs.job_event(job, "job.progress", NOON)
    assert (event.topic, event.source) == ("jobs", f"jobs/{job.id}")
    assert event.data == {
        "id": job.id, "kind": "export", "done": 2, "total": 4, "resultUrl": None, "error": None, "state": "queued",
        "askedBy": None,
    }  # fmt: skip
