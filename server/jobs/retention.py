"""Retention: what is over and old enough is removed, every night, and the audit says how much of what."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlmodel.ext.asyncio.session import AsyncSession

from server.jobs.kinds import Every, Kind, Outcome, Work
from server.jobs.leftovers import remove_leftovers
from server.jobs.trail import Trail
from server.jobs.uploads import keys_of
from server.jobs.work import Place
from server.pipeline.erase import Eraser
from server.store import (
    alerts,
    attempts,
    clips,
    deliveries,
    event_log,
    idempotency,
    jobs,
    one_time_codes,
    people,
    reports,
    sessions,
    snapshots,
    terminals,
    visitors,
)
from server.store.audit import SYSTEM
from server.store.runtime import RetentionSettings
from server.store.tables import Clip, Snapshot

NAME = "retention"
NIGHTLY = Every(timedelta(days=1), at=timedelta(hours=3, minutes=20))
ATTEMPTS_KEPT = timedelta(days=2)  # no throttle looks back further
AT_ONCE = 200
EVENTS_AT_ONCE = 1000  # far more of them than of anything else, and nothing hangs on one
REST_S = 0.02  # between them, about as long as removing them takes
GB = 1_000_000_000

Step = Callable[[], Awaitable[int]]
Forget = Callable[[AsyncSession], Awaitable[int]]
ForgetSome = Callable[[AsyncSession, datetime, int], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Kept:
    """Rows with objects of a size, which go by age and, beyond a size in all, the oldest first."""

    oldest: Callable[[AsyncSession, int, datetime | None], Awaitable[Sequence[Snapshot | Clip]]]
    total_bytes: Callable[[AsyncSession], Awaitable[int]]
    remove_all: Callable[[AsyncSession, Sequence[str]], Awaitable[int]]


SNAPSHOTS = Kept(snapshots.oldest, snapshots.total_bytes, snapshots.remove_all)
CLIPS = Kept(clips.oldest, clips.total_bytes, clips.remove_all)


class Cutting(Trail, Protocol):
    """What retention needs of the audit besides."""

    async def cut(self, before: datetime) -> int:
        """Removes the rows of before that time; how many."""


def retention(place: Place, trail: Cutting, wanted: Callable[[], RetentionSettings], eraser: Eraser) -> Kind:
    """The kind. What is wanted is asked anew each night."""
    return Kind(NAME, _Retention(place, trail, wanted, eraser).do, tries=5, limit_s=3600.0, pause_s=60.0, every=NIGHTLY)


class _Retention:
    """Step by step, each in transactions of its own: a repetition goes on where an earlier try ended."""

    def __init__(self, place: Place, trail: Cutting, wanted: Callable[[], RetentionSettings], eraser: Eraser) -> None:
        self._place = place
        self._trail = trail
        self._wanted = wanted
        self._eraser = eraser

    async def do(self, work: Work) -> Outcome:
        now, wanted = self._place.clock.now(), self._wanted()
        ended, finished = now - timedelta(days=wanted.sessions_days), now - timedelta(days=wanted.jobs_days)
        steps: dict[str, Step] = {
            "sessions": lambda: self._forget(lambda session: sessions.forget_old(session, ended)),
            "oneTime": lambda: self._forget(lambda session: one_time_codes.forget_expired(session, now)),
            "attempts": lambda: self._forget(lambda session: attempts.forget_old(session, now - ATTEMPTS_KEPT)),
            "answers": lambda: self._forget(lambda session: idempotency.forget_old(session, now)),
            "alerts": lambda: self._forget(
                lambda session: alerts.forget_finished(session, finished, self._place.log, now)
            ),
            "jobs": lambda: self._forget_jobs(finished),
            "leftovers": lambda: remove_leftovers(self._place.store, self._place.objects, now),
            "terminalLines": lambda: self._forget(
                lambda session: terminals.forget_old(session, now - timedelta(days=wanted.terminal_lines_days))
            ),
            "deliveries": lambda: self._forget_by_and_by(
                deliveries.forget_old, now - timedelta(days=wanted.deliveries_days)
            ),
            "reportRuns": lambda: self._forget_by_and_by(
                reports.forget_old, now - timedelta(days=wanted.deliveries_days)
            ),
            "snapshots": lambda: self._forget_kept(SNAPSHOTS, now - timedelta(days=wanted.snapshots_days)),
            "snapshotsOverSize": lambda: self._shrink_kept(SNAPSHOTS, wanted.snapshots_gb * GB),
            "clips": lambda: self._forget_kept(CLIPS, now - timedelta(days=wanted.clips_days)),
            "clipsOverSize": lambda: self._shrink_kept(CLIPS, wanted.clips_gb * GB),
            "unknowns": lambda: self._forget_unknowns(now - timedelta(days=wanted.unknowns_days)),
            "inactivePeople": lambda: self._erase_inactive(now, wanted.inactive_days),
            "erasures": self._eraser.finish_all,
            "events": lambda: self._forget_events(
                now, now - timedelta(days=wanted.events_days), wanted.events_per_topic
            ),
            "audit": lambda: self._trail.cut(now - timedelta(days=wanted.audit_days)),
        }
        removed: dict[str, int] = {}
        work.tell_if_cancelled(lambda: (dict(removed), None))
        for number, (name, step) in enumerate(steps.items()):
            await work.progress(number, len(steps))
            removed[name] = await step()
        await work.progress(len(steps), len(steps))
        if any(removed.values()):
            async with self._place.store.transaction() as session:
                await self._trail.record(session, SYSTEM, "retention.done", "jobs", work.job_id, after=removed)
        return Outcome(removed)

    async def _forget(self, forget: Forget) -> int:
        async with self._place.store.transaction() as session:
            return await forget(session)

    async def _forget_by_and_by(self, forget: ForgetSome, before: datetime) -> int:
        removed = 0
        while True:
            done = await self._forget(lambda session: forget(session, before, AT_ONCE))
            removed += done
            if done < AT_ONCE:
                return removed

    async def _forget_events(self, now: datetime, before: datetime, most: int) -> int:
        """Topic by topic. Whoever appends gets in between, also in other processes on SQLite, which only look for the
        lock now and then."""
        removed = 0
        async with self._place.store.read() as session:
            topics = await event_log.topics(session)
        for topic in topics:
            while True:
                async with self._place.store.transaction() as session:
                    done = await event_log.forget_old(session, topic, before, now, most=most, limit=EVENTS_AT_ONCE)
                removed += done
                if done < EVENTS_AT_ONCE:
                    break
                await asyncio.sleep(REST_S)
        return removed

    async def _forget_kept(self, kept: Kept, before: datetime) -> int:
        removed = 0
        while True:
            async with self._place.store.read() as session:
                old = await kept.oldest(session, AT_ONCE, before)
            removed += await self._remove_kept(kept, old)
            if len(old) < AT_ONCE:
                return removed

    async def _shrink_kept(self, kept: Kept, most_bytes: int) -> int:
        removed = 0
        while True:
            async with self._place.store.read() as session:
                over = await kept.total_bytes(session) - most_bytes
                oldest = await kept.oldest(session, AT_ONCE, None) if over > 0 else []
            gone = []
            for row in oldest:
                if over <= 0:
                    break
                gone.append(row)
                over -= row.size_bytes
            if not gone:
                return removed
            removed += await self._remove_kept(kept, gone)

    async def _remove_kept(self, kept: Kept, rows: Sequence[Snapshot | Clip]) -> int:
        """With their objects: those first, for the row is what knows of them."""
        if rows:
            await self._place.objects.delete(*(key for row in rows for key in _keys_of(row)))
        async with self._place.store.transaction() as session:
            return await kept.remove_all(session, [row.id for row in rows])

    async def _forget_jobs(self, before: datetime) -> int:
        """With the objects that they have made: those first, for the row is what knows of them."""
        removed = 0
        while True:
            async with self._place.store.read() as session:
                old = await jobs.finished_before(session, before, AT_ONCE)
            keys = [job.result_key for job in old if job.result_key is not None]
            keys += [key for job in old for key in keys_of(job.arguments)]
            if keys:
                await self._place.objects.delete(*keys)
            async with self._place.store.transaction() as session:
                removed += await jobs.remove_all(session, [job.id for job in old])
            if len(old) < AT_ONCE:
                return removed

    async def _erase_inactive(self, now: datetime, days: int) -> int:
        """The faces of people who have not been active for so long; attendance stays. What is begun here, the next step
        finishes: each has a receipt."""
        if not days:
            return 0
        before, begun = now - timedelta(days=days), 0
        while True:
            async with self._place.store.read() as session:
                found = await people.long_inactive(session, before, AT_ONCE)
            for person_id in found:
                async with self._place.store.transaction() as session:
                    person = await people.lock(session, person_id)
                    if not await people.long_inactive(session, before, 1, person_id=person_id):
                        continue  # active again, or erased by somebody else since
                    receipt = await self._eraser.begin(session, person, "biometrics", SYSTEM.name)
                    told = {"erasure": receipt.id, "inactive_since": person.inactive_since, **receipt.counts}
                    await self._trail.record(session, SYSTEM, "biometrics.erased", "people", person_id, after=told)
                    begun += 1
            if len(found) < AT_ONCE:
                return begun

    async def _forget_unknowns(self, before: datetime) -> int:
        """Faces and pictures of sightings without a name: the objects first, for the row is what knows of them."""
        removed = 0
        while True:
            async with self._place.store.read() as session:
                old = await visitors.expired(session, before, AT_ONCE)
            keys = [key for row in old for key in (row.snapshot_key, row.face_key) if key is not None]
            if keys:
                await self._place.objects.delete(*keys)
            async with self._place.store.transaction() as session:
                removed += await visitors.forget(session, [row.id for row in old])
            if len(old) < AT_ONCE:
                return removed


def _keys_of(row: Snapshot | Clip) -> tuple[str, ...]:
    return (row.object_key,) if isinstance(row, Clip) else (row.object_key, row.thumbnail_key)
