"""The worker: tries and pauses, limits, leases, lost jobs, and schedules that come round once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel.ext.asyncio.session import AsyncSession

from server.clock import ManualClock
from server.errors import Invalid
from server.jobs.kinds import Every, Kind, Outcome, Work
from server.jobs.work import Place
from server.jobs.worker import MOST_DEATHS, WORKER_DIED, Pace, Worker, worker_name
from server.store import jobs
from server.store.tables import Job
from tests.jobs.conftest import QUICK, all_of, load, nothing, states_told, told, until

LEASE = timedelta(seconds=30)


def ignored(*_: object) -> None:
    """Nothing is started."""


def worker_of(place: Place, *kinds: Kind, pace: Pace = QUICK, at_once: int = 1, name: str = "a") -> Worker:
    return Worker(
        place, {kind.name: kind for kind in kinds}, name=name, at_once=at_once, pace=pace, chance=lambda: 0.0
    )  # fmt: skip


async def queued(place: Place, kind: str = "work", **more: object) -> Job:
    async with place.store.transaction() as session:
        row = Job.model_validate({"kind": kind, "state": "queued", "run_at": place.clock.now()} | more)
        return await jobs.add(session, row)


class Failing:
    """Fails as often as told, then comes to an end."""

    def __init__(self, times: int, error: Exception) -> None:
        self.tries = 0
        self._times = times
        self._error = error

    async def do(self, _work: Work) -> Outcome:
        self.tries += 1
        if self.tries <= self._times:
            raise self._error
        return Outcome()


async def test_it_is_tried_again_after_growing_pauses(place: Place, clock: ManualClock) -> None:
    """Up to the limit of its kind, and the reason is kept meanwhile."""
    failing = Failing(2, OSError("the disk is slow"))
    worker = worker_of(place, Kind("work", failing.do, tries=3, pause_s=5.0))
    job = await queued(place)
    for pause_s in (5, 10):
        await worker.work(job.id)
        row = await load(place, job.id)
        assert (row.state, row.error, row.run_at) == (
            "queued", "OSError: the disk is slow", clock.now() + timedelta(seconds=pause_s),
        )  # fmt: skip
        await worker.work(job.id)  # too early
        clock.advance(pause_s)
    await worker.work(job.id)
    row = await load(place, job.id)
    assert (row.state, row.error, row.attempts, failing.tries) == ("done", None, 3, 3)
    events = await told(place)
    assert [event.type for event in events] == [*["job.progress"] * 6, "job.done"]
    assert [event.data["state"] for event in events] == [*["queued", "running"] * 3, "done"]
    assert events[2].data["error"] == "OSError: the disk is slow"


async def test_the_last_try(place: Place, clock: ManualClock) -> None:
    """Then it has failed, with one line for people."""
    failing = Failing(9, OSError("rtsp://admin:hunter2@10.0.0.9\nis gone"))
    worker = worker_of(place, Kind("work", failing.do, tries=2, pause_s=1.0))
    job = await queued(place)
    for _ in range(3):
        await worker.work(job.id)
        clock.advance(60)
    row = await load(place, job.id)
    assert (row.state, row.error, failing.tries) == ("failed", "OSError: rtsp://admin:***@10.0.0.9 is gone", 2)
    event = (await told(place))[-1]
    assert (event.type, event.data["error"]) == ("job.failed", row.error)
    assert await states_told(place) == [*["queued", "running"] * 2, "failed"]


async def test_what_is_wrong_the_next_time_too_is_not_tried_again(place: Place) -> None:
    """Such as a wrong argument."""
    failing = Failing(9, Invalid.field("to", "too_much", "Choose a shorter time."))
    worker = worker_of(place, Kind("work", failing.do))
    job = await queued(place)
    await worker.work(job.id)
    row = await load(place, job.id)
    assert (row.state, row.error, failing.tries) == ("failed", "Choose a shorter time.", 1)


async def test_pauses_have_an_end(place: Place, clock: ManualClock) -> None:
    """However often it has failed."""
    failing = Failing(99, OSError("no"))
    worker = worker_of(place, Kind("work", failing.do, tries=99, pause_s=60.0, longest_pause_s=100.0))
    job = await queued(place, failures=30)
    await worker.work(job.id)
    assert (await load(place, job.id)).run_at == clock.now() + timedelta(seconds=100)


async def test_a_try_that_takes_too_long(place: Place) -> None:
    """Is ended, and says so; a time-out of its own is another error."""

    async def sleepy(_work: Work) -> Outcome:
        await asyncio.sleep(60)
        return Outcome()

    async def waits_for_somebody(_work: Work) -> Outcome:
        raise TimeoutError("no answer")

    kinds = Kind("work", sleepy, tries=1, limit_s=0.05), Kind("other", waits_for_somebody, tries=1)
    worker = worker_of(place, *kinds)
    slow, other = await queued(place), await queued(place, "other")
    await worker.work(slow.id)
    await worker.work(other.id)
    assert (await load(place, slow.id)).error == "It took longer than 0.05 s."
    assert (await load(place, other.id)).error == "TimeoutError: no answer"


async def test_a_failed_try_leaves_no_file(place: Place) -> None:
    """What it has written is removed."""
    keys: list[str] = []

    async def half(work: Work) -> Outcome:
        keys.append(await work.result_key("exports", "csv"))
        await place.objects.put(keys[0], b"half")
        raise OSError("no space left")

    job = await queued(place)
    await worker_of(place, Kind("work", half, tries=1)).work(job.id)
    assert [key async for key in place.objects.keys("exports")] == []
    assert keys == [f"exports/{job.id}-1.csv"]


async def leased(place: Place, job: Job, end: datetime) -> None:
    for _ in range(1000):
        if (await load(place, job.id)).lease_until == end:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the lease was not renewed")


async def test_a_long_job_keeps_its_lease(place: Place, clock: ManualClock) -> None:
    """Nobody else gets it while its worker lives."""
    ended = asyncio.Event()

    async def long(_work: Work) -> Outcome:
        await ended.wait()
        return Outcome()

    job = await queued(place)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(worker_of(place, Kind("work", long)).work(job.id))
        await until(place, job.id, "running")
        for _ in range(4):
            clock.advance(14)
            await leased(place, job, clock.now() + LEASE)
            await worker_of(place, Kind("work", nothing), name="b").work(job.id)
        ended.set()
    row = await load(place, job.id)
    assert (row.state, row.worker, row.attempts) == ("done", "a", 1)


async def test_a_worker_that_loses_its_job_lets_go(place: Place, clock: ManualClock) -> None:
    """It was silent for longer than its lease; what it was doing is cancelled and its word does not count."""
    let_go = asyncio.Event()

    async def stuck(_work: Work) -> Outcome:
        try:
            await asyncio.sleep(60)
        finally:
            let_go.set()
        return Outcome({"rows": 1})

    job = await queued(place)
    silent = worker_of(place, Kind("work", stuck), pace=Pace(watch_s=0.5))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(silent.work(job.id))
        await until(place, job.id, "running")
        clock.advance(31)
        await worker_of(place, Kind("work", nothing), name="b").work(job.id)
        async with asyncio.timeout(5):
            await let_go.wait()
    row = await load(place, job.id)
    assert (row.state, row.worker, row.attempts, row.result) == ("done", "b", 2, {})
    assert await states_told(place) == ["queued", "running", "running", "done"]


async def test_a_worker_without_database_lets_go_before_its_lease_ends(
    place: Place, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot know whether somebody else has begun."""
    cancelled = asyncio.Event()

    async def stuck(_work: Work) -> Outcome:
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()
        return Outcome()

    async def away(*_arguments: object) -> bool:
        raise ConnectionError("no database")

    job = await queued(place)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(worker_of(place, Kind("work", stuck)).work(job.id))
        await until(place, job.id, "running")
        monkeypatch.setattr(jobs, "renew", away)
        monkeypatch.setattr(jobs, "held", away)
        clock.advance(19)
        await asyncio.sleep(0.1)
        assert not cancelled.is_set()
        clock.advance(2)
        async with asyncio.timeout(5):
            await cancelled.wait()


async def test_a_job_that_kills_its_workers_ends(place: Place, clock: ManualClock) -> None:
    """Also where nobody comes to tell how it ended: after many that got no further than the one before."""
    worker = worker_of(place, Kind("work", nothing, tries=2))
    job = await queued(place)
    for _ in range(MOST_DEATHS + 1):  # the first has nobody before it who could have died
        async with place.store.transaction() as session:
            assert await jobs.take(session, job.id, ("work",), "dead", clock.now(), LEASE)
        clock.advance(31)
    await worker.work(job.id)
    row = await load(place, job.id)
    assert (row.state, row.error) == ("failed", WORKER_DIED)


async def test_one_that_gets_further_each_time_goes_on(place: Place, clock: ManualClock) -> None:
    """However often it fails: only failures in a row that bring nothing are counted."""
    reached = 0

    async def halting(work: Work) -> Outcome:
        nonlocal reached
        reached += 1
        await work.progress(reached, 9)
        if reached < 9:
            raise OSError("gone again")
        return Outcome()

    worker = worker_of(place, Kind("work", halting, tries=2, pause_s=1.0))
    job = await queued(place)
    for _ in range(9):
        await worker.work(job.id)
        clock.advance(2)
    row = await load(place, job.id)
    assert (row.state, row.attempts, row.failures, row.furthest) == ("done", 9, 0, 9)


@pytest.mark.parametrize("kept", [False, True])
async def test_what_is_done_is_not_done_again_for_a_database_that_was_away(
    place: Place, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    """Its end is written once that is back; also where it was `kept`, and only the answer was lost."""
    begun = Failing(0, OSError())
    transaction, failed = place.store.transaction, 0

    @asynccontextmanager
    async def breaking() -> AsyncIterator[AsyncSession]:
        nonlocal failed
        async with transaction() as session:
            yield session
            if begun.tries and not failed and not kept:
                failed += 1
                raise OperationalError("UPDATE", None, ConnectionError("gone"))
        if begun.tries and not failed:
            failed += 1
            raise OperationalError("COMMIT", None, ConnectionError("gone"))

    async def do(work: Work) -> Outcome:
        key = await work.result_key("exports", "csv")
        await place.objects.put(key, b"rows")
        return await begun.do(work)

    monkeypatch.setattr(place.store, "transaction", breaking)
    job = await queued(place)
    await worker_of(place, Kind("work", do)).work(job.id)
    row = await load(place, job.id)
    assert (row.state, row.attempts, begun.tries, failed) == ("done", 1, 1, 1)
    assert await place.objects.get(row.result_key or "") == b"rows"
    assert await states_told(place) == ["queued", "running", "done"]


async def test_a_sweep_starts_as_much_as_there_is_room_for(place: Place, clock: ManualClock) -> None:
    """What is due, and what was lost; and it says when to look again."""
    started: list[str] = []
    worker = worker_of(place, Kind("work", nothing), at_once=2, pace=Pace(sweep_s=15))
    first, second, third = [await queued(place) for _ in range(3)]
    await queued(place, run_at=clock.now() + timedelta(seconds=4))
    async with place.store.transaction() as session:
        await jobs.take(session, first.id, ("work",), "dead", clock.now(), LEASE)
    assert await worker.sweep(lambda job_id, _priority: started.append(job_id)) == 4
    assert started == [second.id, third.id]
    clock.advance(31)
    await worker.work(second.id)
    assert {row.state for row in await all_of(place)} == {"done"}
    assert await worker.sweep(lambda job_id, _priority: started.append(job_id)) == 15


async def test_a_schedule_comes_round_once(place: Place, clock: ManualClock) -> None:
    """However many workers there are; at the first start too, and not again before its time."""
    nightly = Kind("nightly", nothing, every=Every(timedelta(days=1), at=timedelta(hours=3)))
    workers = [worker_of(place, nightly, name=name) for name in "abcd"]

    async def night() -> int:
        await asyncio.gather(*(worker.sweep(ignored) for worker in workers))
        rows = await all_of(place)
        for row in rows:
            await workers[0].work(row.id)
        return len(rows)

    assert await night() == 1
    assert await night() == 1
    clock.advance(86_400)
    assert await night() == 2
    clock.advance(3 * 86_400)
    assert await night() == 3
    assert await all_gone(place) == 3
    assert await night() == 0, "one that was removed does not come back before its time"


async def all_gone(place: Place) -> int:
    async with place.store.transaction() as session:
        return await jobs.remove_all(session, [row.id for row in await all_of(place)])


async def test_an_open_one_is_waited_for(place: Place, clock: ManualClock) -> None:
    """There are never two of a schedule at the same time; the next comes when the last is over."""
    nightly = Kind("nightly", nothing, every=Every(timedelta(days=1)))
    worker = worker_of(place, nightly)
    await worker.sweep(ignored)
    clock.advance(86_400)
    await worker.sweep(ignored)
    (late,) = await all_of(place)
    await worker.work(late.id)
    await worker.sweep(ignored)
    assert [row.state for row in await all_of(place)] == ["done", "queued"]


def test_names_of_workers_differ() -> None:
    """Also within one process."""
    assert worker_name() != worker_name()


async def test_one_that_is_taken_while_the_worker_stops_is_not_begun(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes back at once, as if nobody had taken it."""
    begun = Failing(0, OSError())
    worker = worker_of(place, Kind("work", begun.do, tries=1))
    job, take = await queued(place), jobs.take

    async with asyncio.TaskGroup() as tasks:

        async def slowly(*of: Any) -> Job | None:
            taken = await take(*of)
            tasks.create_task(worker.stop())
            await asyncio.sleep(0)
            return taken

        monkeypatch.setattr(jobs, "take", slowly)
        await worker.work(job.id)
    row = await load(place, job.id)
    assert (row.state, row.attempts, begun.tries) == ("queued", 0, 0)
    assert await states_told(place) == ["queued", "running", "queued"]
