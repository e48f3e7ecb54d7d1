"""Views that an operator has said are not a person."""

from collections.abc import Sequence

from sqlalchemy import func
from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.store.tables import RefusedView


async def add(session: AsyncSession, row: RefusedView, most: int) -> None:
    """One more of a person, whose oldest beyond so many go. Said twice of one sighting, it is there once."""
    if row.sighting_id is not None:
        await remove(session, row.sighting_id, row.person_id)
    session.add(row)
    await session.flush()
    statement = select(RefusedView.id).where(RefusedView.person_id == row.person_id)
    older = (await session.exec(statement.order_by(col(RefusedView.id).desc()).offset(most))).all()
    if older:
        await session.exec(delete(RefusedView).where(col(RefusedView.id).in_(older)))


async def remove(session: AsyncSession, sighting_id: str, person_id: str) -> None:
    """The operator has said otherwise: it is this person."""
    same = (col(RefusedView.sighting_id) == sighting_id, col(RefusedView.person_id) == person_id)
    await session.exec(delete(RefusedView).where(*same))


async def all_of(session: AsyncSession, pack_sha256: str) -> Sequence[RefusedView]:
    """Of this build of a pack, oldest first."""
    statement = select(RefusedView).where(RefusedView.pack_sha256 == pack_sha256).order_by(RefusedView.id)
    return (await session.exec(statement)).all()


async def mark(session: AsyncSession) -> tuple[object, ...]:
    """Differs from an earlier one where something may have changed since."""
    found = await session.exec(select(func.count(), func.max(RefusedView.id), func.max(RefusedView.updated_at)))
    return tuple(found.one())
