"""One try of one job, held under a lease: what it tells on the way, and how it ends."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

import structlog
from sqlmodel.ext.asyncio.session import AsyncSession

from server.clock import Clock
from server.events.schema import NewEvent, StoredEvent
from server.jobs.kinds import Outcome, SoFar
from server.jobs.uploads import keys_of
from server.objects.objects import Objects
from server.store import jobs
from server.store.engine import Store
from server.store.jobs import Holder, job_event
from server.store.tables import Job

PROGRESS_EVERY_S = 1.0


class Log(Protocol):
    """Appends inside the caller's transaction."""

    async def append(self, session: AsyncSession, events: Sequence[NewEvent]) -> list[StoredEvent]: ...


class Waker(Protocol):
    """Is told which topics have more."""

    def wake(self, topics: Sequence[str]) -> None: ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where jobs are kept and told of."""

    store: Store
    log: Log
    waker: Waker
    objects: Objects
    clock: Clock


class Lost(Exception):
    """The job is somebody else's by now, or it was cancelled: nothing more may be said of it."""


class HeldWork:
    """A Work whose every word is written only while the job is still ours."""

    def __init__(self, place: Place, job: Job, worker: str) -> None:
        self.nudged = asyncio.Event()  # whoever watches over it should look now
        self.holder = Holder(job.id, worker, job.attempts)
        self._place = place
        self._job = job
        self._done = 0
        self._total: int | None = None
        self._told_at_s: float | None = None
        self._key: str | None = None
        self._furthest, self._failures = job.furthest, job.failures
        self._so_far: SoFar | None = None

    @property
    def job_id(self) -> str:
        return self._job.id

    @property
    def arguments(self) -> Mapping[str, object]:
        return self._job.arguments

    @property
    def asked_by(self) -> str | None:
        return self._job.asked_by

    async def progress(self, done: int, total: int | None = None, reached: int | None = None) -> None:
        """See Work. Raises Lost."""
        self._done, self._total = done, total
        reached = done if reached is None else reached
        if reached > self._furthest:  # as the row says once this is told, or the try has failed
            self._furthest, self._failures = reached, 0
        now_s = self._place.clock.monotonic()
        if self._told_at_s is not None and now_s - self._told_at_s < PROGRESS_EVERY_S:
            return
        self._told_at_s = now_s
        async with self._place.store.transaction() as session:
            if not await jobs.progress(session, self.holder, done, total, self._furthest):
                raise Lost
            stored = await self._tell(session, jobs.PROGRESS)
        self._wake(stored)

    async def result_key(self, folder: str, ending: str) -> str:
        """See Work. Every try has a key of its own: one that was thought dead may still be writing. Raises Lost."""
        key = f"{folder}/{self._job.id}-{self.holder.attempt}.{ending}"
        if self._job.result_key is not None:
            await self._place.objects.delete(self._job.result_key)
        async with self._place.store.transaction() as session:
            if not await jobs.keep_result_at(session, self.holder, key):
                raise Lost
        self._key = key
        return key

    def tell_if_cancelled(self, so_far: SoFar) -> None:
        """See Work."""
        self._so_far = so_far

    async def leave(self) -> None:
        """It is ours no more. Of one that was cancelled it is told what was done by then; else nothing stays."""
        async with self._place.store.read() as session:
            told = self._so_far is not None and await jobs.cancelled(session, self.holder)
        if told and self._so_far is not None:
            figures, content = await asyncio.to_thread(self._so_far)
            if content is not None and self._key is not None:
                await self._place.objects.put(self._key, content)
            async with self._place.store.transaction() as session:
                told = await jobs.tell_cancelled(session, self.holder, self._done, self._total, dict(figures))
        if not told:
            await self.discard()

    async def finish(self, outcome: Outcome) -> bool:
        """It is done, and everybody is told; false where it was not ours any more."""
        url = f"/api/v1/jobs/{self._job.id}"
        return await self._end("done", outcome=outcome, result_url=url)

    async def fail(self, reason: str) -> bool:
        """It is not tried again, and everybody is told."""
        return await self._end("failed", reason=reason)

    @property
    def failures(self) -> int:
        """Tries before this one that have failed, without getting further."""
        return self._failures

    async def put_back(self, pause_s: float = 0.0, *, reason: str | None = None, counted: bool = True) -> bool:
        """It waits for another try, and everybody is told; false where it was not ours any more."""
        at = self._place.clock.now() + timedelta(seconds=pause_s)
        async with self._place.store.transaction() as session:
            ours = await jobs.put_back(session, self.holder, at, furthest=self._furthest, error=reason, counted=counted)
            stored = await self._tell(session, jobs.PROGRESS) if ours else []
        self._wake(stored)
        return ours

    async def renew(self, until: datetime) -> bool:
        async with self._place.store.transaction() as session:
            return await jobs.renew(session, self.holder, until)

    async def held(self) -> bool:
        async with self._place.store.read() as session:
            return await jobs.held(session, self.holder)

    async def discard(self) -> None:
        """Removes what a try that came to nothing has written."""
        if self._key is not None:
            await self._remove(self._key)

    async def _remove(self, *keys: str) -> None:
        try:
            if keys:
                await self._place.objects.delete(*keys)
        except Exception as error:  # noqa: BLE001 - it is removed with the job, then
            structlog.get_logger(__name__).warning("result_left", job=self._job.id, reason=str(error))

    async def _end(
        self,
        state: Literal["done", "failed"],
        *,
        outcome: Outcome | None = None,
        reason: str | None = None,
        result_url: str | None = None,
    ) -> bool:
        async with self._place.store.transaction() as session:
            ours = await jobs.finish(
                session, self.holder, state, self._place.clock.now(), done=self._done, total=self._total,
                result=dict(outcome.figures) if outcome else None, error=reason,
            )  # fmt: skip
            stored = await self._tell(session, f"job.{state}", result_url) if ours else []
            ours = ours or await jobs.ended(session, self.holder, state)
        self._wake(stored)
        if ours:
            await self._remove(*keys_of(self._job.arguments))
        return ours

    async def _tell(self, session: AsyncSession, event_type: str, result_url: str | None = None) -> list[StoredEvent]:
        row = await jobs.get(session, self._job.id)
        return await self._place.log.append(session, [job_event(row, event_type, self._place.clock.now(), result_url)])

    def _wake(self, stored: Sequence[StoredEvent]) -> None:
        if stored:
            self._place.waker.wake(sorted({event.topic for event in stored}))
