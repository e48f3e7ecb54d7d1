"""Locked days: up to which date has been paid, and the days as they were then."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import func, insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import Conflict, NotFound
from server.ids import new_id
from server.store.columns import utc_now
from server.store.paging import Page, Paged, Sorts, fetch
from server.store.tables import DayLock, FrozenDay
from server.store.writes import locked

SORTS: Sorts = {"through": DayLock.through, "createdAt": DayLock.created_at}
ROWS_AT_ONCE = 500


async def through(session: AsyncSession) -> date | None:
    """The newest date that is locked; None where nothing is."""
    return (await session.exec(select(func.max(col(DayLock.through))))).one()


async def page(session: AsyncSession, wanted: Page) -> Paged[DayLock]:
    """The newest first."""
    return await fetch(session, select(DayLock), wanted, SORTS, "-through")


async def add(session: AsyncSession, lock: DayLock, days: Iterable[tuple[str, date, list[dict[str, Any]]]]) -> DayLock:
    """With the days as they are now: of whom, of which date, and what they say.

    Raises Conflict (locked_already) where that date is locked.
    """
    newest = await through(session)
    if newest is not None and lock.through <= newest:
        raise Conflict(f"All days up to {newest} are locked already.", code="locked_already")
    session.add(lock)
    await session.flush()
    now = utc_now()
    rows = [
        {"id": new_id(), "created_at": now, "updated_at": now, "person_id": person_id, "date": day, "lock_id": lock.id,
         "days": said}
        for person_id, day, said in days
    ]  # fmt: skip
    connection = await session.connection()
    for at in range(0, len(rows), ROWS_AT_ONCE):
        await connection.execute(insert(FrozenDay), rows[at : at + ROWS_AT_ONCE])
    return lock


async def newest(session: AsyncSession, lock_id: str) -> DayLock:
    """For its removal. Raises NotFound, or Conflict (not_the_newest): what came after rests on it."""
    lock = await locked(session, DayLock, lock_id)
    if lock is None:
        raise NotFound.of("lock")
    if lock.through != await through(session):
        raise Conflict("Only the newest lock can be taken away.", code="not_the_newest")
    return lock


async def remove(session: AsyncSession, lock: DayLock) -> None:
    """Its days are worked out from their entries again."""
    await session.delete(lock)
    await session.flush()


async def frozen(
    session: AsyncSession, person_ids: Sequence[str], first: date, last: date
) -> dict[tuple[str, date], list[dict[str, Any]]]:
    """What was locked, by person and date."""
    statement = select(FrozenDay).where(
        col(FrozenDay.person_id).in_(person_ids), FrozenDay.date >= first, FrozenDay.date <= last
    )
    return {(row.person_id or "", row.date): row.days for row in (await session.exec(statement)).all()}
