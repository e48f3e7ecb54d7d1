"""What the tests of this room share: a place on a real database, and kinds of jobs that can be watched."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from server.clock import ManualClock
from server.events.schema import StoredEvent
from server.jobs.jobs import Jobs
from server.jobs.kinds import Kind, Outcome, Work
from server.jobs.work import Place
from server.jobs.worker import Pace
from server.objects.folder import FolderObjects
from server.store import jobs
from server.store.engine import Store
from server.store.event_log import TableLog
from server.store.paging import Page
from server.store.tables import Job
from tests.databases import databases as databases
from tests.databases import store as store

QUICK = Pace(lease_s=30.0, watch_s=0.02, sweep_s=0.05)


@dataclass
class Woken:
    """A hub that only remembers."""

    topics: list[str] = field(default_factory=list)

    def wake(self, topics: Sequence[str]) -> None:
        self.topics += topics


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def place(store: Store, clock: ManualClock, tmp_path: Path) -> Place:
    return Place(store, TableLog(store), Woken(), FolderObjects(tmp_path / "objects"), clock)


@asynccontextmanager
async def running(*all_jobs: Jobs) -> AsyncIterator[None]:
    """Each as a process of its own would run it."""
    async with asyncio.TaskGroup() as tasks:
        started = [tasks.create_task(one.run()) for one in all_jobs]
        yield
        for task in started:
            task.cancel()


def jobs_of(place: Place, *kinds: Kind, **more: Any) -> Jobs:
    chosen: dict[str, Any] = {"bus_url": "memory://", "pace": QUICK}
    return Jobs(place, kinds, **(chosen | more))


async def load(place: Place, job_id: str) -> Job:
    async with place.store.read() as session:
        return await jobs.get(session, job_id)


async def all_of(place: Place) -> Sequence[Job]:
    async with place.store.read() as session:
        return (await jobs.page(session, Page(sort="createdAt"))).rows


async def told(place: Place) -> list[StoredEvent]:
    return await TableLog(place.store).read("jobs", 0, 1000)


async def states_told(place: Place) -> list[object]:
    """Of all jobs, each as an event has said it."""
    return [event.data["state"] for event in await told(place)]


async def until(place: Place, job_id: str, *states: str) -> Job:
    """The job, as soon as it is in one of these states."""
    for _ in range(1000):
        job = await load(place, job_id)
        if job.state in states:
            return job
        await asyncio.sleep(0.01)
    raise AssertionError(f"still {job.state}, not {' or '.join(states)}")


async def until_that(holds: Callable[[], bool]) -> None:
    for _ in range(1000):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came to that")


async def nothing(_work: Work) -> Outcome:
    return Outcome()
