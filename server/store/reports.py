"""Reports by schedule, and their runs: each taken by one process at a time, and its word ignored once it lost it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, func, or_
from sqlmodel import col, delete, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from server.store.collections import Collection as Rows
from server.store.paging import Page, Paged, Sorts, fetch
from server.store.reach import Conditions
from server.store.tables import Report, ReportRun
from server.store.writes import locked

REPORTS: Rows[Report] = Rows(
    Report,
    "report",
    {
        "name": func.lower(Report.name),
        "kind": Report.kind,
        "frequency": Report.frequency,
        "enabled": Report.enabled,
        "nextAt": Report.next_at,
        "createdAt": Report.created_at,
        "updatedAt": Report.updated_at,
    },
    "name",
    (col(Report.name),),
)
RUN_SORTS: Sorts = {
    "createdAt": ReportRun.created_at,
    "dueAt": ReportRun.due_at,
    "sentAt": ReportRun.sent_at,
    "state": ReportRun.state,
    "tries": ReportRun.tries,
}
MOST = 200
State = Literal["waiting", "sending", "sent", "failed"]


@dataclass(frozen=True, slots=True)
class Turn:
    """Who sends a run, and which try of it that is."""

    run_id: str
    worker: str
    tries: int


def made_by(user_id: str | None) -> Conditions:
    """Only that user's; None: everybody's."""
    return [] if user_id is None else [col(Report.created_by) == user_id]


async def count(session: AsyncSession) -> int:
    return (await session.exec(select(func.count()).select_from(Report))).one()


async def due(session: AsyncSession, now: datetime, furthest: datetime, limit: int) -> Sequence[str]:
    """The ids of those whose moment has come, the longest waiting first; and of those whose moment is after the
    furthest that there can be."""
    at = col(Report.next_at)
    wanted = select(Report.id).where(or_(at <= now, at > furthest), col(Report.enabled))
    return (await session.exec(wanted.order_by(col(Report.next_at), col(Report.id)).limit(limit))).all()


async def lock(session: AsyncSession, report_id: str) -> Report | None:
    return await locked(session, Report, report_id)


async def write(session: AsyncSession, report_id: str, **values: Any) -> None:
    """What the one who runs it notes. No edit: its stamp stays."""
    noted = {**values, "updated_at": Report.updated_at}
    await session.exec(update(Report).where(col(Report.id) == report_id).values(**noted))


async def disable(session: AsyncSession, report_id: str) -> None:
    """It can not go on as it is, which is an edit."""
    await session.exec(update(Report).where(col(Report.id) == report_id).values(enabled=False, next_at=None))


async def add_run(session: AsyncSession, run: ReportRun) -> ReportRun:
    session.add(run)
    await session.flush()
    return run


async def has_run(session: AsyncSession, report_id: str, due_at: datetime) -> bool:
    wanted = select(ReportRun.id).where(ReportRun.report_id == report_id, ReportRun.due_at == due_at)
    return (await session.exec(wanted)).first() is not None


async def count_open(session: AsyncSession, report_id: str) -> int:
    """How many wait or are being sent."""
    wanted = (ReportRun.report_id == report_id, col(ReportRun.finished_at).is_(None))
    return (await session.exec(select(func.count()).select_from(ReportRun).where(*wanted))).one()


async def end_open(session: AsyncSession, report_id: str, now: datetime, reason: str) -> None:
    """What waits or is being sent goes to nobody any more: whoever sends it finds that it is not theirs."""
    wanted = select(ReportRun).where(ReportRun.report_id == report_id, col(ReportRun.finished_at).is_(None))
    for run in (await session.exec(wanted.with_for_update().execution_options(populate_existing=True))).all():
        run.refused += len(run.left)
        run.state, run.finished_at = "sent" if run.recipients > run.refused else "failed", now
        run.left, run.worker, run.lease_until, run.reason = [], None, None, reason
    await session.flush()


async def page_runs(session: AsyncSession, wanted: Page, report_id: str) -> Paged[ReportRun]:
    return await fetch(
        session, select(ReportRun).where(ReportRun.report_id == report_id), wanted, RUN_SORTS, "-createdAt"
    )


async def last_runs(session: AsyncSession, report_ids: Collection[str]) -> dict[str, ReportRun]:
    """The newest of each report, where there is one."""
    newest = select(func.max(ReportRun.id)).where(col(ReportRun.report_id).in_(report_ids))
    ids = newest.group_by(col(ReportRun.report_id))
    rows = (await session.exec(select(ReportRun).where(col(ReportRun.id).in_(ids)))).all()
    return {row.report_id: row for row in rows}


async def waiting(session: AsyncSession, now: datetime, limit: int) -> Sequence[str]:
    """The ids of the runs that may be tried now, and of those whose sender was lost; the longest waiting first."""
    wanted = select(ReportRun.id).where(_free(now))
    return (await session.exec(wanted.order_by(col(ReportRun.next_at), col(ReportRun.id)).limit(limit))).all()


async def take(
    session: AsyncSession, run_id: str, worker: str, now: datetime, lease: timedelta
) -> tuple[ReportRun, Report] | None:
    """The run and its report, sent by this worker from now on; None where it is not to be had. One statement."""
    values = {"state": "sending", "worker": worker, "lease_until": now + lease, "tries": ReportRun.tries + 1}
    taken = await session.exec(update(ReportRun).where(col(ReportRun.id) == run_id, _free(now)).values(**values))
    if not taken.rowcount:
        return None
    run = await session.get_one(ReportRun, run_id, populate_existing=True)
    return run, await session.get_one(Report, run.report_id, populate_existing=True)


async def note(session: AsyncSession, turn: Turn, **values: Any) -> bool:
    """What came of it; false where it is somebody else's by now."""
    ours = (
        col(ReportRun.id) == turn.run_id, col(ReportRun.state) == "sending", col(ReportRun.worker) == turn.worker,
        col(ReportRun.tries) == turn.tries,
    )  # fmt: skip
    return (await session.exec(update(ReportRun).where(*ours).values(**values))).rowcount > 0


async def forget_old(session: AsyncSession, before: datetime, limit: int) -> int:
    """Runs that were over before; how many of them went. The newest of a report stays: it says how it stands."""
    newest = select(func.max(ReportRun.id)).group_by(col(ReportRun.report_id))
    old = select(ReportRun.id).where(col(ReportRun.finished_at) < before, col(ReportRun.id).not_in(newest))
    ids = (await session.exec(old.order_by(col(ReportRun.finished_at)).limit(limit))).all()
    return (await session.exec(delete(ReportRun).where(col(ReportRun.id).in_(ids)))).rowcount if ids else 0


def _free(now: datetime) -> ColumnElement[bool]:
    waits = and_(col(ReportRun.state) == "waiting", col(ReportRun.next_at) <= now)
    lost = and_(col(ReportRun.state) == "sending", col(ReportRun.lease_until) < now)
    return or_(waits, lost)
