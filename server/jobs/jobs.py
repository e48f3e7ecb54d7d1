"""Background jobs: submitted in the transaction of what they belong to, done here or elsewhere, dismissed.

The table of jobs is the truth. taskiq carries the wake-ups, and not its scheduler the schedules: that one fires in
every process that runs it. Here the moments of a schedule are rows, reached once by whichever worker comes first.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import event
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Conflict, TooMany
from server.jobs.kinds import PRIORITIES, Kind, Priority
from server.jobs.queue import STREAM, Queue
from server.jobs.uploads import keys_of
from server.jobs.work import Place
from server.jobs.worker import Pace, Worker, worker_name
from server.store import jobs
from server.store.jobs import OPEN, job_event
from server.store.tables import Job

Note = Callable[[AsyncSession, Job], Awaitable[None]]
COME_BACK_AFTER_S = 60


class Jobs:
    """One in a process. With `works` it does jobs too, `at_once` of each priority; without, it only submits and
    dismisses them. Each priority has a queue of its own: what is urgent is never behind what is not."""

    def __init__(
        self,
        place: Place,
        kinds: Sequence[Kind],
        *,
        bus_url: str,
        at_once: int = 2,
        works: bool = True,
        stream: str = STREAM,
        pace: Pace | None = None,
    ) -> None:
        self._place = place
        self._works = works
        self.kinds: Mapping[str, Kind] = {kind.name: kind for kind in kinds}
        name = worker_name()
        self._queues: dict[Priority, Queue] = {
            priority: Queue(
                bus_url, consumer=name, at_once=at_once, stream=f"{stream}:{priority}",
                on_job=partial(self._arrived, priority) if works else None,
            )
            for priority in PRIORITIES
        }  # fmt: skip
        self._worker = Worker(place, self.kinds, name=name, at_once=at_once, pace=pace or Pace())

    async def run(self) -> None:
        """The owner's task: until cancelled. What runs then is given back to the queue."""
        async with asyncio.TaskGroup() as tasks:
            for queue in self._queues.values():
                tasks.create_task(queue.run())
            if self._works:
                tasks.create_task(self._worker.run())

    async def submit(
        self,
        session: AsyncSession | None,
        kind: str,
        arguments: Mapping[str, Any] | None = None,
        asked_by: str | None = None,
        run_at: datetime | None = None,
    ) -> Job:
        """A new job, in the caller's transaction or in one of its own; once that is committed, it is told and a worker
        is woken.

        `arguments` are plain JSON. Raises TooMany where that user has enough of the kind open already.
        """
        if session is None:
            async with self._place.store.transaction() as own:
                return await self.submit(own, kind, arguments, asked_by, run_at)
        limit = self.kinds[kind].open_at_once
        if asked_by is not None and await jobs.count_open(session, kind, asked_by=asked_by) >= limit:
            raise TooMany(
                f"You have {limit} of these under way. Wait for one, or cancel one.",
                retry_after_s=COME_BACK_AFTER_S, code="too_many_jobs",
            )  # fmt: skip
        now = self._place.clock.now()
        job = await jobs.add(
            session,
            Job(kind=kind, state="queued", arguments=dict(arguments or {}), asked_by=asked_by, run_at=run_at or now),
            now,
        )
        event.listen(session.sync_session, "after_commit", lambda _session: self._place.waker.wake([jobs.TOPIC]))
        if job.run_at <= now:
            queue = self._queues[self.kinds[kind].priority]
            event.listen(session.sync_session, "after_commit", lambda _session: queue.kick(job.id))
        return job

    async def dismiss(self, job_id: str, note: Note) -> None:
        """Cancels one that is open, wherever it runs, and removes one that is over with its result. Raises NotFound,
        and Conflict for one that has to be done.

        `note` is called within the transaction, before anything is changed or removed: it may refuse.
        """
        async with self._place.store.transaction() as session:
            job = await jobs.get(session, job_id, locked=True)
            await note(session, job)
            is_open = job.state in OPEN
            kind = self.kinds.get(job.kind)
            if is_open and kind is not None and kind.stays is not None:
                raise Conflict(kind.stays, code="not_cancellable")
            if is_open:
                now = self._place.clock.now()
                await jobs.cancel(session, job, now)
                await self._place.log.append(session, [job_event(job, "job.failed", now)])
            else:
                if job.result_key is not None:  # before the row: what is noted there can be removed another time
                    await self._place.objects.delete(job.result_key)
                await jobs.remove(session, job)
        if is_open:
            self._place.waker.wake([jobs.TOPIC])
            self._worker.look(job_id)
        if keys := keys_of(job.arguments):
            await self._place.objects.delete(*keys)

    async def _arrived(self, priority: Priority, job_id: str) -> None:
        await self._worker.work(job_id, priority)
