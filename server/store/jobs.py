"""Jobs: written once, taken by one worker at a time under a lease, and every word of a worker that lost it ignored."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, cast

from sqlalchemy import ColumnElement, and_, case, func, or_
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, delete, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import NotFound
from server.events.facts import JobFact
from server.events.schema import NewEvent
from server.store.columns import utc_now
from server.store.engine import at_end
from server.store.event_log import append
from server.store.paging import Page, Paged, Sorts, fetch
from server.store.tables import Job, Setting
from server.store.writes import is_unique_violation

TOPIC, PROGRESS = "jobs", "job.progress"
SORTS: Sorts = {
    "createdAt": Job.created_at,
    "updatedAt": Job.updated_at,
    "runAt": Job.run_at,
    "finishedAt": Job.finished_at,
    "kind": Job.kind,
    "state": Job.state,
}

State = Literal["queued", "running", "done", "failed", "cancelled"]
OPEN = ("queued", "running")


@dataclass(frozen=True, slots=True)
class Holder:
    """Who runs a job: the worker, and which try of the job it is. Another try is another holder."""

    job_id: str
    worker: str
    attempt: int


async def add(session: AsyncSession, job: Job, at: datetime | None = None) -> Job:
    """It is told of at the end of the transaction, for the log is held from then on, and whoever adds one goes on."""

    async def tell(session: AsyncSession) -> None:
        if job in session:  # not where it was taken back
            await append(session, [job_event(job, PROGRESS, at or utc_now())])

    session.add(job)
    await session.flush()
    at_end(session, tell)
    return job


async def get(session: AsyncSession, job_id: str, *, locked: bool = False) -> Job:
    """Raises NotFound. `locked`: no other transaction changes it before this one ends."""
    row = await session.get(Job, job_id, with_for_update=True if locked else None)
    if row is None:
        raise NotFound.of("job")
    return row


async def page(
    session: AsyncSession,
    wanted: Page,
    *,
    kind: str | None = None,
    state: State | None = None,
    asked_by: str | None = None,
    only_open: bool = False,
) -> Paged[Job]:
    statement = select(Job).where(col(Job.state).in_(OPEN)) if only_open else select(Job)
    if asked_by is not None:
        statement = statement.where(Job.asked_by == asked_by)
    if kind is not None:
        statement = statement.where(Job.kind == kind)
    if state is not None:
        statement = statement.where(Job.state == state)
    return await fetch(session, statement, wanted, SORTS, "-createdAt")


async def count_open(session: AsyncSession, kind: str, *, asked_by: str | None = None) -> int:
    """How many of a kind wait or run; of one user, where one is named."""
    query = select(func.count()).select_from(Job).where(Job.kind == kind, col(Job.state).in_(OPEN))
    if asked_by is not None:
        query = query.where(Job.asked_by == asked_by)
    return (await session.exec(query)).one()


async def waits(session: AsyncSession, kind: str) -> bool:
    """Whether one of that kind is still to be begun, or begun again."""
    query = select(Job.id).where(Job.kind == kind, col(Job.state) == "queued").limit(1)
    return (await session.exec(query)).first() is not None


async def count_waiting(session: AsyncSession) -> int:
    """How many wait, of all kinds."""
    return (await session.exec(select(func.count()).select_from(Job).where(Job.state == "queued"))).one()


async def due(session: AsyncSession, kinds: Collection[str], now: datetime, limit: int) -> list[str]:
    """The ids of those that wait and may run, and of those whose worker was lost; the longest waiting first."""
    query = select(Job.id).where(_free(kinds, now)).order_by(col(Job.run_at), col(Job.id)).limit(limit)
    return list((await session.exec(query)).all())


async def next_due(session: AsyncSession, kinds: Collection[str], now: datetime) -> datetime | None:
    """When the first of those that wait for a later time may run."""
    later = and_(col(Job.state) == "queued", col(Job.run_at) > now, col(Job.kind).in_(kinds))
    return (await session.exec(select(Job.run_at).where(later).order_by(col(Job.run_at)).limit(1))).first()


async def take(
    session: AsyncSession, job_id: str, kinds: Collection[str], worker: str, now: datetime, lease: timedelta
) -> Job | None:
    """The job, held by this worker from now on; None where it is not to be had. One statement: two never get it. That
    its worker before has died is counted."""
    died = case((col(Job.state) == "running", col(Job.deaths) + 1), else_=col(Job.deaths))
    taken = await session.exec(
        update(Job)
        .where(col(Job.id) == job_id, _free(kinds, now))
        .values(state="running", worker=worker, lease_until=now + lease, attempts=Job.attempts + 1, deaths=died)
    )
    return await session.get_one(Job, job_id, populate_existing=True) if taken.rowcount else None


async def renew(session: AsyncSession, holder: Holder, until: datetime) -> bool:
    """A longer lease; false where the job is no longer this holder's. No edit: its stamp stays."""
    return await _write(session, holder, {"lease_until": until, "updated_at": Job.updated_at})


async def held(session: AsyncSession, holder: Holder) -> bool:
    """Whether the job is still this holder's."""
    return (await session.exec(select(Job.id).where(*_by(holder)))).first() is not None


async def progress(
    session: AsyncSession, holder: Holder, done: int, total: int | None, reached: int | None = None
) -> bool:
    """What has failed before counts no more once it is further than it ever was: by `done`, or by `reached`."""
    return await _write(
        session, holder, {"done": done, "total": total, **_further(done if reached is None else reached)}
    )


async def keep_result_at(session: AsyncSession, holder: Holder, key: str) -> bool:
    """Where the result is going to be: noted before it is written, so that whoever removes the job finds it."""
    return await _write(session, holder, {"result_key": key})


async def finish(
    session: AsyncSession,
    holder: Holder,
    state: Literal["done", "failed"],
    at: datetime,
    *,
    done: int,
    total: int | None,
    result: dict[str, Any] | None = None,
    error: str | None = None,
) -> bool:
    """The end of it; false where the job is no longer this holder's."""
    values = {"state": state, "finished_at": at, "lease_until": None, "done": done, "total": total}
    return await _write(session, holder, values | {"result": result, "error": error})


async def put_back(
    session: AsyncSession,
    holder: Holder,
    run_at: datetime,
    *,
    furthest: int = 0,
    error: str | None = None,
    counted: bool = True,
) -> bool:
    """Waits again until `run_at`; a try that does not count was not the job's fault. `furthest`: the most that is done
    of it by now, of which the row may not have been told yet."""
    values: dict[str, Any] = {"state": "queued", "run_at": run_at, "lease_until": None, "worker": None, "error": error}
    values |= _further(furthest)
    values |= {"failures": values["failures"] + 1} if counted else {"attempts": Job.attempts - 1}
    return await _write(session, holder, values)


async def cancel(session: AsyncSession, job: Job, at: datetime) -> None:
    """Of a locked row that is open. A worker that runs it finds that it no longer holds it, and stops."""
    job.state, job.finished_at, job.lease_until, job.error = "cancelled", at, None, "Cancelled."
    session.add(job)
    await session.flush()


async def ended(session: AsyncSession, holder: Holder, state: Literal["done", "failed"]) -> bool:
    """Whether this holder has ended it so: a database that died may have kept what it did not answer any more."""
    return (await session.exec(select(Job.id).where(*_by(holder, state)))).first() is not None


async def cancelled(session: AsyncSession, holder: Holder) -> bool:
    """Whether it was cancelled while this holder ran it."""
    return (await session.exec(select(Job.id).where(*_by(holder, "cancelled")))).first() is not None


async def tell_cancelled(
    session: AsyncSession, holder: Holder, done: int, total: int | None, result: dict[str, Any]
) -> bool:
    """What its last holder had done by then; false where it is not there any more."""
    values = {"done": done, "total": total, "result": result}
    return (await session.exec(update(Job).where(*_by(holder, "cancelled")).values(**values))).rowcount > 0


async def remove(session: AsyncSession, job: Job) -> None:
    await session.delete(job)
    await session.flush()


async def remove_all(session: AsyncSession, ids: Collection[str]) -> int:
    """Of finished ones; how many were still there."""
    gone = delete(Job).where(col(Job.id).in_(ids), col(Job.state).not_in(OPEN))
    return (await session.exec(gone)).rowcount if ids else 0


async def finished_before(session: AsyncSession, before: datetime, limit: int) -> Sequence[Job]:
    query = select(Job).where(col(Job.finished_at) < before).order_by(col(Job.finished_at)).limit(limit)
    return (await session.exec(query)).all()


async def results_of(session: AsyncSession, ids: Collection[str]) -> set[str]:
    """The keys of the objects that these jobs have made, or are making."""
    wanted = (col(Job.id).in_(ids), col(Job.result_key).is_not(None))
    return {key for key in (await session.exec(select(Job.result_key).where(*wanted))).all() if key is not None}


async def arguments_of_open(session: AsyncSession) -> Sequence[Mapping[str, Any]]:
    """What those that wait or run were asked for."""
    return (await session.exec(select(Job.arguments).where(col(Job.state).in_(OPEN)))).all()


async def claim_slot(session: AsyncSession, kind: str, slot: datetime) -> bool:
    """Whether this caller is the first, in any process, to reach that moment of the kind's schedule."""
    key = f"schedule.{kind}"
    row = await session.get(Setting, key, with_for_update=True)
    if row is None:
        try:
            async with session.begin_nested():
                session.add(Setting(key=key, value={"slot": slot.isoformat()}))
        except IntegrityError as error:
            if not is_unique_violation(error):
                raise
            return False
        return True
    if datetime.fromisoformat(row.value["slot"]) >= slot:
        return False
    row.value = {"slot": slot.isoformat()}
    session.add(row)
    await session.flush()
    return True


def job_event(job: Job, event_type: str, at: datetime, result_url: str | None = None) -> NewEvent:
    """The event that tells of this job as it is now."""
    fact = JobFact(
        id=job.id, kind=job.kind, done=job.done, total=job.total, result_url=result_url, error=job.error,
        state=cast(State, job.state), asked_by=job.asked_by,
    )  # fmt: skip
    data = fact.model_dump(mode="json", by_alias=True)
    return NewEvent(TOPIC, event_type, f"jobs/{job.id}", data, at)


def _free(kinds: Collection[str], now: datetime) -> ColumnElement[bool]:
    """Only of the kinds that the asking worker knows: it may be older than the one that submitted it."""
    waiting = and_(col(Job.state) == "queued", col(Job.run_at) <= now)
    lost = and_(col(Job.state) == "running", col(Job.lease_until) < now)
    return and_(col(Job.kind).in_(kinds), or_(waiting, lost))


def _by(holder: Holder, state: State = "running") -> tuple[ColumnElement[bool], ...]:
    return (
        col(Job.id) == holder.job_id,
        col(Job.state) == state,
        col(Job.worker) == holder.worker,
        col(Job.attempts) == holder.attempt,
    )


def _further(reached: int) -> dict[str, Any]:
    """What has failed before counts no more once it is further than it ever was."""
    further = col(Job.furthest) < reached
    return {
        "failures": case((further, 0), else_=col(Job.failures)), "deaths": case((further, 0), else_=col(Job.deaths)),
        "furthest": case((further, reached), else_=col(Job.furthest)),
    }  # fmt: skip


async def _write(session: AsyncSession, holder: Holder, values: dict[str, Any]) -> bool:
    return (await session.exec(update(Job).where(*_by(holder)).values(**values))).rowcount > 0
