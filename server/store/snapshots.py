"""Stored snapshots of cameras."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func
from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.errors import NotFound
from server.store.paging import Page, Paged, Sorts, fetch
from server.store.tables import Snapshot

SORTS: Sorts = {"takenAt": Snapshot.taken_at, "sizeBytes": Snapshot.size_bytes}


async def page(
    session: AsyncSession, camera_id: str, wanted: Page, *, start: datetime | None = None, end: datetime | None = None
) -> Paged[Snapshot]:
    """Of one camera, newest first. `start` is included, `end` is not."""
    statement = select(Snapshot).where(Snapshot.camera_id == camera_id)
    if start is not None:
        statement = statement.where(Snapshot.taken_at >= start)
    if end is not None:
        statement = statement.where(Snapshot.taken_at < end)
    return await fetch(session, statement, wanted, SORTS, "-takenAt")


async def get(session: AsyncSession, camera_id: str, snapshot_id: str) -> Snapshot:
    """Raises NotFound."""
    row = await session.get(Snapshot, snapshot_id)
    if row is None or row.camera_id != camera_id:
        raise NotFound.of("snapshot")
    return row


async def oldest(session: AsyncSession, limit: int, before: datetime | None = None) -> Sequence[Snapshot]:
    """Of all cameras, those that are gone included."""
    statement = select(Snapshot).order_by(col(Snapshot.taken_at), col(Snapshot.id)).limit(limit)
    if before is not None:
        statement = statement.where(Snapshot.taken_at < before)
    return (await session.exec(statement)).all()


async def total_bytes(session: AsyncSession) -> int:
    return (await session.exec(select(func.coalesce(func.sum(Snapshot.size_bytes), 0)))).one()


async def remove_all(session: AsyncSession, ids: Sequence[str]) -> int:
    """The rows; how many. Their objects go first, for the row is what knows of them."""
    if not ids:
        return 0
    return (await session.exec(delete(Snapshot).where(col(Snapshot.id).in_(ids)))).rowcount
