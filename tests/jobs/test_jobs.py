"""Jobs from end to end, in one process and in two, over memory and over Redis."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta

import pytest
from redis.asyncio import Redis
from sqlmodel.ext.asyncio.session import AsyncSession

from server.clock import ManualClock
from server.errors import EditedMeanwhile, NotFound, TooMany
from server.ids import new_id
from server.jobs.jobs import Jobs
from server.jobs.kinds import PRIORITIES, Kind, Outcome, Work
from server.jobs.work import Place
from server.store.tables import Job
from tests.jobs.conftest import (
    Woken,
    all_of,
    jobs_of,
    load,
    nothing,
    running,
    states_told,
    told,
    until,
    until_that,
)


@pytest.fixture(params=["memory", "redis"])
async def queue(request: pytest.FixtureRequest) -> AsyncIterator[dict[str, str]]:
    """Where wake-ups go; on Redis streams of this test's own."""
    if request.param == "memory":
        yield {"bus_url": "memory://"}
        return
    url, stream = request.getfixturevalue("redis_server"), f"test-{new_id()}:jobs"
    yield {"bus_url": url, "stream": stream}
    async with Redis.from_url(url) as client:
        await client.delete(*(f"{stream}:{priority}" for priority in PRIORITIES))


class Gate:
    """A kind whose jobs wait until they are let on, and say that they have begun."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.cancelled = 0
        self.at_once = 0
        self.most_at_once = 0
        self.open = asyncio.Event()

    async def do(self, work: Work) -> Outcome:
        self.begun.append(work.job_id)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.at_once -= 1
        return Outcome({"rows": 3})


async def noted(_session: AsyncSession, _job: Job) -> None:
    """No audit here."""


async def test_a_job_is_done_once_it_is_committed(place: Place, queue: dict[str, str]) -> None:
    """In the caller's transaction it is only a row; a roll-back leaves nothing."""
    gate = Gate()
    gate.open.set()
    here = jobs_of(place, Kind("work", gate.do), **queue)
    async with running(here):
        with suppress(RuntimeError):
            async with place.store.transaction() as session:
                await here.submit(session, "work")
                raise RuntimeError
        async with place.store.transaction() as session:
            job = await here.submit(session, "work", {"a": 1}, asked_by="u1")
            await asyncio.sleep(0.1)
            assert gate.begun == []
        ended = await until(place, job.id, "done")
    assert gate.begun == [job.id]
    assert (ended.result, ended.arguments, ended.asked_by, ended.attempts) == ({"rows": 3}, {"a": 1}, "u1", 1)
    assert await states_told(place) == ["queued", "running", "done"]
    assert isinstance(place.waker, Woken)
    assert place.waker.topics == ["jobs"] * 3


async def test_one_process_submits_and_another_works(place: Place, queue: dict[str, str]) -> None:
    """Also one that only hears of it by its sweep."""
    gate = Gate()
    gate.open.set()
    kind = Kind("work", gate.do)
    front, back = jobs_of(place, kind, works=False, **queue), jobs_of(place, kind, **queue)
    async with running(front, back):
        job = await front.submit(None, "work")
        await until(place, job.id, "done")
    assert gate.begun == [job.id]


async def test_no_more_at_the_same_time_than_allowed(place: Place, queue: dict[str, str]) -> None:
    """The others wait their turn, and none is done twice by two workers."""
    gate = Gate()
    kind = Kind("work", gate.do)
    both = [jobs_of(place, kind, at_once=2, **queue) for _ in range(2)]
    async with running(*both):
        ids = {(await both[0].submit(None, "work")).id for _ in range(9)}
        await until_that(lambda: gate.at_once == 4)
        await asyncio.sleep(0.2)
        gate.open.set()
        for job_id in ids:
            await until(place, job_id, "done")
    assert gate.most_at_once == 4
    assert sorted(gate.begun) == sorted(ids)
    assert Counter(await states_told(place)) == dict.fromkeys(("queued", "running", "done"), 9)


async def test_a_running_job_is_cancelled_wherever_it_runs(place: Place, queue: dict[str, str]) -> None:
    """By the process that works on it and by one that does not; the event says so."""
    gate = Gate()
    kind = Kind("work", gate.do)
    front, back = jobs_of(place, kind, works=False, **queue), jobs_of(place, kind, **queue)
    async with running(front, back):
        for number, asked in enumerate((front, back), 1):
            job = await front.submit(None, "work")
            await until_that(lambda: len(gate.begun) == number)  # noqa: B023 - looked at within this round
            await asked.dismiss(job.id, noted)
            assert (await load(place, job.id)).state == "cancelled"
            await until_that(lambda: gate.cancelled == number)  # noqa: B023
    events = await told(place)
    assert [event.data["state"] for event in events] == ["queued", "running", "cancelled"] * 2
    ends = [(event.type, event.data["error"]) for event in events if event.data["state"] == "cancelled"]
    assert ends == [("job.failed", "Cancelled.")] * 2


async def test_a_stopped_worker_gives_back_what_it_runs(place: Place, queue: dict[str, str]) -> None:
    """At once, as if it had never been tried; another worker does it."""
    gate = Gate()
    kind = Kind("work", gate.do, tries=1)
    first = jobs_of(place, kind, **queue)
    async with running(first):
        job = await first.submit(None, "work")
        await until(place, job.id, "running")
    given_back = await load(place, job.id)
    assert (given_back.state, given_back.attempts, gate.cancelled) == ("queued", 0, 1)
    assert await states_told(place) == ["queued", "running", "queued"]
    gate.open.set()
    async with running(jobs_of(place, kind, **queue)):
        assert (await until(place, job.id, "done")).attempts == 1


async def test_no_message_is_needed(place: Place) -> None:
    """What was submitted while nobody listened is found by the sweep; what is for later waits until then."""
    kind = Kind("work", nothing)
    nobody = jobs_of(place, kind, works=False)
    job = await nobody.submit(None, "work")
    later = await nobody.submit(None, "work", run_at=place.clock.now() + timedelta(hours=1))
    async with running(jobs_of(place, kind)):
        await until(place, job.id, "done")
        assert (await load(place, later.id)).state == "queued"
        assert isinstance(place.clock, ManualClock)
        place.clock.advance(3601)
        await until(place, later.id, "done")


async def test_redis_away(place: Place) -> None:
    """Nothing waits for it and nothing is lost: the sweep finds the job and does it, though no message arrives."""
    lonely = jobs_of(place, Kind("work", nothing), bus_url="redis://127.0.0.1:9/0")
    async with running(lonely):
        job = await lonely.submit(None, "work")
        await until(place, job.id, "done")


async def test_a_refused_dismissal_leaves_the_file(place: Place) -> None:
    """Whoever has read an older state of the job removes nothing of it."""
    idle = jobs_of(place, Kind("work", nothing), works=False)
    job = await idle.submit(None, "work")
    async with place.store.transaction() as session:
        row = await session.get_one(Job, job.id)
        row.state, row.result_key = "done", "exports/b.csv"
        session.add(row)
    await place.objects.put("exports/b.csv", b"rows")

    async def refuse(_session: AsyncSession, _row: Job) -> None:
        raise EditedMeanwhile("Edited meanwhile.")

    with pytest.raises(EditedMeanwhile):
        await idle.dismiss(job.id, refuse)
    assert await place.objects.get("exports/b.csv") == b"rows"
    assert (await load(place, job.id)).result_key == "exports/b.csv"


async def test_dismissing(place: Place) -> None:
    """A queued one is cancelled at once and is never begun; one that is over is removed with its object."""
    gate = Gate()
    idle = jobs_of(place, Kind("work", gate.do), works=False)
    job = await idle.submit(None, "work")
    notes: list[str] = []

    async def note(_session: AsyncSession, row: Job) -> None:
        notes.append(row.state)

    await idle.dismiss(job.id, note)
    assert (await load(place, job.id)).state == "cancelled"
    async with place.store.transaction() as session:
        (row := await session.get_one(Job, job.id)).result_key = "exports/a.csv"
        session.add(row)
    await place.objects.put("exports/a.csv", b"rows")
    async with running(jobs_of(place, Kind("work", gate.do))):
        await asyncio.sleep(0.2)
        await idle.dismiss(job.id, note)
    assert (notes, gate.begun) == (["queued", "cancelled"], [])
    assert await all_of(place) == []
    with pytest.raises(NotFound, match="object"):
        await place.objects.get("exports/a.csv")
    with pytest.raises(NotFound, match="job"):
        await idle.dismiss(job.id, note)


async def test_nobody_fills_the_queue(place: Place) -> None:
    """One user has so many of a kind open at once; another still gets through."""
    idle = jobs_of(place, Kind("work", nothing, open_at_once=2), works=False)
    for _ in range(2):
        await idle.submit(None, "work", asked_by="u1")
    with pytest.raises(TooMany) as caught:
        await idle.submit(None, "work", asked_by="u1")
    assert caught.value.code == "too_many_jobs"
    await idle.submit(None, "work", asked_by="u2")
    await idle.submit(None, "work")
    assert len(await all_of(place)) == 4


def test_all_kinds_are_known_by_name(place: Place) -> None:
    """Each once."""
    there = jobs_of(place, Kind("a", nothing), Kind("b", nothing))
    assert isinstance(there, Jobs)
    assert list(there.kinds) == ["a", "b"]
