"""A random day of jobs for the law: asked for, begun, further, put back, taken from the dead, dismissed, over."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Invalid
from server.jobs.jobs import Jobs
from server.jobs.kinds import Every, Kind, Outcome, Work
from server.jobs.work import Place
from server.jobs.worker import Pace, Worker
from server.pipeline.attendance_log import AttendanceLog
from server.store import jobs
from server.store.paging import Page
from server.store.tables import Job
from tests.events.scenes import Somebody
from tests.pipeline.law_days import Day

LEASE_S = 30.0


class JobsDay(Day):
    """Every way in which a job gets from one state to another, by workers that come and go."""

    async def begin(self) -> None:
        parts = self.world.parts
        log = AttendanceLog(parts.store, parts.runtime, self.world.clock)
        self.place = Place(parts.store, log, parts.hub, parts.objects, self.world.clock)
        kinds = (
            Kind("work", self._do, tries=3, pause_s=60.0, open_at_once=1000),
            Kind("hourly", self._do, every=Every(timedelta(hours=1))),
        )
        self.kinds = {kind.name: kind for kind in kinds}
        self.jobs = Jobs(self.place, kinds, bus_url="memory://", works=False)
        self.ending, self.begun = "done", asyncio.Event()
        self.workers = 0
        self.topic, self.steps = "jobs", 60
        self.readers = {"who has asked": Somebody("u1", permissions=[])}

    def happenings(self) -> list[Callable[[], Awaitable[object]]]:
        self.world.clock.advance(self.world.chance.choice([1, LEASE_S + 1, 200]))
        return [
            self._asked_for, self._asked_for, self._asked_for, self._come_round, self._worked, self._worked,
            self._worker_died, self._worker_stopped, self._dismissed,
        ]  # fmt: skip

    async def _asked_for(self) -> None:
        later = self.world.chance.choice([None, self.world.clock.now() + timedelta(seconds=90)])
        await self.jobs.submit(None, "work", asked_by=self.world.chance.choice(["u1", "u2", None]), run_at=later)

    async def _come_round(self) -> None:
        await self._worker().sweep(lambda *_: None)

    async def _worked(self) -> None:
        """One is done, fails to be tried again, or fails for good."""
        await self._work(self.world.chance.choice(["done", "again", "again", "wrong"]))

    async def _worker_died(self) -> None:
        """In the middle of one: it runs on, as far as anybody knows, until its lease is over."""
        if (job := await self._due()) is not None:
            self.ending = "never"
            self.begun.clear()
            async with asyncio.TaskGroup() as tasks:
                task = tasks.create_task(self._worker().work(job))
                await self.begun.wait()
                task.cancel()

    async def _worker_stopped(self) -> None:
        """In the middle of one, which it gives back."""
        if (job := await self._due()) is not None:
            self.ending = "never"
            self.begun.clear()
            worker = self._worker()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(worker.work(job))
                await self.begun.wait()
                await worker.stop()

    async def _dismissed(self) -> None:
        """Cancelled where it is open, removed where it is over."""
        async with self.place.store.read() as session:
            rows = (await jobs.page(session, Page(page_size=200))).rows
        if rows:
            await self.jobs.dismiss(self.world.chance.choice(rows).id, _noted)

    async def _work(self, ending: str) -> None:
        if (job := await self._due()) is not None:
            self.ending = ending
            # One alone: a worker goes on with whatever else is due.
            await self._worker()._do(job)

    async def _due(self) -> str | None:
        async with self.place.store.read() as session:
            found = await jobs.due(session, self.kinds, self.world.clock.now(), 50)
        return self.world.chance.choice(found) if found else None

    def _worker(self) -> Worker:
        self.workers += 1
        pace = Pace(lease_s=LEASE_S, watch_s=0.02)
        return Worker(self.place, self.kinds, name=f"w{self.workers}", at_once=1, pace=pace, chance=lambda: 0.0)

    async def _do(self, work: Work) -> Outcome:
        if self.world.chance.choice([True, False]):
            await work.progress(self.world.chance.randrange(9), 9)
        self.begun.set()
        match self.ending:
            case "never":
                await asyncio.Event().wait()
            case "again":
                raise OSError("The disk is slow.")
            case "wrong":
                raise Invalid("There is no such file.")
        return Outcome({"rows": 1})


async def _noted(_session: AsyncSession, _job: Job) -> None:
    """No audit here."""
