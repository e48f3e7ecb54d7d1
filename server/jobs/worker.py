"""Does the jobs: takes what is due under a lease, watches over it, and writes what came of it.

A job is not lost when its worker is killed: the lease runs out, and the sweep of any worker finds it. Nor is it done
twice at the same time: it is taken by one statement, and a worker that cannot renew its lease lets go before the lease
ends. The clocks of the machines may differ by less than a lease.
"""

import asyncio
import os
import random
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import RollcallError
from server.ids import new_id
from server.jobs.kinds import NOT_TRIED_AGAIN, PRIORITIES, Every, Kind, Outcome, Priority, TimeLimit, reason_of
from server.jobs.work import HeldWork, Lost, Place
from server.store import jobs
from server.store.away import is_away
from server.store.jobs import job_event
from server.store.tables import Job
from server.supervise import Backoff, said

STOP_WITHIN_S = 3.0
MOST_DEATHS = 10  # of workers, one after another, without the job getting further: it may be what kills them
WORKER_DIED = "Its worker died, again and again."


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a lease is good, how often a worker looks whether a job is still its own, and looks for lost ones."""

    lease_s: float = 30.0
    watch_s: float = 2.0
    sweep_s: float = 15.0


class Stopped(Exception):
    """The process ends, so the job is given back."""


def worker_name() -> str:
    """Tells this worker from every other, also from one that had its process id before."""
    return f"{socket.gethostname()[:50]}:{os.getpid()}:{new_id()[-12:]}"


class Worker:
    """One in a process. `work` is told of a job, and goes on with others of its priority until none is due."""

    def __init__(
        self,
        place: Place,
        kinds: Mapping[str, Kind],
        *,
        name: str,
        at_once: int,
        pace: Pace,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`at_once`: of each priority, so that what is short never waits for what is long."""
        self._place = place
        self._kinds = kinds
        self._names = {one: [kind.name for kind in kinds.values() if kind.priority == one] for one in PRIORITIES}
        self._name = name
        self._at_once = at_once
        self._pace = pace
        self._chance = chance
        self._held: dict[str, HeldWork] = {}
        self._slots: dict[str, datetime] = {}
        self._busy: dict[Priority, int] = dict.fromkeys(PRIORITIES, 0)
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._stopping = False
        self._log = structlog.get_logger(__name__)

    async def run(self) -> None:
        """The sweeps, until cancelled; then it gives back what runs.

        What a sweep finds is done here, and not sent through the queue: that may be away for long.
        """
        async with asyncio.TaskGroup() as found:
            try:
                while True:
                    pause_s = self._pace.sweep_s
                    try:
                        pause_s = await self.sweep(lambda job_id, of: found.create_task(self.work(job_id, of)))
                    except Exception as error:  # noqa: BLE001 - whatever the database says, the sweep must come again
                        self._log.warning("jobs_unreadable", reason=said(error))
                    await asyncio.sleep(pause_s)
            finally:
                await self.stop()

    async def sweep(self, start: Callable[[str, Priority], object]) -> float:
        """Schedules come round, and what is due or lost is started as far as there is room. When to look again."""
        now = self._place.clock.now()
        for kind in self._kinds.values():
            if kind.every is not None:
                await self._come_round(kind, kind.every)
        async with self._place.store.read() as session:
            for priority in PRIORITIES:
                for job_id in await self._due(session, priority, now, self._at_once - self._busy[priority]):
                    start(job_id, priority)
            following = await jobs.next_due(session, self._kinds, now)
        wait_s = (following - now).total_seconds() if following else self._pace.sweep_s
        return min(wait_s, self._pace.sweep_s)

    async def work(self, job_id: str, priority: Priority = "normal") -> None:
        """That job, if it is to be had and there is room, and then whatever else is due of that priority. Never
        raises."""
        if self._stopping or self._busy[priority] >= self._at_once:
            return
        self._busy[priority] += 1
        self._quiet.clear()
        try:
            wanted: str | None = job_id
            while wanted is not None and not self._stopping:
                await self._do(wanted)
                wanted = await self._next(priority)
        except Exception as error:  # noqa: BLE001 - its lease runs out, and a sweep finds it
            self._log.warning("job_left", job=job_id, reason=said(error))
        finally:
            self._busy[priority] -= 1
            if not any(self._busy.values()):
                self._quiet.set()

    def look(self, job_id: str) -> None:
        """Something has happened to that job: if it runs here, see at once whether it is still ours."""
        if job_id in self._held:
            self._held[job_id].nudged.set()

    async def stop(self) -> None:
        """Gives back what runs, and takes nothing more."""
        self._stopping = True
        for held in self._held.values():
            held.nudged.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_WITHIN_S):
                await self._quiet.wait()

    async def _come_round(self, kind: Kind, every: Every) -> None:
        """The newest moment of the schedule becomes a job: once, however many workers there are, and not while an
        earlier one is still open."""
        now = self._place.clock.now()
        slot = every.slot(now)
        if self._slots.get(kind.name) == slot:
            return
        async with self._place.store.read() as session:
            if await jobs.count_open(session, kind.name):
                return
        async with self._place.store.transaction() as session:
            first = await jobs.claim_slot(session, kind.name, slot)
            if first:
                await jobs.add(session, Job(kind=kind.name, state="queued", run_at=now), now)
        if first:
            self._place.waker.wake([jobs.TOPIC])
        self._slots[kind.name] = slot

    async def _next(self, priority: Priority) -> str | None:
        async with self._place.store.read() as session:
            found = await self._due(session, priority, self._place.clock.now(), 1)
        return found[0] if found else None

    async def _due(self, session: AsyncSession, priority: Priority, now: datetime, room: int) -> Sequence[str]:
        names = self._names[priority]
        return await jobs.due(session, names, now, room) if names and room > 0 else ()

    async def _do(self, job_id: str) -> None:
        lease = timedelta(seconds=self._pace.lease_s)
        async with self._place.store.transaction() as session:
            now = self._place.clock.now()  # not before: what was waited for is not of the lease
            job = await jobs.take(session, job_id, self._kinds, self._name, now, lease)
            if job is not None:
                await self._place.log.append(session, [job_event(job, jobs.PROGRESS, now)])
        if job is None:
            return
        self._place.waker.wake([jobs.TOPIC])
        kind, held = self._kinds[job.kind], HeldWork(self._place, job, self._name)
        if self._stopping:  # while it was taken
            await held.put_back(counted=False)
            return
        if job.deaths >= MOST_DEATHS:
            await held.fail(WORKER_DIED)
            return
        self._held[job.id] = held
        try:
            ended = await self._watched(kind, held)
        finally:
            del self._held[job.id]
        await self._insist(held, kind, ended)

    async def _insist(self, held: HeldWork, kind: Kind, ended: Outcome | Exception) -> None:
        """Until the database takes the end of it: the work of hours is not to be done again because that was away for
        a moment. Nobody else takes it before its lease is over."""
        clock, until_s = self._place.clock, self._place.clock.monotonic() + self._pace.lease_s
        while True:
            try:
                await self._end(kind, held, ended)
                return
            except (SQLAlchemyError, OSError) as error:
                if self._stopping or clock.monotonic() >= until_s:
                    raise
                self._log.warning("end_not_written", job=held.job_id, reason=type(error).__name__)
            await asyncio.sleep(self._pace.watch_s)

    async def _watched(self, kind: Kind, held: HeldWork) -> Outcome | Exception:
        ended: Outcome | Exception = Lost()
        try:
            async with asyncio.TaskGroup() as tasks:
                watching = tasks.create_task(self._watch(held))
                ended = await _attempt(kind, held)
                watching.cancel()
        except* Stopped as stopped:
            ended = stopped.exceptions[0] if isinstance(ended, Lost) else ended
        except* Lost:
            ended = Lost()
        return ended

    async def _watch(self, held: HeldWork) -> None:
        """Keeps the lease. Raises Lost when the job is ours no more, or may be so soon; Stopped when we are to end."""
        clock, lease_s = self._place.clock, self._pace.lease_s
        renewed_s = clock.monotonic()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pace.watch_s):
                    await held.nudged.wait()
            held.nudged.clear()
            if self._stopping:
                raise Stopped
            now_s = clock.monotonic()
            due = now_s - renewed_s >= lease_s / 3
            try:
                async with asyncio.timeout(lease_s / 6):
                    ours = await (held.renew(clock.now() + timedelta(seconds=lease_s)) if due else held.held())
                renewed_s = now_s if due else renewed_s
            except Exception as error:  # noqa: BLE001 - the database may be back before the lease ends
                self._log.warning("lease_not_renewed", job=held.job_id, reason=type(error).__name__)
                ours = now_s - renewed_s < lease_s * 2 / 3
            if not ours:
                raise Lost

    async def _end(self, kind: Kind, held: HeldWork, ended: Outcome | Exception) -> None:
        log = self._log.bind(job=held.job_id, kind=kind.name, attempt=held.holder.attempt)
        if isinstance(ended, Outcome):
            if await held.finish(ended):
                log.info("job_done", **ended.figures)
                return
            ended = Lost()
        if isinstance(ended, Lost):
            ours = False
        elif isinstance(ended, Stopped):
            ours = await held.put_back(counted=False)
        else:
            ours = await self._failed(kind, held, ended, log)
        if not ours:  # it may have been cancelled, also at the moment when it failed or was given back
            log.info("job_taken_away")
            await held.leave()
            return
        if isinstance(ended, Stopped):
            log.info("job_given_back")
        await held.discard()

    async def _failed(self, kind: Kind, held: HeldWork, error: Exception, log: structlog.stdlib.BoundLogger) -> bool:
        """False where it was not ours any more."""
        reason, failures = reason_of(error, kind.limit_s), held.failures + 1
        unexpected = None if isinstance(error, RollcallError | TimeLimit) or is_away(error) else error
        if failures >= kind.tries or isinstance(error, NOT_TRIED_AGAIN):
            ours = await held.fail(reason)
            if ours:
                log.warning("job_failed", reason=reason, exc_info=unexpected)
            return ours
        first_s = kind.pause_s * 2.0 ** (failures - 1)
        pause_s = Backoff(first_s, kind.longest_pause_s, chance=self._chance).next()
        ours = await held.put_back(pause_s, reason=reason)
        if ours:
            log.warning("job_tried_again", reason=reason, pause_s=round(pause_s, 2), exc_info=unexpected)
        return ours


async def _attempt(kind: Kind, held: HeldWork) -> Outcome | Exception:
    try:
        async with asyncio.timeout(kind.limit_s) as limit:
            return await kind.do(held)
    except TimeoutError as error:
        return TimeLimit() if limit.expired() else error
    except Exception as error:  # noqa: BLE001 - whatever a job does, its worker goes on
        return error
